namespace Holdfast.Keyspace;

/// <summary>Patterns as KEYS, SCAN and PSUBSCRIBE have them: * ? [a-z] [^…] and backslash. The work is bounded by the pattern's length times the text's: a star never goes back behind a later star.</summary>
internal static class Glob
{
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, bool ignoresCase = false)
    {
        var (p, t) = (0, 0);
        var (starPattern, starText) = (-1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (starPattern, starText) = (++p, t);
                continue;
            }

            var next = p;
            if (p < pattern.Length && MatchesOne(pattern, ref next, text[t], ignoresCase))
            {
                (p, t) = (next, t + 1);
                continue;
            }

            if (starPattern < 0) return false;
            (p, t) = (starPattern, ++starText);
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    private static bool MatchesOne(ReadOnlySpan<byte> pattern, ref int at, byte letter, bool ignoresCase)
    {
        switch (pattern[at])
        {
            case (byte)'?':
                at++;
                return true;
            case (byte)'[':
                return MatchesClass(pattern, ref at, letter, ignoresCase);
            case (byte)'\\' when at + 1 < pattern.Length:
                at += 2;
                return Same(pattern[at - 1], letter, ignoresCase);
            default:
                return Same(pattern[at++], letter, ignoresCase);
        }
    }

    private static bool MatchesClass(ReadOnlySpan<byte> pattern, ref int at, byte letter, bool ignoresCase)
    {
        at++;
        var negates = at < pattern.Length && pattern[at] == '^';
        if (negates) at++;
        var isIn = false;
        if (ignoresCase) letter = Lower(letter);
        while (at < pattern.Length && pattern[at] != ']')
        {
            if (pattern[at] == '\\' && at + 1 < pattern.Length)
            {
                at++;
                isIn |= Same(pattern[at], letter, ignoresCase);
            }
            else if (at + 2 < pattern.Length && pattern[at + 1] == '-')
            {
                var (low, high) = (pattern[at], pattern[at + 2]);
                if (low > high) (low, high) = (high, low);
                if (ignoresCase) (low, high) = (Lower(low), Lower(high));
                isIn |= letter >= low && letter <= high;
                at += 2;
            }
            else
            {
                isIn |= Same(pattern[at], letter, ignoresCase);
            }

            at++;
        }

        if (at < pattern.Length) at++;
        return isIn != negates;
    }

    private static bool Same(byte one, byte other, bool ignoresCase) => one == other || (ignoresCase && Lower(one) == Lower(other));

    private static byte Lower(byte letter) => letter is >= (byte)'A' and <= (byte)'Z' ? (byte)(letter | 0x20) : letter;
}
