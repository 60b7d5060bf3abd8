using System.Globalization;
using System.Text;

namespace Holdfast.Rag.Embedding;

/// <summary>Text into the pieces of a BERT vocabulary: lower case and without accents where the files say so, words and punctuation apart, longest piece first.</summary>
internal sealed class WordPieces(TokenizerFiles files)
{
    /// <summary>The number of a piece; null where the vocabulary has none of these names.</summary>
    public int? NumberOf(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (files.Pieces.TryGetValue(name, out var number)) return number;
        return null;
    }

    /// <summary>The pieces' numbers.</summary>
    /// <param name="text">Names of special pieces in it, such as [SEP], are words like others.</param>
    /// <param name="unknown">Stands for a word that the vocabulary cannot spell; null to leave it out.</param>
    public List<int> Of(string text, int? unknown = null)
    {
        var pieces = new List<int>();
        foreach (var word in Split(text))
            if (!TryAppend(word, pieces) && unknown is { } stand) pieces.Add(stand);
        return pieces;
    }

    private IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in (files.IsLowerCase ? text.ToLowerInvariant() : text).EnumerateRunes())
        {
            if (IsDropped(rune)) continue;
            var standsAlone = StandsAlone(rune);
            if ((standsAlone || Rune.IsWhiteSpace(rune)) && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }

            if (standsAlone) yield return rune.ToString();
            else if (Rune.IsWhiteSpace(rune)) continue;
            else if (files.StripsAccents) Accents.AppendBare(word, rune);
            else word.Append(rune);
        }

        if (word.Length > 0) yield return word.ToString();
    }

    /// <summary>What BERT cleans away: control characters that are no space, formats, what is unassigned, and the mark of what could not be decoded.</summary>
    private static bool IsDropped(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && (rune == Rune.ReplacementChar
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);

    /// <summary>Punctuation, ASCII's symbols and Chinese signs are words by themselves; other symbols belong to the word they stand in.</summary>
    private static bool StandsAlone(Rune rune) =>
        Rune.IsPunctuation(rune) || (rune.IsAscii && Rune.IsSymbol(rune))
        || rune.Value is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);

    private bool TryAppend(string word, List<int> pieces)
    {
        if (word.Length > files.LettersMax) return false;
        var before = pieces.Count;
        for (var at = 0; at < word.Length;)
        {
            var end = word.Length;
            int piece;
            while (!files.Pieces.TryGetValue(at == 0 ? word[..end] : files.Joint + word[at..end], out piece))
            {
                if (--end > at) continue;
                pieces.RemoveRange(before, pieces.Count - before);
                return false;
            }

            pieces.Add(piece);
            at = end;
        }

        return true;
    }
}
