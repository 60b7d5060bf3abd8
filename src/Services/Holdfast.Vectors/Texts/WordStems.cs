using System.Collections.Frozen;
using Lucene.Net.Tartarus.Snowball;
using Lucene.Net.Tartarus.Snowball.Ext;

namespace Holdfast.Vectors.Texts;

/// <summary>Words without their endings, by the rules of their language (Snowball's algorithms, as Lucene.Net carries them): so that "connected" finds "connection".</summary>
internal static class WordStems
{
    private static readonly FrozenDictionary<string, Func<SnowballProgram>> Makers = new Dictionary<string, Func<SnowballProgram>>(StringComparer.OrdinalIgnoreCase)
    {
        ["catalan"] = static () => new CatalanStemmer(),
        ["danish"] = static () => new DanishStemmer(),
        ["dutch"] = static () => new DutchStemmer(),
        ["english"] = static () => new EnglishStemmer(),
        ["finnish"] = static () => new FinnishStemmer(),
        ["french"] = static () => new FrenchStemmer(),
        ["german"] = static () => new GermanStemmer(),
        ["hungarian"] = static () => new HungarianStemmer(),
        ["italian"] = static () => new ItalianStemmer(),
        ["norwegian"] = static () => new NorwegianStemmer(),
        ["portuguese"] = static () => new PortugueseStemmer(),
        ["romanian"] = static () => new RomanianStemmer(),
        ["russian"] = static () => new RussianStemmer(),
        ["spanish"] = static () => new SpanishStemmer(),
        ["swedish"] = static () => new SwedishStemmer(),
        ["turkish"] = static () => new TurkishStemmer(),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>A stemmer holds the word that it works on, so each thread has its own.</summary>
    [ThreadStatic]
    private static Dictionary<string, SnowballProgram>? ofThisThread;

    /// <summary>The languages whose endings are known, in small letters.</summary>
    public static IEnumerable<string> Languages => Makers.Keys.Order(StringComparer.Ordinal);

    /// <summary>Whether a language's endings are known.</summary>
    public static bool Know(string language) => Makers.ContainsKey(language);

    /// <summary>The stem of a word in small letters.</summary>
    /// <param name="language">One of <see cref="Languages"/>, in small letters.</param>
    /// <param name="word">Of another script it is its own stem.</param>
    public static string Of(string language, string word)
    {
        var stemmers = ofThisThread ??= new(StringComparer.Ordinal);
        if (!stemmers.TryGetValue(language, out var stemmer)) stemmers[language] = stemmer = Makers[language]();
        stemmer.SetCurrent(word);
        stemmer.Stem();
        return stemmer.Current;
    }
}
