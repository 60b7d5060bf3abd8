using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>struct: binary layouts for scripts, as Roberto Ierusalimschy's library of that name, which Redis carries, has them.</summary>
internal static class StructLibrary
{
    private const int IntegerMax = 32;
    private const int AlignmentUsual = 8;

    public static void Bind(Action<string, LuaFunction> set)
    {
        set("struct.pack", Pack);
        set("struct.unpack", Unpack);
        set("struct.size", Size);
    }

    /// <summary>A format being read: what the options so far have set, and the next field.</summary>
    private ref struct Layout(ReadOnlySpan<byte> format)
    {
        private readonly ReadOnlySpan<byte> format = format;
        private int at;
        private int alignment = 1;

        public bool IsBig { get; private set; }

        public char Option { get; private set; }

        public int Bytes { get; private set; }

        /// <summary>What is wrong with the format; null for nothing.</summary>
        public string? Fault { get; private set; }

        /// <summary>Whether the fault is an argument's, and not one of its own.</summary>
        public bool IsArgumentFault { get; private set; }

        /// <summary>The next option that is a field; false at the end, or at a fault.</summary>
        public bool Next()
        {
            while (at < format.Length)
            {
                Option = (char)format[at++];
                switch (Option)
                {
                    case ' ': continue;
                    case '>' or '<':
                        IsBig = Option == '>';
                        continue;
                    case '!':
                        alignment = Number(AlignmentUsual);
                        if (alignment <= 0 || (alignment & (alignment - 1)) != 0) return Wrong("alignment is not a power of 2", isArgument: false);
                        continue;
                }

                Bytes = Option switch { 'b' or 'B' or 'x' => 1, 'h' or 'H' => 2, 'l' or 'L' or 'T' or 'd' => 8, 'f' => 4, 'i' or 'I' => Number(4), 'c' => Number(1), 's' => 0, _ => -1 };
                if (Bytes < 0) return Wrong($"invalid format option '{Option}'", isArgument: true);
                return Option is not ('i' or 'I') || Bytes <= IntegerMax || Wrong($"integral size {Bytes} is larger than limit of {IntegerMax}", isArgument: false);
            }

            return false;
        }

        /// <summary>Bytes before the field, so that it is aligned.</summary>
        public readonly int Gap(int length)
        {
            if (Bytes == 0 || Option == 'c') return 0;
            var to = Math.Min(Bytes, alignment);
            return to > 1 && (length & (to - 1)) is > 0 and var rest ? to - rest : 0;
        }

        private bool Wrong(string why, bool isArgument)
        {
            (Fault, IsArgumentFault) = (why, isArgument);
            return false;
        }

        private int Number(int usual)
        {
            if (at >= format.Length || !char.IsAsciiDigit((char)format[at])) return usual;
            var number = 0L;
            for (; at < format.Length && char.IsAsciiDigit((char)format[at]); at++) number = Math.Min((number * 10) + format[at] - '0', int.MaxValue);
            return (int)number;
        }
    }

    private static int Fail(LuaFrame frame, in Layout layout, string function) => layout.IsArgumentFault ? frame.FailArgument(1, function, layout.Fault!) : frame.Fail(layout.Fault!);

    private static int Pack(LuaFrame frame)
    {
        if (!frame.IsString(1)) return frame.FailArgument(1, "pack", $"string expected, got {frame.TypeName(1)}");
        var layout = new Layout(frame.Bytes(1));
        var target = new ByteBuffer(64);
        var argument = 2;
        while (layout.Next())
        {
            for (var gap = layout.Gap(target.Length); gap > 0; gap--) Byte(target, 0);
            switch (layout.Option)
            {
                case 'x':
                    Byte(target, 0);
                    continue;
                case 's' or 'c':
                    if (!frame.IsString(argument)) return frame.FailArgument(argument, "pack", $"string expected, got {(argument > frame.Count ? "nil" : frame.TypeName(argument))}");
                    var text = frame.Bytes(argument);
                    var wanted = layout.Option == 's' || layout.Bytes == 0 ? text.Length : layout.Bytes;
                    if (text.Length < wanted) return frame.FailArgument(argument, "pack", "string too short");
                    new SpanWriter(target).WriteBytes(text[..wanted]);
                    if (layout.Option == 's') Byte(target, 0);
                    break;
                default:
                    if (!frame.TryNumber(argument, out var number)) return frame.FailArgument(argument, "pack", $"number expected, got {(argument > frame.Count ? "nil" : frame.TypeName(argument))}");
                    WriteNumber(target, number, layout);
                    break;
            }

            argument++;
        }

        if (layout.Fault is not null) return Fail(frame, layout, "pack");
        frame.Push(target.Written);
        return 1;
    }

