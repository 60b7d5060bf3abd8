using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Holdfast.Wire;

namespace Holdfast.Vectors.Points;

/// <summary>A point's name: an unsigned number or a UUID. Numbers come before UUIDs, each in their own order: the order in which points are scrolled.</summary>
public readonly record struct PointId : IComparable<PointId>
{
    /// <summary>What <see cref="Guid"/>'s reader tolerates besides is no UUID.</summary>
    private static readonly SearchValues<char> UuidCharacters = SearchValues.Create("0123456789abcdefABCDEF-");

    // Two halves instead of one number: that would be aligned to 16 bytes, and a million ids have a million gaps.
    private readonly ulong high;
    private readonly ulong low;

    private PointId(bool isUuid, UInt128 value) => (IsUuid, high, low) = (isUuid, (ulong)(value >> 64), (ulong)value);

    /// <summary>Whether it is a UUID.</summary>
    public bool IsUuid { get; }

    /// <summary>The number; meaningless for a UUID.</summary>
    public ulong Number => low;

    /// <summary>The UUID's high half, as written; meaningless for a number.</summary>
    public UInt128 Bits => new(high, low);

    /// <summary>A number.</summary>
    public static PointId Of(ulong number) => new(false, number);

    /// <summary>A UUID.</summary>
    public static PointId Of(Guid uuid)
    {
        Span<byte> bytes = stackalloc byte[16];
        uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        return new PointId(true, BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>The bits of either kind.</summary>
    internal static PointId Of(bool isUuid, UInt128 bits) => new(isUuid, bits);

    /// <summary>A UUID as Qdrant takes it, in capitals or not: with hyphens, without, in braces, or as a urn. It is the same point in each of its spellings.</summary>
    public static bool TryParseUuid([NotNullWhen(true)] string? text, out PointId id)
    {
        id = default;
        var digits = text.AsSpan();
        if (digits.Length == 45 && digits.StartsWith("urn:uuid:")) digits = digits[9..];
        else if (digits.Length == 38 && digits is ['{', .. var inner, '}']) digits = inner;
        if (digits.Length is not (32 or 36) || digits.ContainsAnyExcept(UuidCharacters) || !Guid.TryParseExact(digits, digits.Length == 32 ? "N" : "D", out var uuid)) return false;
        id = Of(uuid);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(PointId other) 
    {
        if (IsUuid != other.IsUuid) return IsUuid ? 1 : -1;
        return high != other.high ? high.CompareTo(other.high) : low.CompareTo(other.low);
    }

    /// <summary>A number in decimal, or a UUID in lower case with hyphens.</summary>
    public override string ToString()
    {
        if (!IsUuid) return Number.ToString(CultureInfo.InvariantCulture);
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return new Guid(bytes, bigEndian: true).ToString("D");
    }

    /// <summary>A hash that is the same on every machine.</summary>
    internal ulong StableHash
    {
        get
        {
            var hash = new ContentHash(IsUuid ? 2UL : 1UL);
            hash.Add(high);
            hash.Add(low);
            return hash.Value;
        }
    }

    /// <summary>Bytes that <see cref="Write"/> takes.</summary>
    internal int WrittenBytes => IsUuid ? 17 : 9;

    internal void Write(SpanWriter writer)
    {
        writer.WriteByte(IsUuid ? (byte)1 : (byte)0);
        if (IsUuid) writer.WriteUInt64(high);
        writer.WriteUInt64(low);
    }

    internal static PointId Read(ref SpanReader reader)
    {
        if (reader.ReadByte() == 0) return Of(reader.ReadUInt64());
        var high = reader.ReadUInt64();
        return new PointId(true, new UInt128(high, reader.ReadUInt64()));
    }
}
