using Snowball;

namespace Holdfast.Vectors.Texts;

/// <summary>
/// Words without their endings, by the Snowball algorithm of their language: so that "connected" finds "connection". The same that Qdrant's clients use, so that either side may make the words, and the same in every process.
/// </summary>
internal static class WordStem
{
    /// <summary>No word of a language is longer; what is, is its own stem.</summary>
    private const int LettersMax = 64;

    private static readonly Dictionary<string, Func<Stemmer>> Makers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["arabic"] = static () => new ArabicStemmer(),
        ["armenian"] = static () => new ArmenianStemmer(),
        ["danish"] = static () => new DanishStemmer(),
        ["dutch"] = static () => new DutchStemmer(),
        ["english"] = static () => new EnglishStemmer(),
        ["finnish"] = static () => new FinnishStemmer(),
        ["french"] = static () => new FrenchStemmer(),
        ["german"] = static () => new GermanStemmer(),
        ["greek"] = static () => new GreekStemmer(),
        ["hungarian"] = static () => new HungarianStemmer(),
        ["italian"] = static () => new ItalianStemmer(),
        ["norwegian"] = static () => new NorwegianStemmer(),
        ["portuguese"] = static () => new PortugueseStemmer(),
        ["romanian"] = static () => new RomanianStemmer(),
        ["russian"] = static () => new RussianStemmer(),
        ["spanish"] = static () => new SpanishStemmer(),
        ["swedish"] = static () => new SwedishStemmer(),
        ["tamil"] = static () => new TamilStemmer(),
        ["turkish"] = static () => new TurkishStemmer(),
    };

    // A stemmer works on a text of its own: a thread has one of each language.
    [ThreadStatic]
    private static Dictionary<string, Stemmer>? ofThread;

    /// <summary>Languages whose words can be stemmed.</summary>
    public static IEnumerable<string> Languages => Makers.Keys.Order(StringComparer.Ordinal);

    /// <summary>A language's name as it is written here; null when its words cannot be stemmed.</summary>
    public static string? LanguageOf(string language) => Makers.Keys.FirstOrDefault(known => known.Equals(language, StringComparison.OrdinalIgnoreCase));

    /// <summary>The stem of a word in small letters.</summary>
    public static string Of(string language, string word)
    {
        if (word.Length > LettersMax) return word;
        var stemmers = ofThread ??= new(StringComparer.Ordinal);
        if (!stemmers.TryGetValue(language, out var stemmer)) stemmers[language] = stemmer = Makers[language]();
        return stemmer.Stem(word);
    }
}
