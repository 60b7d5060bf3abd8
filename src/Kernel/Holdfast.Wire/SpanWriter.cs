using System.Buffers;
using System.Buffers.Binary;

namespace Holdfast.Wire;

/// <summary>Writes little-endian fields into a growing buffer that its owner reuses.</summary>
public readonly ref struct SpanWriter(IBufferWriter<byte> target)
{
    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value)
    {
        target.GetSpan(1)[0] = value;
        target.Advance(1);
    }

    /// <summary>Writes two bytes.</summary>
    public void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target.GetSpan(2), value);
        target.Advance(2);
    }

    /// <summary>Writes four bytes.</summary>
    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target.GetSpan(4), value);
        target.Advance(4);
    }

    /// <summary>Writes eight bytes.</summary>
    public void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target.GetSpan(8), value);
        target.Advance(8);
    }

    /// <summary>Writes a 32-bit length and the bytes.</summary>
    public void WriteBlock(ReadOnlySpan<byte> bytes)
    {
        WriteUInt32((uint)bytes.Length);
        target.Write(bytes);
    }

    /// <summary>Writes the bytes alone.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes) => target.Write(bytes);
}