    private static void WriteNumber(ByteBuffer target, double number, in Layout layout)
    {
        var bits = layout.Option switch
        {
            'f' => BitConverter.SingleToUInt32Bits((float)number),
            'd' => BitConverter.DoubleToUInt64Bits(number),
            _ => number < 0 ? (ulong)LuaReplies.Whole(number) : number < 18446744073709551616.0 ? (ulong)number : 0,
        };
        for (var i = 0; i < layout.Bytes; i++)
        {
            var place = layout.IsBig ? layout.Bytes - 1 - i : i;
            Byte(target, place >= 8 ? (byte)0 : (byte)(bits >> (8 * place)));
        }
    }

    private static int Unpack(LuaFrame frame)
    {
        if (!frame.IsString(1)) return frame.FailArgument(1, "unpack", $"string expected, got {frame.TypeName(1)}");
        if (!frame.IsString(2)) return frame.FailArgument(2, "unpack", $"string expected, got {frame.TypeName(2)}");
        var layout = new Layout(frame.Bytes(1));
        var data = frame.Bytes(2);
        var first = frame.TryNumber(3, out var from) ? from : 1;
        if (first < 1) return frame.FailArgument(3, "unpack", "offset must be 1 or greater");
        var at = (int)Math.Min(first - 1, int.MaxValue / 2);
        var results = 0;
        while (layout.Next())
        {
            at += layout.Gap(at);
            var bytes = layout.Bytes;
            if ((long)at + bytes > data.Length) return frame.FailArgument(2, "unpack", "data string too short");
            if (!frame.Reserve(4)) return frame.Fail("too many results");
            switch (layout.Option)
            {
                case 'x':
                    at++;
                    continue;
                case 's':
                    bytes = data[at..].IndexOf((byte)0) + 1;
                    if (bytes == 0) return frame.Fail("unfinished string in data");
                    frame.Push(data.Slice(at, bytes - 1));
                    break;
                case 'c' when bytes == 0:
                    if (results == 0 || !frame.IsNumber(-1)) return frame.Fail("format 'c0' needs a previous size");
                    var size = frame.Number(-1);
                    frame.Pop();
                    results--;
                    if (size < 0 || at + size > data.Length) return frame.FailArgument(2, "unpack", "data string too short");
                    bytes = (int)size;
                    frame.Push(data.Slice(at, bytes));
                    break;
                case 'c':
                    frame.Push(data.Slice(at, bytes));
                    break;
                default:
                    frame.Push(ReadNumber(data.Slice(at, bytes), layout));
                    break;
            }

            results++;
            at += bytes;
        }

        if (layout.Fault is not null) return Fail(frame, layout, "unpack");
        frame.Push(at + 1.0);
        return results + 1;
    }

    private static double ReadNumber(ReadOnlySpan<byte> data, in Layout layout)
    {
        var bits = 0UL;
        for (var i = Math.Min(data.Length, 8) - 1; i >= 0; i--) bits = (bits << 8) | data[layout.IsBig ? data.Length - 1 - i : i];
        if (layout.Option == 'f') return BitConverter.UInt32BitsToSingle((uint)bits);
        if (layout.Option == 'd') return BitConverter.UInt64BitsToDouble(bits);
        if (char.IsAsciiLetterUpper(layout.Option)) return bits;
        var unused = Math.Max(0, 64 - (8 * data.Length));
        return (long)(bits << unused) >> unused;
    }

    private static int Size(LuaFrame frame)
    {
        if (!frame.IsString(1)) return frame.FailArgument(1, "size", $"string expected, got {frame.TypeName(1)}");
        var layout = new Layout(frame.Bytes(1));
        var length = 0L;
        while (layout.Next())
        {
            length += layout.Gap((int)length) + layout.Bytes;
            if (layout.Option == 's') return frame.FailArgument(1, "size", "option 's' has no fixed size");
            if (layout is { Option: 'c', Bytes: 0 }) return frame.FailArgument(1, "size", "option 'c0' has no fixed size");
            if (length > int.MaxValue) return frame.FailArgument(1, "size", "format too large");
        }

        if (layout.Fault is not null) return Fail(frame, layout, "size");
        frame.Push((double)length);
        return 1;
    }

    private static void Byte(ByteBuffer target, byte value) => new SpanWriter(target).WriteByte(value);
}
