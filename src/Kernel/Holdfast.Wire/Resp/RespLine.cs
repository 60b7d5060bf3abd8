namespace Holdfast.Wire.Resp;

/// <summary>A request written as one line, for people with a terminal: words, and quoted words with escapes, as Redis splits them.</summary>
public static class RespLine
{
    /// <summary>Splits the line; the words' bytes go to <paramref name="target"/>, which is at least as long. False when quotes are not closed.</summary>
    public static bool TrySplit(ReadOnlySpan<byte> text, byte[] target, RespArguments words)
    {
        var at = 0;
        var written = 0;
        while (true)
        {
            while (at < text.Length && IsSpace(text[at])) at++;
            if (at == text.Length) return true;
            var begin = written;
            if (!TryWord(text, ref at, target, ref written)) return false;
            words.Add(begin, written - begin);
        }
    }

    private static bool TryWord(ReadOnlySpan<byte> text, ref int at, byte[] target, ref int written)
    {
        while (at < text.Length && !IsSpace(text[at]))
        {
            if (text[at] is (byte)'"' or (byte)'\'') return TryQuoted(text, ref at, target, ref written);
            target[written++] = text[at++];
        }

        return true;
    }

    /// <summary>A closing quote must be followed by space or nothing.</summary>
    private static bool TryQuoted(ReadOnlySpan<byte> text, ref int at, byte[] target, ref int written)
    {
        var quote = text[at++];
        for (; at < text.Length; at++)
        {
            var rest = text[at..];
            if (rest[0] == quote)
            {
                at++;
                return at == text.Length || IsSpace(text[at]);
            }

            if (rest[0] != '\\' || rest.Length < 2 || (quote == '\'' && rest[1] != '\''))
            {
                target[written++] = rest[0];
            }
            else if (quote == '"' && rest.Length >= 4 && rest[1] == 'x' && char.IsAsciiHexDigit((char)rest[2]) && char.IsAsciiHexDigit((char)rest[3]))
            {
                target[written++] = (byte)((Digit(rest[2]) << 4) | Digit(rest[3]));
                at += 3;
            }
            else
            {
                target[written++] = quote == '\'' ? (byte)'\'' : Unescape(rest[1]);
                at++;
            }
        }

        return false;
    }

    private static byte Unescape(byte letter) => letter switch
    {
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        (byte)'b' => (byte)'\b',
        (byte)'a' => 7,
        _ => letter,
    };

    private static int Digit(byte letter) => letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10;

    private static bool IsSpace(byte letter) => letter is (byte)' ' or (>= 9 and <= 13) or 0;
}
