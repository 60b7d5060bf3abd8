using System.Globalization;
using System.Text;
using Holdfast.Wire;
using static Holdfast.Keyspace.LuaCalls;

namespace Holdfast.Keyspace;

/// <summary>cjson: what scripts write and read JSON with, in the words and with the settings of lua-cjson 2.1, which Redis carries.</summary>
internal sealed class JsonLibrary
{
    /// <summary>How deep tables are followed, and texts read.</summary>
    private const int DepthUsual = 1000;

    private readonly ByteBuffer target = new();
    private bool convertsSparse;
    private int sparseRatio = 2;
    private int sparseSafe = 10;
    private int encodeDepth = DepthUsual;
    private int decodeDepth = DepthUsual;
    private int precision = 14;
    private bool keepsBuffer = true;
    private bool encodesInvalid;
    private bool decodesInvalid = true;

    /// <summary>Binds the functions to their names.</summary>
    public void Bind(Action<string, LuaFunction> set)
    {
        set("cjson.encode", Encode);
        set("cjson.decode", frame => frame.Count != 1 ? frame.FailArgument(1, "decode", "expected 1 argument") : Decode(frame));
        set("cjson.encode_max_depth", frame => Number(frame, ref encodeDepth, 1, int.MaxValue));
        set("cjson.decode_max_depth", frame => Number(frame, ref decodeDepth, 1, DepthUsual * 4));
        set("cjson.encode_number_precision", frame => Number(frame, ref precision, 1, 14));
        set("cjson.encode_keep_buffer", frame => Flag(frame, ref keepsBuffer));
        set("cjson.encode_invalid_numbers", frame => Flag(frame, ref encodesInvalid));
        set("cjson.decode_invalid_numbers", frame => Flag(frame, ref decodesInvalid));
        set("cjson.encode_sparse_array", Sparse);
        set("cjson.new", static frame => frame.Fail("cjson.new is not served: the settings are those of all scripts"));
    }

    private static int Number(LuaFrame frame, ref int value, int least, int most)
    {
        if (frame.Count > 0 && frame.TypeOf(1) != TypeNil)
        {
            if (!frame.TryNumber(1, out var wanted) || wanted < least || wanted > most) return frame.FailArgument(1, "?", $"expected integer between {least} and {most}");
            value = (int)wanted;
        }

        frame.Push((double)value);
        return 1;
    }

    private static int Flag(LuaFrame frame, ref bool value)
    {
        if (frame.Count > 0 && frame.TypeOf(1) != TypeNil) value = frame.Boolean(1);
        frame.Push(value);
        return 1;
    }

    private int Sparse(LuaFrame frame)
    {
        if (frame.Count > 0 && frame.TypeOf(1) != TypeNil) convertsSparse = frame.Boolean(1);
        if (frame.TryNumber(2, out var ratio)) sparseRatio = (int)ratio;
        if (frame.TryNumber(3, out var safe)) sparseSafe = (int)safe;
        frame.Push(convertsSparse);
        frame.Push((double)sparseRatio);
        frame.Push((double)sparseSafe);
        return 3;
    }

    private int Encode(LuaFrame frame)
    {
        if (frame.Count != 1) return frame.FailArgument(1, "encode", "expected 1 argument");
        target.Clear();
        frame.PushCopy(1);
        if (WriteValue(frame, 0) is { } fault) return frame.Fail(fault);
        frame.Pop();
        frame.Push(target.Written);
        if (target.Length > 1024 * 1024) target.Clear();
        return 1;
    }

    /// <summary>Writes the value on top, which stays; the fault, or nothing.</summary>
    private string? WriteValue(LuaFrame frame, int depth)
    {
        switch (lua_type(frame.State, -1))
        {
            case TypeString:
                WriteText(frame.Bytes(-1));
                return null;
            case TypeNumber:
                return WriteNumber(frame.Number(-1));
            case TypeBoolean:
                Raw(frame.Boolean(-1) ? "true"u8 : "false"u8);
                return null;
            case TypeNil or 2:
                Raw("null"u8);
                return null;
            case TypeTable:
                if (depth + 1 > encodeDepth || !frame.Reserve(8)) return $"Cannot serialise, excessive nesting ({depth + 1})";
                return LengthOf(frame, out var fault) is > 0 and var length ? WriteArray(frame, length, depth + 1) : fault ?? WriteObject(frame, depth + 1);
            default:
                return $"Cannot serialise {frame.TypeName(-1)}: type not supported";
        }
    }

