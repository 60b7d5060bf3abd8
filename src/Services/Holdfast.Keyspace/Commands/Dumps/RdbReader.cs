using System.Buffers.Binary;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Reads what RDB payloads are made of. What is not there, or not sound, makes the whole not whole; nothing is believed that the bytes do not bear out.</summary>
internal ref struct RdbReader(ReadOnlySpan<byte> source)
{
    private ReadOnlySpan<byte> rest = source;

    /// <summary>Whether all that was read was there and sound.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>Whether nothing is left.</summary>
    public readonly bool IsAtEnd => rest.IsEmpty;

    public byte Byte() => Take(1) is { Length: 1 } one ? one[0] : (byte)0;

    /// <summary>A length that is no encoding.</summary>
    public ulong Length()
    {
        var length = LengthOrEncoding(out var isEncoding);
        if (isEncoding) Fail();
        return isEncoding ? 0 : length;
    }

    /// <summary>A number of things that follow, each of at least so many bytes.</summary>
    public int Count(int bytesEach = 1)
    {
        var count = Length();
        if (count > (ulong)(rest.Length / Math.Max(1, bytesEach))) Fail();
        return IsWhole ? (int)count : 0;
    }

    /// <summary>A string, whatever its encoding.</summary>
    public ReadOnlySpan<byte> String()
    {
        var length = LengthOrEncoding(out var isEncoding);
        if (!isEncoding) return Take(length);
        switch (length)
        {
            case 0: return Number(Take(1) is { Length: 1 } one ? (sbyte)one[0] : 0);
            case 1: return Number(Take(2) is { Length: 2 } two ? BinaryPrimitives.ReadInt16LittleEndian(two) : 0);
            case 2: return Number(Take(4) is { Length: 4 } four ? BinaryPrimitives.ReadInt32LittleEndian(four) : 0);
            case 3: return Compressed();
            default:
                Fail();
                return default;
        }
    }

    public ReadOnlySpan<byte> Raw(int length) => Take((ulong)length);

    /// <summary>Eight bytes, the least first.</summary>
    public long Long() => Take(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

    public double Score() => BitConverter.Int64BitsToDouble(Long());

    /// <summary>A score as Redis wrote it before 4.0: a length and the number as text; 253 to 255 stand for no number and the infinities.</summary>
    public double TextScore()
    {
        var length = Byte();
        switch (length)
        {
            case 253: return double.NaN;
            case 254: return double.PositiveInfinity;
            case 255: return double.NegativeInfinity;
        }

        if (RespNumber.TryParse(Take(length), out double score)) return score;
        Fail();
        return 0;
    }

    /// <summary>What was read cannot be.</summary>
    public void Fail()
    {
        IsWhole = false;
        rest = default;
    }

    private ReadOnlySpan<byte> Compressed()
    {
        var (packed, plain) = (Length(), Length());
        var bytes = Take(packed);
        if (IsWhole && plain <= Lzf.PlainMax && Lzf.TryExpand(bytes, (int)plain) is { } expanded) return expanded;
        Fail();
        return default;
    }

    private static ReadOnlySpan<byte> Number(long number)
    {
        var text = new byte[24];
        return text.AsSpan(0, RespNumber.Format(number, text));
    }

    private ulong LengthOrEncoding(out bool isEncoding)
    {
        isEncoding = false;
        var first = Byte();
        switch (first >> 6)
        {
            case 0: return first;
            case 1: return (((ulong)first & 0x3F) << 8) | Byte();
            case 3:
                isEncoding = true;
                return (ulong)(first & 0x3F);
        }

        if (first == 0x80) return Take(4) is { Length: 4 } four ? BinaryPrimitives.ReadUInt32BigEndian(four) : 0;
        if (first == 0x81) return Take(8) is { Length: 8 } eight ? BinaryPrimitives.ReadUInt64BigEndian(eight) : 0;
        Fail();
        return 0;
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)rest.Length)
        {
            Fail();
            return default;
        }

        var taken = rest[..(int)count];
        rest = rest[(int)count..];
        return taken;
    }
}
