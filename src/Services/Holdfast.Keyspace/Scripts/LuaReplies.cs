using System.Text;
using Holdfast.Wire.Resp;
using static Holdfast.Keyspace.LuaCalls;

namespace Holdfast.Keyspace;

/// <summary>Replies as values of Lua, and the other way, as Redis turns one into the other.</summary>
internal static class LuaReplies
{
    /// <summary>Levels of tables within tables that become a reply.</summary>
    private const int DepthMax = 512;

    /// <summary>Pushes a whole reply; returns its length.</summary>
    public static int Push(LuaFrame frame, ReadOnlySpan<byte> reply)
    {
        frame.Reserve(8);
        var stop = reply.IndexOf((byte)'\n');
        var text = reply[1..(stop - 1)];
        var at = stop + 1;
        switch (reply[0])
        {
            case (byte)':':
                frame.Push(Number(text));
                return at;
            case (byte)'+':
                frame.PushTable(0, 1);
                frame.Push(text);
                frame.SetField(-2, "ok"u8);
                return at;
            case (byte)'-':
                frame.PushTable(0, 2);
                frame.Push(text);
                frame.SetField(-2, "err"u8);
                frame.Push(true);
                frame.SetField(-2, "ignore_error_stats_update"u8);
                return at;
            case (byte)'$':
                return at + PushBulk(frame, reply[at..], (int)Number(text));
            case (byte)'_':
                frame.PushNil();
                return at;
            case (byte)'#':
                frame.Push(text[0] == 't');
                return at;
            case (byte)',':
                frame.PushTable(0, 1);
                RespNumber.TryParse(text, out double number);
                frame.Push(number);
                frame.SetField(-2, "double"u8);
                return at;
            case (byte)'(':
                frame.PushTable(0, 1);
                frame.Push(text);
                frame.SetField(-2, "big_number"u8);
                return at;
            case (byte)'=':
                return at + PushVerbatim(frame, reply.Slice(at, (int)Number(text) + 2));
            case (byte)'*' or (byte)'>':
                return at + PushArray(frame, reply[at..], (int)Number(text));
            case (byte)'%':
                return at + PushPairs(frame, reply[at..], (int)Number(text), "map"u8, hasValues: true);
            case (byte)'~':
                return at + PushPairs(frame, reply[at..], (int)Number(text), "set"u8, hasValues: false);
            case (byte)'|':
                at += PassOver(frame, reply[at..], 2 * (int)Number(text));
                return at + Push(frame, reply[at..]);
            default:
                frame.PushNil();
                return at;
        }
    }

    /// <summary>Attributes of a reply are not shown to scripts; returns how long they are.</summary>
    private static int PassOver(LuaFrame frame, ReadOnlySpan<byte> bytes, int count)
    {
        var at = 0;
        for (; count > 0; count--)
        {
            at += Push(frame, bytes[at..]);
            frame.Pop();
        }

        return at;
    }

    /// <summary>Writes the value on top of the stack as a reply to a client, and takes it.</summary>
    /// <param name="frame">The stack.</param>
    /// <param name="reply">Where to.</param>
    /// <param name="scriptProtocol">What the script said by setresp.</param>
    /// <param name="depth">How deep within tables it is.</param>
    public static void Write(LuaFrame frame, RespWriter reply, int scriptProtocol, int depth = 0)
    {
        if (depth > DepthMax || !frame.Reserve(8))
        {
            reply.Error("ERR reached lua stack limit"u8);
            frame.Pop();
            return;
        }

        switch (lua_type(frame.State, -1))
        {
            case TypeString:
                reply.Bulk(frame.Bytes(-1));
                break;
            case TypeBoolean when scriptProtocol >= 3:
                reply.Boolean(frame.Boolean(-1));
                break;
            case TypeBoolean when frame.Boolean(-1):
                reply.Integer(1);
                break;
            case TypeNumber:
                reply.Integer(Whole(frame.Number(-1)));
                break;
            case TypeTable:
                WriteTable(frame, reply, scriptProtocol, depth);
                break;
            default:
                reply.Null();
                break;
        }

        frame.Pop();
    }

    /// <summary>A float as C makes it a whole number on x86: what does not fit is the least one.</summary>
    public static long Whole(double number) => number is >= -9223372036854775808.0 and < 9223372036854775808.0 ? (long)number : long.MinValue;

    private static double Number(ReadOnlySpan<byte> text) => RespNumber.TryParse(text, out long number) ? number : 0;

    private static int PushBulk(LuaFrame frame, ReadOnlySpan<byte> bytes, int length)
    {
        if (length < 0)
        {
            frame.Push(false);
            return 0;
        }

        frame.Push(bytes[..length]);
        return length + 2;
    }

