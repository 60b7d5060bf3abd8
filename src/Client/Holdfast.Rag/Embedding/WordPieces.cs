using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Holdfast.Rag.Embedding;

/// <summary>Text into the pieces of a BERT vocabulary, as a <c>tokenizer.json</c> of the kind WordPiece describes it: lower case and without accents where it says so, words and punctuation apart, longest piece first.</summary>
internal sealed class WordPieces
{
    /// <summary>
    /// The letters from U+00C0 to U+017F without their accents, as canonical decomposition takes them off (Unicode, UAX 15). .NET's own decomposition needs ICU, which this program does without; of letters beyond
    /// these only accents that stand by themselves are taken off.
    /// </summary>
    private const string WithoutAccent =
        "AAAAAAÆCEEEEIIIIÐNOOOOO×ØUUUUYÞßaaaaaaæceeeeiiiiðnooooo÷øuuuuyþyAaAaAaCcCcCcCcDdĐđEeEeEeEeEeGgGg" +
        "GgGgHhĦħIiIiIiIiIıĲĳJjKkĸLlLlLlĿŀŁłNnNnNnŉŊŋOoOoOoŒœRrRrRrSsSsSsSsTtTtŦŧUuUuUuUuUuUuWwYyYZzZzZzſ";

    private readonly Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
    private readonly string joint;
    private readonly int lettersMax;
    private readonly bool isLowerCase;
    private readonly bool stripsAccents;

    /// <exception cref="ArgumentException">The file describes another kind of tokenizer.</exception>
    public WordPieces(string path)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(path));
        var model = file.RootElement.GetProperty("model");
        var kind = model.TryGetProperty("type", out var type) ? type.GetString() : "";
        if (kind != "WordPiece") throw new ArgumentException($"{path} describes a tokenizer of the kind {kind}; WordPiece is the one that is known here");
        foreach (var piece in model.GetProperty("vocab").EnumerateObject()) vocabulary[piece.Name] = piece.Value.GetInt32();
        joint = model.TryGetProperty("continuing_subword_prefix", out var prefix) ? prefix.GetString() ?? "##" : "##";
        lettersMax = model.TryGetProperty("max_input_chars_per_word", out var most) ? most.GetInt32() : 100;
        var normalizer = file.RootElement.TryGetProperty("normalizer", out var named) && named.ValueKind == JsonValueKind.Object ? named : default;
        isLowerCase = normalizer.ValueKind == JsonValueKind.Object && normalizer.TryGetProperty("lowercase", out var lower) && lower.ValueKind == JsonValueKind.True;
        stripsAccents = normalizer.ValueKind == JsonValueKind.Object && normalizer.TryGetProperty("strip_accents", out var strip) && strip.ValueKind != JsonValueKind.Null ? strip.ValueKind == JsonValueKind.True : isLowerCase;
    }

    /// <summary>The pieces' numbers; words that the vocabulary cannot spell are left out.</summary>
    public List<int> Of(string text)
    {
        var pieces = new List<int>();
        foreach (var word in Split(text)) Append(word, pieces);
        return pieces;
    }

    private IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in Normal(text).EnumerateRunes())
        {
            var isSpace = Rune.IsWhiteSpace(rune) || Rune.IsControl(rune);
            var standsAlone = Rune.IsPunctuation(rune) || Rune.IsSymbol(rune) || rune.Value is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF;
            if ((isSpace || standsAlone) && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }

            if (standsAlone) yield return rune.ToString();
            else if (!isSpace) word.Append(rune);
        }

        if (word.Length > 0) yield return word.ToString();
    }

    private string Normal(string text)
    {
        if (isLowerCase) text = text.ToLowerInvariant();
        if (!stripsAccents) return text;
        var bare = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            if (letter is >= 'À' and <= 'ſ') bare.Append(WithoutAccent[letter - 'À']);
            else if (CharUnicodeInfo.GetUnicodeCategory(letter) != UnicodeCategory.NonSpacingMark) bare.Append(letter);
        }

        return bare.ToString();
    }

    private void Append(string word, List<int> pieces)
    {
        if (word.Length > lettersMax) return;
        var before = pieces.Count;
        for (var at = 0; at < word.Length;)
        {
            var end = word.Length;
            int piece;
            while (!vocabulary.TryGetValue(at == 0 ? word[..end] : joint + word[at..end], out piece))
            {
                if (--end > at) continue;
                pieces.RemoveRange(before, pieces.Count - before);
                return;
            }

            pieces.Add(piece);
            at = end;
        }
    }
}