    /// <summary>The length of the table on top as an array; -1 when it is none.</summary>
    private long LengthOf(LuaFrame frame, out string? fault)
    {
        fault = null;
        var (most, count) = (0.0, 0L);
        frame.PushNil();
        while (frame.Next(-2))
        {
            var key = frame.IsNumber(-2) ? frame.Number(-2) : 0;
            frame.Pop();
            if (key < 1 || Math.Floor(key) != key)
            {
                frame.Pop();
                return -1;
            }

            most = Math.Max(most, key);
            count++;
        }

        if (sparseRatio <= 0 || most <= count * (double)sparseRatio || most <= sparseSafe) return (long)most;
        if (!convertsSparse) fault = "Cannot serialise table: excessively sparse array";
        return -1;
    }

    private string? WriteArray(LuaFrame frame, long length, int depth)
    {
        Raw("["u8);
        for (var i = 1L; i <= length; i++)
        {
            if (i > 1) Raw(","u8);
            frame.PushElement(-1, i);
            if (WriteValue(frame, depth) is { } fault) return fault;
            frame.Pop();
        }

        Raw("]"u8);
        return null;
    }

    private string? WriteObject(LuaFrame frame, int depth)
    {
        Raw("{"u8);
        var isFirst = true;
        frame.PushNil();
        while (frame.Next(-2))
        {
            if (!isFirst) Raw(","u8);
            isFirst = false;
            if (frame.IsNumber(-2))
            {
                Raw("\""u8);
                if (WriteNumber(frame.Number(-2)) is { } wrong) return wrong;
                Raw("\":"u8);
            }
            else if (frame.TypeOf(-2) == TypeString)
            {
                WriteText(frame.Bytes(-2));
                Raw(":"u8);
            }
            else
            {
                return $"Cannot serialise {frame.TypeName(-2)}: table key must be a number or string";
            }

            if (WriteValue(frame, depth) is { } fault) return fault;
            frame.Pop();
        }

        Raw("}"u8);
        return null;
    }

    private string? WriteNumber(double number)
    {
        if (double.IsFinite(number))
        {
            Raw(Encoding.ASCII.GetBytes(GeneralNumber.Show(number, precision)));
            return null;
        }

        if (!encodesInvalid) return "Cannot serialise number: must not be NaN or Inf";
        Raw(double.IsNaN(number) ? "nan"u8 : number > 0 ? "inf"u8 : "-inf"u8);
        return null;
    }

    private void WriteText(ReadOnlySpan<byte> text)
    {
        Raw("\""u8);
        foreach (var letter in text)
        {
            switch (letter)
            {
                case (byte)'"': Raw("\\\""u8); break;
                case (byte)'\\': Raw("\\\\"u8); break;
                case (byte)'/': Raw("\\/"u8); break;
                case 8: Raw("\\b"u8); break;
                case 9: Raw("\\t"u8); break;
                case 10: Raw("\\n"u8); break;
                case 12: Raw("\\f"u8); break;
                case 13: Raw("\\r"u8); break;
                case < 32 or 127: Raw(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}"))); break;
                default: Raw([letter]); break;
            }
        }

        Raw("\""u8);
    }

    private void Raw(ReadOnlySpan<byte> bytes) => new SpanWriter(target).WriteBytes(bytes);

    private int Decode(LuaFrame frame)
    {
        if (!frame.IsString(1) && !frame.IsNumber(1)) return frame.FailArgument(1, "decode", $"string expected, got {frame.TypeName(1)}");
        var text = frame.IsNumber(1) ? Encoding.ASCII.GetBytes(GeneralNumber.Show(frame.Number(1), 14)) : frame.Bytes(1);
        if (text.Length >= 2 && (text[0] == 0 || text[1] == 0)) return frame.Fail("JSON parser does not support UTF-16 or UTF-32");
        var reader = new JsonReader(text, frame, decodeDepth, decodesInvalid);
        return reader.TryRead() ? 1 : frame.Fail(reader.Fault);
    }
}
