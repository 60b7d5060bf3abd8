using System.Buffers.Binary;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Redis's listpack (listpack.c, its format is that of RDB files): total bytes (32 bits), elements (16 bits; 65535 says that they must be counted), the elements, 0xFF. An element is its encoding, its content and
/// the length of both written backwards, so that it can be walked both ways. Short texts that are whole numbers are kept as numbers. Positions are offsets; -1 is beyond either end.
/// </summary>
internal static class Listpack
{
    /// <summary>Bytes before the first element.</summary>
    public const int Head = 6;

    /// <summary>Bytes of one without elements.</summary>
    public const int EmptyBytes = Head + 1;

    /// <summary>Bytes that an element takes beyond its text, at most.</summary>
    public const int OverheadMax = 10;

    /// <summary>Scratch that <see cref="Value"/> needs.</summary>
    public const int ScratchBytes = 24;

    private const byte End = 0xFF;
    private const int CountUnknown = ushort.MaxValue;

    /// <summary>One without elements.</summary>
    public static ReadOnlySpan<byte> Empty => [EmptyBytes, 0, 0, 0, 0, 0, End];

    /// <summary>How many elements there are.</summary>
    public static int Count(ReadOnlySpan<byte> pack)
    {
        var count = (int)BinaryPrimitives.ReadUInt16LittleEndian(pack[4..]);
        if (count != CountUnknown) return count;
        count = 0;
        for (var at = First(pack); at >= 0; at = Next(pack, at)) count++;
        return count;
    }

    public static int First(ReadOnlySpan<byte> pack) => pack[Head] == End ? -1 : Head;

    public static int Last(ReadOnlySpan<byte> pack) => Before(pack, pack.Length - 1);

    public static int Next(ReadOnlySpan<byte> pack, int at)
    {
        at += SizeAt(pack, at);
        return pack[at] == End ? -1 : at;
    }

    /// <summary>The element before a position, or before the end.</summary>
    public static int Before(ReadOnlySpan<byte> pack, int at)
    {
        if (at <= Head) return -1;
        var (length, digits) = (0, 0);
        do length |= (pack[--at] & 0x7F) << (7 * digits++);
        while ((pack[at] & 0x80) != 0);
        return at - length;
    }

    /// <summary>The element of a number, from the end when it is negative.</summary>
    public static int Seek(ReadOnlySpan<byte> pack, int index)
    {
        var at = index >= 0 ? First(pack) : Last(pack);
        for (; index > 0 && at >= 0; index--) at = Next(pack, at);
        for (; index < -1 && at >= 0; index++) at = Before(pack, at);
        return at;
    }

    /// <summary>Bytes that the element at a position takes.</summary>
    public static int SizeAt(ReadOnlySpan<byte> pack, int at)
    {
        var length = BodyAt(pack, at);
        return length + DigitsOf(length);
    }

