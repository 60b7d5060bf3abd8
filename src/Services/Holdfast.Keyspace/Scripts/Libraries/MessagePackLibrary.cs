using System.Buffers.Binary;
using Holdfast.Wire;
using static Holdfast.Keyspace.LuaCalls;

namespace Holdfast.Keyspace;

/// <summary>cmsgpack: MessagePack for scripts, as lua-cmsgpack 0.4.0, which Redis carries, writes and reads it.</summary>
internal static class MessagePackLibrary
{
    /// <summary>Tables within tables; what is deeper becomes nil.</summary>
    private const int DepthMax = 16;

    private const string TooShort = "Missing bytes in input.";

    public static void Bind(Action<string, LuaFunction> set)
    {
        set("cmsgpack.pack", Pack);
        set("cmsgpack.unpack", static frame => Unpack(frame, all: true, int.MaxValue, 0));
        set("cmsgpack.unpack_one", static frame => Unpack(frame, all: false, 1, frame.TryNumber(2, out var offset) ? offset : 0));
        set("cmsgpack.unpack_limit", static frame => frame.TryNumber(2, out var limit) ? Unpack(frame, all: false, limit, frame.TryNumber(3, out var offset) ? offset : 0) : frame.FailArgument(2, "unpack_limit", $"number expected, got {frame.TypeName(2)}"));
    }

    private static int Pack(LuaFrame frame)
    {
        if (frame.Count == 0) return frame.FailArgument(0, "pack", "MessagePack pack needs input.");
        var target = new ByteBuffer(256);
        for (var i = 1; i <= frame.Count; i++)
        {
            frame.PushCopy(i);
            Write(frame, target, 0);
        }

        frame.Push(target.Written);
        return 1;
    }

    /// <summary>Writes the value on top and takes it.</summary>
    private static void Write(LuaFrame frame, ByteBuffer target, int depth)
    {
        switch (lua_type(frame.State, -1))
        {
            case TypeString:
                Head(target, (uint)frame.Bytes(-1).Length, 0xA0, 31, 0xD9, 0xDA);
                Raw(target, frame.Bytes(-1));
                break;
            case TypeBoolean:
                Raw(target, [frame.Boolean(-1) ? (byte)0xC3 : (byte)0xC2]);
                break;
            case TypeNumber:
                WriteNumber(frame.Number(-1), target);
                break;
            case TypeTable when depth < DepthMax && frame.Reserve(8):
                WriteTable(frame, target, depth + 1);
                break;
            default:
                Raw(target, [0xC0]);
                break;
        }

        frame.Pop();
    }

    private static void WriteTable(LuaFrame frame, ByteBuffer target, int depth)
    {
        var (count, most, isArray) = (0u, 0.0, true);
        frame.PushNil();
        while (frame.Next(-2))
        {
            var key = frame.IsNumber(-2) ? frame.Number(-2) : 0;
            isArray &= key >= 1 && Math.Floor(key) == key;
            most = Math.Max(most, key);
            count++;
            frame.Pop();
        }

        if (isArray && most == count)
        {
            Head(target, count, 0x90, 15, 0, 0xDC);
            for (var i = 1u; i <= count; i++)
            {
                frame.PushElement(-1, i);
                Write(frame, target, depth);
            }

            return;
        }

        Head(target, count, 0x80, 15, 0, 0xDE);
        frame.PushNil();
        while (frame.Next(-2))
        {
            frame.PushCopy(-2);
            Write(frame, target, depth);
            Write(frame, target, depth);
        }
    }

    private static void WriteNumber(double number, ByteBuffer target)
    {
        if (number is < -9223372036854775808.0 or >= 9223372036854775808.0 || Math.Floor(number) != number)
        {
            WriteFloat(number, target);
            return;
        }

        var whole = (long)number;
        switch (whole)
        {
            case >= 0 and <= 127 or < 0 and >= -32: Raw(target, [(byte)whole]); break;
            case > 0 and <= byte.MaxValue: Raw(target, [0xCC, (byte)whole]); break;
            case > 0 and <= ushort.MaxValue: Number(target, 0xCD, (ulong)whole, 2); break;
            case > 0 and <= uint.MaxValue: Number(target, 0xCE, (ulong)whole, 4); break;
            case > 0: Number(target, 0xCF, (ulong)whole, 8); break;
            case >= sbyte.MinValue: Raw(target, [0xD0, (byte)whole]); break;
            case >= short.MinValue: Number(target, 0xD1, (ulong)whole, 2); break;
            case >= int.MinValue: Number(target, 0xD2, (ulong)whole, 4); break;
            default: Number(target, 0xD3, (ulong)whole, 8); break;
        }
    }

    private static void WriteFloat(double number, ByteBuffer target)
    {
        if ((float)number == number) Number(target, 0xCA, BitConverter.SingleToUInt32Bits((float)number), 4);
        else Number(target, 0xCB, BitConverter.DoubleToUInt64Bits(number), 8);
    }

    /// <summary>The beginning of something with a length: in the first byte, in one byte behind it (where there is such a form), in two, in four.</summary>
    private static void Head(ByteBuffer target, uint count, byte small, uint smallMax, byte one, byte two)
    {
        if (count <= smallMax) Raw(target, [(byte)(small | count)]);
        else if (one != 0 && count <= byte.MaxValue) Raw(target, [one, (byte)count]);
        else if (count <= ushort.MaxValue) Number(target, two, count, 2);
        else Number(target, (byte)(two + 1), count, 4);
    }

