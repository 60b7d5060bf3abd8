using System.Buffers.Binary;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Reads ziplists, in which Redis kept small collections before 7.0: bytes in all (32 bits), where the last entry is (32), how many there are (16, all ones: more), entries, 255. An entry: how long the one before it is (one byte,
/// or 254 and 32 bits), its encoding with its length or its number's width, and what it holds.
/// </summary>
internal static class Ziplist
{
    private const int HeadBytes = 10;

    /// <summary>Adds the entries as texts; false when these bytes are no ziplist.</summary>
    public static bool TryRead(ReadOnlySpan<byte> list, GatheredStrings into)
    {
        if (list.Length < HeadBytes + 1 || BinaryPrimitives.ReadUInt32LittleEndian(list) != list.Length || list[^1] != byte.MaxValue) return false;
        Span<byte> text = stackalloc byte[24];
        var count = 0;
        for (var at = HeadBytes; at < list.Length - 1; count++)
        {
            at += list[at] < 254 ? 1 : 5;
            if (at >= list.Length - 1 || !TryEntry(list[..^1], ref at, text, out var entry)) return false;
            into.Add(entry);
        }

        var told = BinaryPrimitives.ReadUInt16LittleEndian(list[8..]);
        return told == count || told == ushort.MaxValue;
    }

    private static bool TryEntry(ReadOnlySpan<byte> list, scoped ref int at, Span<byte> text, out ReadOnlySpan<byte> entry)
    {
        entry = default;
        var code = list[at];
        var rest = list[(at + 1)..];
        var (head, length) = (code >> 6) switch
        {
            0 => (1, code & 0x3FL),
            1 => rest.Length < 1 ? (0, 0) : (2, ((code & 0x3FL) << 8) | rest[0]),
            2 => rest.Length < 4 ? (0, 0) : (5, BinaryPrimitives.ReadUInt32BigEndian(rest)),
            _ => (1, -1L),
        };
        if (head == 0) return false;
        if (length >= 0)
        {
            if (length > list.Length - at - head) return false;
            entry = list.Slice(at + head, (int)length);
            at += head + (int)length;
            return true;
        }

        var width = code switch { 0xC0 => 2, 0xD0 => 4, 0xE0 => 8, 0xF0 => 3, 0xFE => 1, _ => 0 };
        if (rest.Length < width || (width == 0 && code is < 0xF1 or > 0xFD)) return false;
        var number = width switch
        {
            1 => (sbyte)rest[0],
            2 => BinaryPrimitives.ReadInt16LittleEndian(rest),
            3 => (rest[0] | (rest[1] << 8) | (rest[2] << 16)) << 8 >> 8,
            4 => BinaryPrimitives.ReadInt32LittleEndian(rest),
            8 => BinaryPrimitives.ReadInt64LittleEndian(rest),
            _ => (code & 0x0F) - 1L,
        };
        at += 1 + width;
        entry = text[..RespNumber.Format(number, text)];
        return true;
    }
}
