namespace Holdfast.Keyspace;

/// <summary>What a token of a script is, as far as fitting it must know.</summary>
internal enum SourceKind : byte
{
    /// <summary>A name or a word of the language.</summary>
    Name,

    /// <summary>A whole number, decimal or hexadecimal.</summary>
    Whole,

    /// <summary>Any other number.</summary>
    Number,

    /// <summary>A text, with its quotes or long brackets.</summary>
    Text,

    /// <summary>The operator of two dots.</summary>
    Dots,

    /// <summary>One character of anything else.</summary>
    Other,
}

/// <summary>A token as a place in the source.</summary>
internal readonly record struct SourceToken(SourceKind Kind, int Start, int End);

/// <summary>Cuts a script into tokens, comments left out. What is no Lua becomes tokens all the same: the compiler will say so.</summary>
internal static class SourceLexer
{
    public static List<SourceToken> Read(ReadOnlySpan<byte> source)
    {
        var tokens = new List<SourceToken>();
        for (var at = 0; at < source.Length;)
        {
            var letter = source[at];
            if (letter is (byte)' ' or (>= 9 and <= 13))
            {
                at++;
                continue;
            }

            if (letter == '-' && Next(source, at, 1) == '-')
            {
                at = EndOfComment(source, at + 2);
                continue;
            }

            var token = ReadOne(source, at);
            tokens.Add(token);
            at = token.End;
        }

        return tokens;
    }

    private static SourceToken ReadOne(ReadOnlySpan<byte> source, int start)
    {
        var letter = source[start];
        if (IsLetter(letter)) return new SourceToken(SourceKind.Name, start, EndOfName(source, start));
        if (IsDigit(letter) || (letter == '.' && IsDigit(Next(source, start, 1)))) return ReadNumber(source, start);
        if (letter is (byte)'"' or (byte)'\'') return new SourceToken(SourceKind.Text, start, EndOfQuoted(source, start));
        if (letter == '[' && EndOfLong(source, start) is > 0 and var end) return new SourceToken(SourceKind.Text, start, end);
        if (letter != '.' || Next(source, start, 1) != '.') return new SourceToken(SourceKind.Other, start, start + 1);
        return Next(source, start, 2) == '.' ? new SourceToken(SourceKind.Name, start, start + 3) : new SourceToken(SourceKind.Dots, start, start + 2);
    }

    private static SourceToken ReadNumber(ReadOnlySpan<byte> source, int start)
    {
        var at = start;
        var isHex = source[at] == '0' && (Next(source, at, 1) | 0x20) == 'x';
        var isWhole = true;
        for (; at < source.Length && (IsLetter(source[at]) || IsDigit(source[at]) || source[at] == '.'); at++)
        {
            var isExponent = !isHex && (source[at] | 0x20) == 'e';
            if (source[at] == '.' || isExponent) isWhole = false;
            if (isExponent && Next(source, at, 1) is (byte)'+' or (byte)'-') at++;
        }

        return new SourceToken(isWhole ? SourceKind.Whole : SourceKind.Number, start, at);
    }

    private static int EndOfName(ReadOnlySpan<byte> source, int at)
    {
        while (at < source.Length && (IsLetter(source[at]) || IsDigit(source[at]))) at++;
        return at;
    }

    private static int EndOfQuoted(ReadOnlySpan<byte> source, int start)
    {
        for (var at = start + 1; at < source.Length; at++)
        {
            if (source[at] == '\\') at++;
            else if (source[at] == source[start]) return at + 1;
            else if (source[at] == '\n') return at;
        }

        return source.Length;
    }

    /// <summary>The end of a long bracket, <c>[==[ … ]==]</c>; 0 when there is none.</summary>
    private static int EndOfLong(ReadOnlySpan<byte> source, int start)
    {
        var at = start + 1;
        while (Next(source, at, 0) == '=') at++;
        if (Next(source, at, 0) != '[') return 0;
        var level = at - start - 1;
        for (at++; at < source.Length; at++)
        {
            if (source[at] != ']') continue;
            var end = at + 1;
            while (Next(source, end, 0) == '=') end++;
            if (end - at - 1 == level && Next(source, end, 0) == ']') return end + 1;
        }

        return source.Length;
    }

    private static int EndOfComment(ReadOnlySpan<byte> source, int at)
    {
        if (Next(source, at, 0) == '[' && EndOfLong(source, at) is > 0 and var end) return end;
        var line = source[at..].IndexOf((byte)'\n');
        return line < 0 ? source.Length : at + line;
    }

    private static byte Next(ReadOnlySpan<byte> source, int at, int by) => at + by < source.Length ? source[at + by] : (byte)0;

    private static bool IsLetter(byte letter) => letter == '_' || (letter | 0x20) is >= 'a' and <= 'z';

    private static bool IsDigit(byte letter) => letter is >= (byte)'0' and <= (byte)'9';
}
