using System.Buffers.Binary;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Writes what RDB payloads are made of: lengths, strings (short whole numbers as numbers, long ones packed where that makes them shorter, as Redis does), times and scores.</summary>
internal sealed class RdbWriter
{
    /// <summary>Shorter strings are not packed (Redis's bound).</summary>
    private const int PackedLeast = 21;

    /// <summary>Longer strings are not packed either: it would take longer than a turn should.</summary>
    private const int PackedMost = 2 * 1024 * 1024;

    private const byte PackedMark = 0xC3;

    private readonly ByteBuffer bytes = new();
    private readonly LzfPacker packer = new();
    private byte[] packed = [];

    public ReadOnlySpan<byte> Written => bytes.Written;

    public void Clear() => bytes.Clear();

    public void Byte(byte value) => new SpanWriter(bytes).WriteByte(value);

    public void Length(ulong value)
    {
        var span = bytes.GetSpan(9);
        if (value < 64)
        {
            span[0] = (byte)value;
            bytes.Advance(1);
        }
        else if (value < 16384)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)(0x4000 | value));
            bytes.Advance(2);
        }
        else if (value <= uint.MaxValue)
        {
            span[0] = 0x80;
            BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)value);
            bytes.Advance(5);
        }
        else
        {
            span[0] = 0x81;
            BinaryPrimitives.WriteUInt64BigEndian(span[1..], value);
            bytes.Advance(9);
        }
    }

    public void String(ReadOnlySpan<byte> text)
    {
        if (text.Length <= 11 && RespNumber.TryParse(text, out long number) && number is >= int.MinValue and <= int.MaxValue)
        {
            var span = bytes.GetSpan(5);
            BinaryPrimitives.WriteInt32LittleEndian(span[1..], (int)number);
            var size = number is >= sbyte.MinValue and <= sbyte.MaxValue ? 1 : number is >= short.MinValue and <= short.MaxValue ? 2 : 4;
            span[0] = (byte)(size == 1 ? 0xC0 : size == 2 ? 0xC1 : 0xC2);
            bytes.Advance(1 + size);
            return;
        }

        if (text.Length is >= PackedLeast and <= PackedMost && TryPack(text)) return;
        Length((ulong)text.Length);
        new SpanWriter(bytes).WriteBytes(text);
    }

    public void Raw(ReadOnlySpan<byte> raw) => new SpanWriter(bytes).WriteBytes(raw);

    /// <summary>Eight bytes, the least first: a time in milliseconds, or a score's bits.</summary>
    public void Long(long value) => new SpanWriter(bytes).WriteUInt64((ulong)value);

    public void Score(double score) => Long(BitConverter.DoubleToInt64Bits(score));

    /// <summary>The version of RDB and the checksum: the payload is whole.</summary>
    public void Close(ushort version)
    {
        new SpanWriter(bytes).WriteUInt16(version);
        new SpanWriter(bytes).WriteUInt64(Crc64.Of(bytes.Written));
    }

    private bool TryPack(ReadOnlySpan<byte> text)
    {
        // Worth it when the two lengths are won back.
        var room = text.Length - 4;
        if (packed.Length < room) packed = new byte[Math.Max(room, 256)];
        var length = packer.TryPack(text, packed.AsSpan(0, room));
        if (length == 0) return false;
        Byte(PackedMark);
        Length((ulong)length);
        Length((ulong)text.Length);
        Raw(packed.AsSpan(0, length));
        return true;
    }
}
