using System.Buffers.Binary;

namespace Holdfast.Wire;

/// <summary>
/// Reads little-endian fields from a span. Reading past the end never throws: it yields zeros and clears <see cref="IsWhole"/>,
/// so a decoder reads all its fields and asks once. Lengths are checked against what is really there before anything is sliced.
/// </summary>
public ref struct SpanReader(ReadOnlySpan<byte> source)
{
    private ReadOnlySpan<byte> rest = source;

    /// <summary>False once a read went past the end: everything read since is meaningless.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>What has not been read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => rest;

    /// <summary>Reads one byte.</summary>
    public byte ReadByte() => Take(1) is { Length: 1 } bytes ? bytes[0] : (byte)0;

    /// <summary>Reads two bytes.</summary>
    public ushort ReadUInt16() => Take(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    /// <summary>Reads four bytes.</summary>
    public uint ReadUInt32() => Take(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    /// <summary>Reads eight bytes.</summary>
    public ulong ReadUInt64() => Take(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    /// <summary>Reads a 32-bit length and that many bytes.</summary>
    public ReadOnlySpan<byte> ReadBlock()
    {
        var length = ReadUInt32();
        return length <= (uint)rest.Length ? Take((int)length) : Take(int.MaxValue);
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes, or none at all.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)rest.Length)
        {
            IsWhole = false;
            rest = default;
            return default;
        }

        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