    /// <summary>An element as text; a number is written into the scratch.</summary>
    public static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> pack, int at, Span<byte> scratch) =>
        TryInteger(pack, at, out var number) ? scratch[..RespNumber.Format(number, scratch)] : Text(pack, at);

    /// <summary>An element that is kept as a number.</summary>
    public static bool TryInteger(ReadOnlySpan<byte> pack, int at, out long number)
    {
        var first = pack[at];
        var body = pack[(at + 1)..];
        if (first < 0x80) number = first;
        else if ((first & 0xE0) == 0xC0) number = (((first & 0x1F) << 8 | body[0]) ^ 0x1000) - 0x1000;
        else
        {
            switch (first)
            {
                case 0xF1: number = BinaryPrimitives.ReadInt16LittleEndian(body); break;
                case 0xF2: number = (body[0] | body[1] << 8 | body[2] << 16 ^ 0x800000) - 0x800000; break;
                case 0xF3: number = BinaryPrimitives.ReadInt32LittleEndian(body); break;
                case 0xF4: number = BinaryPrimitives.ReadInt64LittleEndian(body); break;
                default:
                    number = 0;
                    return false;
            }
        }

        return true;
    }

    /// <summary>Whether the element at a position is this text.</summary>
    public static bool Equals(ReadOnlySpan<byte> pack, int at, ReadOnlySpan<byte> text)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        return Value(pack, at, scratch).SequenceEqual(text);
    }

    /// <summary>Bytes that a text would take as an element.</summary>
    public static int SizeOf(ReadOnlySpan<byte> text)
    {
        var body = IsNumber(text, out var number) ? BodyOf(number) : text.Length + (text.Length < 64 ? 1 : text.Length < 4096 ? 2 : 5);
        return body + DigitsOf(body);
    }

    /// <summary>Writes a text as an element; returns how many bytes.</summary>
    public static int Write(ReadOnlySpan<byte> text, Span<byte> target)
    {
        int body;
        if (IsNumber(text, out var number))
        {
            body = WriteNumber(number, target);
        }
        else
        {
            var head = WriteLength(text.Length, target);
            text.CopyTo(target[head..]);
            body = head + text.Length;
        }

        return body + WriteBackwards(body, target[body..]);
    }

    /// <summary>Writes head and end of a listpack whose elements stand between them.</summary>
    public static void Close(Span<byte> pack, int count)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(pack, (uint)pack.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(pack[4..], (ushort)Math.Min(count, CountUnknown));
        pack[^1] = End;
    }

    /// <summary>Whether bytes that came from outside are a whole listpack, and how many elements it has.</summary>
    public static bool IsSound(ReadOnlySpan<byte> pack, out int count)
    {
        count = 0;
        if (pack.Length < EmptyBytes || BinaryPrimitives.ReadUInt32LittleEndian(pack) != pack.Length || pack[^1] != End) return false;
        var at = Head;
        while (at < pack.Length - 1)
        {
            if (pack[at] == End || HeadBytesOf(pack[at]) > pack.Length - 1 - at) return false;
            var body = BodyAt(pack, at);
            if (body < 0 || body > pack.Length || (long)at + body + DigitsOf(body) > pack.Length - 1) return false;
            var after = at + body + DigitsOf(body);
            if (Before(pack, after) != at) return false;
            at = after;
            count++;
        }

        var said = BinaryPrimitives.ReadUInt16LittleEndian(pack[4..]);
        return at == pack.Length - 1 && (said == CountUnknown || said == count);
    }

    private static bool IsNumber(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        return text.Length is > 0 and <= 20 && RespNumber.TryParse(text, out number);
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> pack, int at)
    {
        var head = HeadBytesOf(pack[at]);
        return pack.Slice(at + head, BodyAt(pack, at) - head);
    }

    /// <summary>Bytes of encoding and content.</summary>
    private static int BodyAt(ReadOnlySpan<byte> pack, int at)
    {
        var first = pack[at];
        if (first < 0x80) return 1;
        if (first < 0xC0) return 1 + (first & 0x3F);
        if (first < 0xE0) return 2;
        if (first < 0xF0) return 2 + ((first & 0x0F) << 8 | pack[at + 1]);
        return first switch
        {
            0xF0 => 5 + BinaryPrimitives.ReadInt32LittleEndian(pack[(at + 1)..]),
            0xF1 => 3,
            0xF2 => 4,
            0xF3 => 5,
            0xF4 => 9,
            _ => int.MinValue,
        };
    }

    /// <summary>Bytes that must be there before <see cref="BodyAt"/> may look.</summary>
    private static int HeadBytesOf(byte first) => first < 0xC0 ? 1 : first < 0xF0 ? 2 : first == 0xF0 ? 5 : 1;

    private static int BodyOf(long number) => number switch
    {
        >= 0 and <= 127 => 1,
        >= -4096 and <= 4095 => 2,
        >= short.MinValue and <= short.MaxValue => 3,
        >= -0x800000 and <= 0x7FFFFF => 4,
        >= int.MinValue and <= int.MaxValue => 5,
        _ => 9,
    };

    private static int WriteNumber(long number, Span<byte> target)
    {
        var size = BodyOf(number);
        switch (size)
        {
            case 1:
                target[0] = (byte)number;
                break;
            case 2:
                target[0] = (byte)(0xC0 | ((number >> 8) & 0x1F));
                target[1] = (byte)number;
                break;
            default:
                target[0] = (byte)(size == 9 ? 0xF4 : 0xF1 + size - 3);
                for (var i = 1; i < size; i++, number >>= 8) target[i] = (byte)number;
                break;
        }

        return size;
    }

    private static int WriteLength(int length, Span<byte> target)
    {
        if (length < 64)
        {
            target[0] = (byte)(0x80 | length);
            return 1;
        }

        if (length < 4096)
        {
            target[0] = (byte)(0xE0 | (length >> 8));
            target[1] = (byte)length;
            return 2;
        }

        target[0] = 0xF0;
        BinaryPrimitives.WriteInt32LittleEndian(target[1..], length);
        return 5;
    }

    private static int DigitsOf(int body) => body < 128 ? 1 : body < 16383 ? 2 : body < 2097151 ? 3 : body < 268435455 ? 4 : 5;

    private static int WriteBackwards(int body, Span<byte> target)
    {
        var digits = DigitsOf(body);
        for (var i = digits - 1; i >= 0; i--, body >>= 7) target[i] = (byte)((body & 0x7F) | (i > 0 ? 0x80 : 0));
        return digits;
    }
}
