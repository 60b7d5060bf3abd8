using System.Text.Json;
using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Texts;

/// <summary>How text is cut into pieces.</summary>
internal enum TextCut : byte
{
    /// <summary>Runs of letters and digits.</summary>
    Word = 0,

    /// <summary>Whatever stands between spaces.</summary>
    Whitespace = 1,

    /// <summary>The beginnings of words: a word is found by them while it is being typed.</summary>
    Prefix = 2,

    /// <summary>Words, and pairs of neighbouring signs where a script writes no spaces.</summary>
    Multilingual = 3,
}

/// <summary>
/// Makes the words of a text by which it is compared, as a full-text index of Qdrant's was declared: tokenizer, lower case, accents, shortest and longest token, stop words, stemmer. The same on every replica, because deletions by
/// filter ask it: no tables but the runtime's own and those that ship with this program. Immutable.
/// </summary>
internal sealed record TextAnalyser
{
    /// <summary>What is used where nothing was declared.</summary>
    public static readonly TextAnalyser Plain = new();

    /// <summary>How text is cut.</summary>
    public TextCut Cut { get; init; } = TextCut.Word;

    /// <summary>Whether capital letters are as good as small ones.</summary>
    public bool IsLowercase { get; init; } = true;

    /// <summary>Shorter words are left out.</summary>
    public int LengthMin { get; init; } = 1;

    /// <summary>Longer words are left out; of prefixes, none is longer.</summary>
    public int LengthMax { get; init; } = int.MaxValue;

    /// <summary>Words that say nothing; in small letters.</summary>
    public IReadOnlySet<string> StopWords { get; init; } = System.Collections.Immutable.ImmutableHashSet<string>.Empty;

    /// <summary>The language by whose rules words are brought to their stem, in small letters; null: they are not.</summary>
    public string? StemsOf { get; init; }

    /// <summary>Whether letters with accents are as good as those without.</summary>
    public bool IsFolded { get; init; }

    /// <summary>What tells this analyser from others, in the name of an index.</summary>
    public string Name => $"{Cut}/{IsLowercase}/{LengthMin}/{LengthMax}/{StemsOf}/{IsFolded}/{string.Join(',', StopWords.Order(StringComparer.Ordinal))}";

    /// <summary>Reads an index's declaration: a type by name, or an object of which the type is "text". Null for another type.</summary>
    /// <exception cref="VectorFault">It asks for what is not known.</exception>
    public static TextAnalyser? Read(string schema)
    {
        using var document = JsonDocument.Parse(schema);
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.String) return root.ValueEquals("text") ? Plain : null;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("type", out var type) || !type.ValueEquals("text")) return null;
        return new TextAnalyser
        {
            Cut = TextOf(root, "tokenizer") switch
            {
                null or "word" => TextCut.Word,
                "whitespace" => TextCut.Whitespace,
                "prefix" => TextCut.Prefix,
                "multilingual" => TextCut.Multilingual,
                var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `prefix`, `whitespace`, `word`, `multilingual`"),
            },
            IsLowercase = !root.TryGetProperty("lowercase", out var lower) || lower.ValueKind != JsonValueKind.False,
            LengthMin = LengthOf(root, "min_token_len", 1),
            LengthMax = LengthOf(root, "max_token_len", int.MaxValue),
            StopWords = StopWordsOf(root),
            StemsOf = StemsIn(root),
            IsFolded = root.TryGetProperty("ascii_folding", out var folded) && folded.ValueKind == JsonValueKind.True,
        };
    }

    /// <summary>The words that a text is found by, in their order.</summary>
    public List<string> Words(string text)
    {
        var words = Whole(text);
        if (Cut != TextCut.Prefix) return words;
        var beginnings = new List<string>();
        foreach (var word in words)
            for (var length = LengthMin; length <= Math.Min(word.Length, LengthMax); length++) beginnings.Add(word[..length]);
        return beginnings;
    }

    /// <summary>The words that a question asks for, in their order.</summary>
    public List<string> Asked(string text) => Cut == TextCut.Prefix ? [.. Whole(text).Select(word => word.Length > LengthMax ? word[..LengthMax] : word)] : Whole(text);

    /// <inheritdoc/>
    public bool Equals(TextAnalyser? other) => other is not null && Name == other.Name;

    /// <inheritdoc/>
    public override int GetHashCode() => Name.Length;

    private List<string> Whole(string text)
    {
        var words = new List<string>();
        foreach (var piece in Cut switch { TextCut.Whitespace => [.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)], TextCut.Multilingual => ScriptWords.Of(text), _ => Runs(text) })
        {
            var small = piece.ToLowerInvariant();
            if (StopWords.Contains(small)) continue;
            var word = IsLowercase ? small : piece;
            if (IsFolded) word = LatinFold.Of(word);
            if (StemsOf is { } language) word = WordStems.Of(language, word);
            if (word.Length >= LengthMin && (word.Length <= LengthMax || Cut == TextCut.Prefix)) words.Add(word);
        }

        return words;
    }

    private static List<string> Runs(string text)
    {
        var words = new List<string>();
        var start = -1;
        for (var at = 0; at <= text.Length; at++)
        {
            if (at < text.Length && char.IsLetterOrDigit(text[at]))
            {
                if (start < 0) start = at;
            }
            else if (start >= 0)
            {
                words.Add(text[start..at]);
                start = -1;
            }
        }

        return words;
    }

    private static string? TextOf(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int LengthOf(JsonElement element, string name, int otherwise)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return otherwise;
        return value.TryGetInt32(out var length) && length > 0 ? length : throw VectorFault.Invalid(name, "must be 1 or larger");
    }

    /// <summary>A language's name, or an object of languages and words of one's own.</summary>
    private static HashSet<string> StopWordsOf(JsonElement root)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        if (!root.TryGetProperty("stopwords", out var stop) || stop.ValueKind == JsonValueKind.Null) return words;
        if (stop.ValueKind == JsonValueKind.String) return [.. LanguageWords.StopWords(stop.GetString()!)];
        if (stop.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("stopwords is a language or an object with languages and custom words");
        if (stop.TryGetProperty("languages", out var languages) && languages.ValueKind == JsonValueKind.Array)
            foreach (var language in languages.EnumerateArray()) words.UnionWith(LanguageWords.StopWords(language.GetString() ?? ""));
        if (stop.TryGetProperty("custom", out var custom) && custom.ValueKind == JsonValueKind.Array)
            foreach (var word in custom.EnumerateArray()) words.Add((word.GetString() ?? "").ToLowerInvariant());
        return words;
    }

    private static string? StemsIn(JsonElement root)
    {
        if (!root.TryGetProperty("stemmer", out var stemmer) || stemmer.ValueKind == JsonValueKind.Null) return null;
        return stemmer.ValueKind == JsonValueKind.Object && TextOf(stemmer, "language") is { } language && WordStems.Know(language)
            ? language.ToLowerInvariant()
            : throw VectorFault.NotHere($"this stemmer; snowball for {string.Join(", ", WordStems.Languages)} is");
    }
}