    private static int PushVerbatim(LuaFrame frame, ReadOnlySpan<byte> bytes)
    {
        frame.PushTable(0, 1);
        frame.PushTable(0, 2);
        frame.Push(bytes[..3]);
        frame.SetField(-2, "format"u8);
        frame.Push(bytes[4..^2]);
        frame.SetField(-2, "string"u8);
        frame.SetField(-2, "verbatim_string"u8);
        return bytes.Length;
    }

    private static int PushArray(LuaFrame frame, ReadOnlySpan<byte> bytes, int count)
    {
        if (count < 0)
        {
            frame.Push(false);
            return 0;
        }

        var at = 0;
        frame.PushTable(count, 0);
        for (var i = 1; i <= count; i++)
        {
            at += Push(frame, bytes[at..]);
            frame.SetElement(-2, i);
        }

        return at;
    }

    private static int PushPairs(LuaFrame frame, ReadOnlySpan<byte> bytes, int count, ReadOnlySpan<byte> name, bool hasValues)
    {
        var at = 0;
        frame.PushTable(0, 1);
        frame.PushTable(0, count);
        for (var i = 0; i < count; i++)
        {
            at += Push(frame, bytes[at..]);
            if (hasValues) at += Push(frame, bytes[at..]);
            else frame.Push(true);
            frame.SetField(-3);
        }

        frame.SetField(-2, name);
        return at;
    }

    private static void WriteTable(LuaFrame frame, RespWriter reply, int protocol, int depth)
    {
        if (frame.PushField(-1, "err"u8) == TypeString)
        {
            reply.Error(OneLine(frame.Bytes(-1)));
            frame.Pop();
            return;
        }

        frame.Pop();
        if (frame.PushField(-1, "ok"u8) == TypeString)
        {
            reply.Simple(OneLine(frame.Bytes(-1)));
            frame.Pop();
            return;
        }

        frame.Pop();
        if (frame.PushField(-1, "double"u8) == TypeNumber)
        {
            reply.Double(frame.Number(-1));
            frame.Pop();
            return;
        }

        frame.Pop();
        if (frame.PushField(-1, "map"u8) == TypeTable)
        {
            WritePairs(frame, reply, protocol, depth, hasValues: true);
            frame.Pop();
            return;
        }

        frame.Pop();
        if (frame.PushField(-1, "set"u8) == TypeTable)
        {
            WritePairs(frame, reply, protocol, depth, hasValues: false);
            frame.Pop();
            return;
        }

        frame.Pop();
        if (frame.PushField(-1, "big_number"u8) == TypeString)
        {
            var digits = OneLine(frame.Bytes(-1));
            if (reply.Protocol < 3) reply.Bulk(digits);
            else reply.Raw([(byte)'(', .. digits, (byte)'\r', (byte)'\n']);
            frame.Pop();
            return;
        }

        frame.Pop();
        if (frame.PushField(-1, "verbatim_string"u8) == TypeTable && WriteVerbatim(frame, reply))
        {
            frame.Pop();
            return;
        }

        frame.Pop();
        var count = 0L;
        while (frame.PushElement(-1, count + 1) != TypeNil)
        {
            count++;
            frame.Pop();
        }

        frame.Pop();
        reply.Array(count);
        for (var i = 1L; i <= count; i++)
        {
            frame.PushElement(-1, i);
            Write(frame, reply, protocol, depth + 1);
        }
    }

    private static bool WriteVerbatim(LuaFrame frame, RespWriter reply)
    {
        var isWhole = frame.PushField(-1, "format"u8) == TypeString & frame.PushField(-2, "string"u8) == TypeString;
        if (isWhole) reply.Verbatim(Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(frame.Bytes(-2)).PadRight(3)[..3]), frame.Bytes(-1));
        frame.Pop(2);
        return isWhole;
    }

    private static void WritePairs(LuaFrame frame, RespWriter reply, int protocol, int depth, bool hasValues)
    {
        var count = 0;
        frame.PushNil();
        while (frame.Next(-2))
        {
            count++;
            frame.Pop();
        }

        if (hasValues) reply.Map(count);
        else reply.Set(count);
        frame.PushNil();
        while (frame.Next(-2))
        {
            frame.PushCopy(-2);
            Write(frame, reply, protocol, depth + 1);
            if (hasValues) Write(frame, reply, protocol, depth + 1);
            else frame.Pop();
        }
    }

    private static byte[] OneLine(ReadOnlySpan<byte> text)
    {
        var line = text.ToArray();
        foreach (ref var letter in line.AsSpan())
            if (letter is (byte)'\r' or (byte)'\n') letter = (byte)' ';
        return line;
    }
}
