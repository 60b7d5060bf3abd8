using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Reads a JSON text onto the stack of Lua, with the words of lua-cjson for what is wrong in it.</summary>
internal ref struct JsonReader(ReadOnlySpan<byte> text, LuaFrame frame, int depthMax, bool takesInvalid)
{
    private readonly ReadOnlySpan<byte> text = text;
    private byte[] letters = [];
    private Token token;
    private string complaint = "";
    private double number;
    private int length;
    private int index;
    private int at;
    private int depth;

    private enum Token
    {
        ObjectBegin,
        ObjectEnd,
        ArrayBegin,
        ArrayEnd,
        Text,
        Number,
        True,
        False,
        Null,
        Colon,
        Comma,
        End,
        Error,
    }

    public string Fault { get; private set; } = "";

    /// <summary>Pushes the value; false with the fault.</summary>
    public bool TryRead()
    {
        Next();
        if (!Value()) return false;
        Next();
        return token == Token.End || Expected("the end");
    }

    private bool Value()
    {
        switch (token)
        {
            case Token.Text: frame.Push(letters.AsSpan(0, length)); return true;
            case Token.Number: frame.Push(number); return true;
            case Token.True or Token.False: frame.Push(token == Token.True); return true;
            case Token.Null: frame.PushNothing(); return true;
            case Token.ObjectBegin: return Object();
            case Token.ArrayBegin: return Array();
            default: return Expected("value");
        }
    }

    private bool Descend()
    {
        if (++depth <= depthMax && frame.Reserve(8)) return true;
        Fault = string.Create(CultureInfo.InvariantCulture, $"Found too many nested data structures ({depth}) at character {at}");
        return false;
    }

    private bool Object()
    {
        if (!Descend()) return false;
        frame.PushTable(0, 4);
        Next();
        if (token == Token.ObjectEnd) return Ascend();
        while (true)
        {
            if (token != Token.Text) return Expected("object key string");
            frame.Push(letters.AsSpan(0, length));
            Next();
            if (token != Token.Colon) return Expected("colon");
            Next();
            if (!Value()) return false;
            frame.SetField(-3);
            Next();
            if (token == Token.ObjectEnd) return Ascend();
            if (token != Token.Comma) return Expected("comma or object end");
            Next();
        }
    }

    private bool Array()
    {
        if (!Descend()) return false;
        frame.PushTable(4, 0);
        Next();
        if (token == Token.ArrayEnd) return Ascend();
        for (var i = 1; ; i++)
        {
            if (!Value()) return false;
            frame.SetElement(-2, i);
            Next();
            if (token == Token.ArrayEnd) return Ascend();
            if (token != Token.Comma) return Expected("comma or array end");
            Next();
        }
    }

    private bool Ascend()
    {
        depth--;
        return true;
    }

    private bool Expected(string what)
    {
        var found = token switch
        {
            Token.ObjectBegin => "T_OBJ_BEGIN", Token.ObjectEnd => "T_OBJ_END", Token.ArrayBegin => "T_ARR_BEGIN", Token.ArrayEnd => "T_ARR_END", Token.Text => "T_STRING", Token.Number => "T_NUMBER",
            Token.True or Token.False => "T_BOOLEAN", Token.Null => "T_NULL", Token.Colon => "T_COLON", Token.Comma => "T_COMMA", Token.End => "T_END", _ => complaint,
        };
        Fault = string.Create(CultureInfo.InvariantCulture, $"Expected {what} but found {found} at character {index + 1}");
        return false;
    }

    private void Next()
    {
        while (at < text.Length && text[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') at++;
        index = at;
        if (at == text.Length)
        {
            token = Token.End;
            return;
        }

        switch (text[at])
        {
            case (byte)'{': Single(Token.ObjectBegin); break;
            case (byte)'}': Single(Token.ObjectEnd); break;
            case (byte)'[': Single(Token.ArrayBegin); break;
            case (byte)']': Single(Token.ArrayEnd); break;
            case (byte)',': Single(Token.Comma); break;
            case (byte)':': Single(Token.Colon); break;
            case (byte)'"': Text(); break;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'): Number(); break;
            default: Word(); break;
        }
    }

    private void Single(Token found)
    {
        token = found;
        at++;
    }

    private void Word()
    {
        var rest = text[at..];
        if (rest.StartsWith("true"u8)) (token, at) = (Token.True, at + 4);
        else if (rest.StartsWith("false"u8)) (token, at) = (Token.False, at + 5);
        else if (rest.StartsWith("null"u8)) (token, at) = (Token.Null, at + 4);
        else if (takesInvalid && rest.Length >= 3 && (Ascii.EqualsIgnoreCase(rest[..3], "nan"u8) || Ascii.EqualsIgnoreCase(rest[..3], "inf"u8))) Number();
        else Wrong("invalid token");
    }

    private void Wrong(string what)
    {
        token = Token.Error;
        complaint = what;
        index = at;
    }

    private void Number()
    {
        var end = at;
        if (end < text.Length && text[end] == '-') end++;
        while (end < text.Length && (text[end] is (byte)'.' or (byte)'+' or (byte)'-' || char.IsAsciiLetterOrDigit((char)text[end])))
        {
            if (text[end] is (byte)'+' or (byte)'-' && (text[end - 1] | 0x20) != 'e') break;
            end++;
        }

        // As far as it reads as a number: what follows is another token's fault.
        for (; end > at; end--)
        {
            if (Ascii.EqualsIgnoreCase(text[at..end], "nan"u8)) number = double.NaN;
            else if (!RespNumber.TryParse(text[at..end], out number)) continue;
            (token, at) = (Token.Number, end);
            return;
        }

        Wrong("invalid number");
    }

    private void Text()
    {
        if (letters.Length < text.Length - at) letters = new byte[text.Length - at];
        length = 0;
        for (at++; at < text.Length; at++)
        {
            var letter = text[at];
            if (letter == '"')
            {
                token = Token.Text;
                at++;
                return;
            }

            if (letter == 0) break;
            if (letter != '\\')
            {
                letters[length++] = letter;
                continue;
            }

            if (!Escape()) return;
        }

        Wrong("unexpected end of string");
    }

    private bool Escape()
    {
        var letter = at + 1 < text.Length ? text[at + 1] : (byte)0;
        if (letter == 'u')
        {
            if (Unicode()) return true;
            Wrong("invalid unicode escape code");
            return false;
        }

        var place = "\"\\/bfnrt"u8.IndexOf(letter);
        if (place < 0)
        {
            Wrong("invalid escape code");
            return false;
        }

        letters[length++] = "\"\\/\b\f\n\r\t"u8[place];
        at++;
        return true;
    }

    private bool Unicode()
    {
        if (!TryHex(at + 2, out var code)) return false;
        var used = 5;
        if (code is >= 0xD800 and < 0xE000)
        {
            if (code >= 0xDC00 || at + 7 >= text.Length || text[at + 6] != '\\' || text[at + 7] != 'u' || !TryHex(at + 8, out var low) || low is < 0xDC00 or >= 0xE000) return false;
            code = (((code & 0x3FF) << 10) | (low & 0x3FF)) + 0x10000;
            used = 11;
        }

        length += new Rune(code).EncodeToUtf8(letters.AsSpan(length));
        at += used;
        return true;
    }

    private readonly bool TryHex(int from, out int code)
    {
        code = 0;
        return from + 4 <= text.Length && int.TryParse(Encoding.Latin1.GetString(text.Slice(from, 4)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code);
    }
}
