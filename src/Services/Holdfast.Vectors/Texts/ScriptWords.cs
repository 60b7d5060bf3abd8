namespace Holdfast.Vectors.Texts;

/// <summary>Words of any script: runs of letters, marks and digits where there are spaces between words; where a script writes none (Chinese, Japanese, Thai, Khmer, Lao, Burmese), pairs of neighbouring signs, and a sign that stands alone.</summary>
internal static class ScriptWords
{
    public static List<string> Of(string text)
    {
        var words = new List<string>();
        var at = 0;
        while (at < text.Length)
        {
            if (!IsPart(text[at]))
            {
                at++;
                continue;
            }

            var start = at;
            var isDense = IsDense(text[at]);
            while (at < text.Length && IsPart(text[at]) && IsDense(text[at]) == isDense) at++;
            if (!isDense || at - start == 1) words.Add(text[start..at]);
            else for (var pair = start; pair + 1 < at; pair++) words.Add(text.Substring(pair, 2));
        }

        return words;
    }

    private static bool IsPart(char sign) => char.IsLetterOrDigit(sign) || char.IsSurrogate(sign) || char.GetUnicodeCategory(sign) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark;

    private static bool IsDense(char sign) => sign is >= '\u0E00' and <= '\u0EFF' or >= '\u1000' and <= '\u109F' or >= '\u1780' and <= '\u17FF' or >= '\u3040' and <= '\u30FF' or >= '\u3400' and <= '\u9FFF' or >= '\uF900' and <= '\uFAFF';
}
