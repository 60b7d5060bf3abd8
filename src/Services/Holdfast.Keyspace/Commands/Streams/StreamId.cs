using System.Buffers.Binary;
using System.Buffers.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>The number of a stream's entry: milliseconds and a sequence within them, "ms-seq".</summary>
internal readonly record struct StreamId(ulong Milliseconds, ulong Sequence) : IComparable<StreamId>
{
    /// <summary>Bytes of the longest text.</summary>
    public const int TextMax = 41;

    /// <summary>Bytes in RDB files and snapshots, big-endian so that their order is that of the numbers.</summary>
    public const int Bytes = 16;

    public static readonly StreamId Zero;
    public static readonly StreamId Max = new(ulong.MaxValue, ulong.MaxValue);

    public bool IsZero => this == Zero;

    public int CompareTo(StreamId other) => Milliseconds != other.Milliseconds ? Milliseconds.CompareTo(other.Milliseconds) : Sequence.CompareTo(other.Sequence);

    public static bool operator <(StreamId left, StreamId right) => left.CompareTo(right) < 0;

    public static bool operator >(StreamId left, StreamId right) => left.CompareTo(right) > 0;

    public static bool operator <=(StreamId left, StreamId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(StreamId left, StreamId right) => left.CompareTo(right) >= 0;

    /// <summary>The next one; false behind the last.</summary>
    public bool TryNext(out StreamId next)
    {
        var isThere = this != Max;
        next = Sequence == ulong.MaxValue ? new StreamId(Milliseconds + 1, 0) : new StreamId(Milliseconds, Sequence + 1);
        return isThere;
    }

    /// <summary>The one before; false before the first.</summary>
    public bool TryBefore(out StreamId before)
    {
        var isThere = !IsZero;
        before = Sequence == 0 ? new StreamId(Milliseconds - 1, ulong.MaxValue) : new StreamId(Milliseconds, Sequence - 1);
        return isThere;
    }

    /// <summary>Writes "ms-seq"; returns how many bytes.</summary>
    public int Format(Span<byte> target)
    {
        Utf8Formatter.TryFormat(Milliseconds, target, out var at);
        target[at++] = (byte)'-';
        Utf8Formatter.TryFormat(Sequence, target[at..], out var more);
        return at + more;
    }

    /// <summary>Reads "ms-seq", or "ms" alone with the sequence that is then meant.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, ulong missingSequence, out StreamId id) => TryParse(text, missingSequence, out id, out var isOpen) && !isOpen;

    /// <summary>As the other, and "ms-*" too, which leaves the sequence open.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, ulong missingSequence, out StreamId id, out bool isSequenceOpen)
    {
        id = default;
        isSequenceOpen = false;
        if (text.Length > 127) return false;
        var dash = text.IndexOf((byte)'-');
        if (!TryUnsigned(dash < 0 ? text : text[..dash], out var milliseconds)) return false;
        var sequence = missingSequence;
        if (dash >= 0)
        {
            var rest = text[(dash + 1)..];
            isSequenceOpen = rest.SequenceEqual("*"u8);
            sequence = 0;
            if (!isSequenceOpen && !TryUnsigned(rest, out sequence)) return false;
        }

        id = new StreamId(milliseconds, sequence);
        return true;
    }

    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, Milliseconds);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], Sequence);
    }

    public static StreamId Read(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt64BigEndian(source[8..]));

    /// <summary>As C's strtoull reads it: blanks, a plus and leading zeros may stand before.</summary>
    private static bool TryUnsigned(ReadOnlySpan<byte> text, out ulong number)
    {
        text = text.TrimStart(" \t\n\v\f\r"u8);
        if (text.Length > 0 && text[0] == '+') text = text[1..];
        return Utf8Parser.TryParse(text, out number, out var used) && used == text.Length && text.Length > 0;
    }
}

internal static class StreamReplies
{
    /// <summary>A stream's number as a bulk string.</summary>
    public static void Id(this RespWriter writer, StreamId id)
    {
        Span<byte> text = stackalloc byte[StreamId.TextMax];
        writer.Bulk(text[..id.Format(text)]);
    }

    /// <summary>The next logged argument, a stream's number.</summary>
    public static void Argument(this EffectsWriter log, StreamId id)
    {
        Span<byte> text = stackalloc byte[StreamId.TextMax];
        log.Argument(text[..id.Format(text)]);
    }
}
