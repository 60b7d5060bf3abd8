using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Strings as bitmaps.</summary>
internal sealed class BitmapCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("setbit", SetBit, "Sets or clears a bit and returns what it was");
        table.Bind("getbit", GetBit, "Returns a bit");
        table.Bind("bitcount", BitCount, "Counts the bits that are set");
        table.Bind("bitpos", BitPos, "Finds the first bit that is set, or clear");
        table.Bind("bitop", BitOp, "Combines strings bit by bit");
    }

    /// <summary>A bit's place within what a string may have; otherwise the error is the reply.</summary>
    public static bool TryOffset(CommandCall call, int argument, out long offset, int widthIfHashed = 0)
    {
        var text = call[argument];
        var isHashed = widthIfHashed > 0 && text.Length > 0 && text[0] == '#';
        if (RespNumber.TryParse(isHashed ? text[1..] : text, out offset) && offset >= 0 && (!isHashed || offset < long.MaxValue / widthIfHashed))
        {
            if (isHashed) offset *= widthIfHashed;
            if (offset >> 3 < StringValue.BytesMax) return true;
        }

        call.Reply.Error("ERR bit offset is not an integer or out of range"u8);
        return false;
    }

    /// <summary>A key's string, long enough for a bit, to be changed.</summary>
    public static Span<byte> Open(CommandCall call, scoped ref KeyPlace place, long bit)
    {
        var length = Math.Max(place.Bytes.Length, (int)(bit >> 3) + 1);
        if (place.Exists) return call.Keyspace.Open(ref place, length, ValueEncoding.Raw);
        var bytes = call.Keyspace.Fill(ref place, ValueKind.String, ValueEncoding.Raw, length);
        bytes.Clear();
        return bytes;
    }

    private static void SetBit(CommandCall call)
    {
        if (!TryOffset(call, 2, out var offset)) return;
        if (!RespNumber.TryParse(call[3], out long value) || value is < 0 or > 1)
        {
            call.Reply.Error("ERR bit is not an integer or out of range"u8);
            return;
        }

        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        var bytes = Open(call, ref place, offset);
        var before = BitRange.Get(bytes, offset);
        BitRange.Set(bytes, offset, value == 1);
        call.Changed(place.Key, KeyEvents.String, "setbit"u8);
        call.Reply.Integer(before ? 1 : 0);
    }

    private static void GetBit(CommandCall call)
    {
        if (TryOffset(call, 2, out var offset) && call.TryLocate(1, ValueKind.String, out var place)) call.Reply.Integer(BitRange.Get(place.Bytes, offset) ? 1 : 0);
    }

    private static void BitCount(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        var bytes = place.Bytes;
        if (!place.Exists)
        {
            call.Reply.Integer(0);
            return;
        }

        var (start, end, isBit) = (0L, bytes.Length - 1L, false);
        if (call.Count is 4 or 5)
        {
            if (!call.TryInteger(2, out start) || !call.TryInteger(3, out end) || !TryUnit(call, 4, out isBit)) return;
            if (!Clamp(ref start, ref end, isBit ? bytes.Length * 8L : bytes.Length))
            {
                call.Reply.Integer(0);
                return;
            }
        }
        else if (call.Count != 2)
        {
            call.SyntaxError();
            return;
        }

        if (!isBit) (start, end) = (start * 8, (end * 8) + 7);
        call.Reply.Integer(start > end || bytes.Length == 0 ? 0 : BitRange.Count(bytes, start, end));
    }

    private static bool TryUnit(CommandCall call, int argument, out bool isBit)
    {
        isBit = call.Count > argument && call.Is(argument, "BIT"u8);
        if (call.Count <= argument || isBit || call.Is(argument, "BYTE"u8)) return true;
        call.SyntaxError();
        return false;
    }

    /// <summary>Counts negative places from the end, as Redis does; false when nothing is left.</summary>
    private static bool Clamp(ref long start, ref long end, long length)
    {
        if (start < 0 && end < 0 && start > end) return false;
        if (start < 0) start = Math.Max(0, length + start);
        if (end < 0) end = Math.Max(0, length + end);
        end = Math.Min(end, length - 1);
        return start <= end;
    }

    private static void BitPos(CommandCall call)
    {
        if (!call.TryInteger(2, out var bit)) return;
        if (bit is not (0 or 1))
        {
            call.Reply.Error("ERR The bit argument must be 1 or 0."u8);
            return;
        }

        if (!call.TryLocate(1, ValueKind.String, out var place)) return;
        if (!place.Exists)
        {
            call.Reply.Integer(bit == 1 ? -1 : 0);
            return;
        }

        var bytes = place.Bytes;
        var (start, end, isBit) = (0L, bytes.Length - 1L, false);
        var hasEnd = call.Count >= 5;
        if (call.Count > 6)
        {
            call.SyntaxError();
            return;
        }

        if (call.Count >= 4)
        {
            if (!call.TryInteger(3, out start) || !TryUnit(call, 5, out isBit)) return;
            if (hasEnd && !call.TryInteger(4, out end)) return;
            var length = isBit ? bytes.Length * 8L : bytes.Length;
            if (!hasEnd) end = length - 1;
            if (start < 0) start = Math.Max(0, length + start);
            if (end < 0) end = Math.Max(0, length + end);
            end = Math.Min(end, length - 1);
        }

        if (start > end)
        {
            call.Reply.Integer(-1);
            return;
        }

        if (!isBit) (start, end) = (start * 8, (end * 8) + 7);
        var found = BitRange.Find(bytes, bit == 1, start, end);
        call.Reply.Integer(found < 0 && bit == 0 && !hasEnd ? bytes.Length * 8L : found);
    }

    private static void BitOp(CommandCall call)
    {
        var (and, or, xor, not) = (call.Is(1, "AND"u8), call.Is(1, "OR"u8), call.Is(1, "XOR"u8), call.Is(1, "NOT"u8));
        if (!and && !or && !xor && !not)
        {
            call.SyntaxError();
            return;
        }

        if (not && call.Count != 4)
        {
            call.Reply.Error("ERR BITOP NOT must be called with a single source key."u8);
            return;
        }

        var longest = 0;
        for (var i = 3; i < call.Count; i++)
        {
            if (!call.TryLocate(i, ValueKind.String, out var source)) return;
            longest = Math.Max(longest, source.Bytes.Length);
        }

        var result = new byte[longest];
        for (var i = 3; i < call.Count && longest > 0; i++)
        {
            var bytes = call.Locate(i).Bytes;
            if (i == 3) bytes.CopyTo(result);
            else if (and) And(result, bytes);
            else if (or) Or(result, bytes);
            else Xor(result, bytes);
        }

        if (not) Not(result);
        var target = call.Locate(2);
        if (longest > 0)
        {
            call.Keyspace.Set(ref target, ValueKind.String, ValueEncoding.Raw, result);
            call.Changed(target.Key, KeyEvents.String, "set"u8);
        }
        else if (target.Exists)
        {
            call.Keyspace.Remove(ref target);
            call.Changed(target.Key, KeyEvents.Generic, "del"u8);
        }

        call.Reply.Integer(longest);
    }

    private static void And(Span<byte> result, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++) result[i] &= bytes[i];
        result[bytes.Length..].Clear();
    }

    private static void Or(Span<byte> result, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++) result[i] |= bytes[i];
    }

    private static void Xor(Span<byte> result, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++) result[i] ^= bytes[i];
    }

    private static void Not(Span<byte> result)
    {
        foreach (ref var each in result) each = (byte)~each;
    }
}