    private static void Number(ByteBuffer target, byte kind, ulong value, int bytes)
    {
        Span<byte> all = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(all, value);
        Raw(target, [kind]);
        Raw(target, all[^bytes..]);
    }

    private static void Raw(ByteBuffer target, ReadOnlySpan<byte> bytes) => new SpanWriter(target).WriteBytes(bytes);

    private static int Unpack(LuaFrame frame, bool all, double limit, double offset)
    {
        if (!frame.IsString(1)) return frame.FailArgument(1, all ? "unpack" : "unpack_one", $"string expected, got {frame.TypeName(1)}");
        var input = frame.Bytes(1);
        if (offset < 0 || limit < 0) return frame.Fail($"Invalid request to unpack with offset of {(long)offset} and limit of {input.Length}.");
        if (offset > input.Length) return frame.Fail($"Start offset {(long)offset} greater than input length {input.Length}.");
        var reader = new Reader(input, frame) { At = (int)offset };
        if (!all) frame.Push(0.0); // Its place: where the next one begins is known at the end.
        var count = 0;
        for (; reader.At < input.Length && count < limit; count++)
            if (!frame.Reserve(8) || !reader.TryRead(0)) return frame.Fail(reader.Fault);
        if (all) return count;
        frame.Push(reader.At == input.Length ? -1.0 : reader.At);
        lua_rotate(frame.State, frame.Count + 2, 1);
        lua_rotate(frame.State, frame.Count + 3, -1);
        frame.Pop();
        return count + 1;
    }

    private ref struct Reader(ReadOnlySpan<byte> input, LuaFrame frame)
    {
        private const int ReadDepthMax = 512;
        private readonly ReadOnlySpan<byte> input = input;

        public int At { get; set; }

        public string Fault { get; private set; } = TooShort;

        public bool TryRead(int depth)
        {
            if (At >= input.Length || depth > ReadDepthMax || !frame.Reserve(8)) return false;
            var kind = input[At++];
            switch (kind)
            {
                case <= 0x7F: frame.Push((double)kind); return true;
                case >= 0xE0: frame.Push((double)(sbyte)kind); return true;
                case >= 0xA0 and <= 0xBF: return Text(kind & 31u);
                case >= 0x90 and <= 0x9F: return Array(kind & 15u, depth);
                case >= 0x80 and <= 0x8F: return Map(kind & 15u, depth);
                case 0xC0: frame.PushNil(); return true;
                case 0xC2 or 0xC3: frame.Push(kind == 0xC3); return true;
                case 0xC4 or 0xD9: return Take(1, out var length) && Text(length);
                case 0xC5 or 0xDA: return Take(2, out length) && Text(length);
                case 0xC6 or 0xDB: return Take(4, out length) && Text(length);
                case 0xDC: return Take(2, out length) && Array(length, depth);
                case 0xDD: return Take(4, out length) && Array(length, depth);
                case 0xDE: return Take(2, out length) && Map(length, depth);
                case 0xDF: return Take(4, out length) && Map(length, depth);
                default: return Number(kind);
            }
        }

        private bool Number(byte kind)
        {
            var bytes = kind switch { 0xCC or 0xD0 => 1, 0xCD or 0xD1 => 2, 0xCA or 0xCE or 0xD2 => 4, 0xCB or 0xCF or 0xD3 => 8, _ => 0 };
            if (bytes == 0)
            {
                Fault = "Bad data format in input.";
                return false;
            }

            if (!Take(bytes, out var bits)) return false;
            frame.Push(kind switch
            {
                0xCA => BitConverter.UInt32BitsToSingle((uint)bits), 0xCB => BitConverter.UInt64BitsToDouble(bits), 0xD0 => (sbyte)bits, 0xD1 => (short)bits, 0xD2 => (int)bits, 0xD3 => (long)bits, _ => (double)bits,
            });
            return true;
        }

        private bool Take(int bytes, out ulong value)
        {
            value = 0;
            if (input.Length - At < bytes) return false;
            for (; bytes > 0; bytes--) value = (value << 8) | input[At++];
            return true;
        }

        private bool Text(ulong length)
        {
            if ((ulong)(input.Length - At) < length) return false;
            frame.Push(input.Slice(At, (int)length));
            At += (int)length;
            return true;
        }

        private bool Array(ulong count, int depth)
        {
            frame.PushTable((int)Math.Min(count, (ulong)(input.Length - At)), 0);
            for (var i = 1UL; i <= count; i++)
            {
                if (!TryRead(depth + 1)) return false;
                frame.SetElement(-2, (long)i);
            }

            return true;
        }

        private bool Map(ulong count, int depth)
        {
            frame.PushTable(0, (int)Math.Min(count, (ulong)(input.Length - At)));
            for (; count > 0; count--)
            {
                if (!TryRead(depth + 1) || !TryRead(depth + 1)) return false;
                if (lua_type(frame.State, -2) == TypeNil || (frame.IsNumber(-2) && double.IsNaN(frame.Number(-2))))
                {
                    Fault = "Bad data format in input."; // Lua's tables have no such key.
                    return false;
                }

                frame.SetField(-3);
            }

            return true;
        }
    }
}
