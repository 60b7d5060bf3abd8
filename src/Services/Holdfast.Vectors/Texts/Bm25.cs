using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Texts;

/// <summary>
/// Text as sparse vectors whose dot product, in a column with the modifier "idf", is Okapi's BM25: a document's components are its words' saturated frequencies, a query's are ones, and how rare a word is the column
/// weighs at the time of the query. A word's place is the 32-bit murmur hash of it, as Qdrant's clients compute it (model "qdrant/bm25"), so that either side may make the vectors.
/// </summary>
internal sealed record Bm25
{
    /// <summary>How soon more of the same word adds nothing.</summary>
    public double Saturation { get; init; } = 1.2;

    /// <summary>How much long documents are held back, from 0 to 1.</summary>
    public double LengthShare { get; init; } = 0.75;

    /// <summary>Words of a usual document.</summary>
    public double LengthUsual { get; init; } = 256;

    /// <summary>How text becomes words.</summary>
    public TextAnalyser Analyser { get; init; } = For("english");

    /// <summary>The analyser of a language: its stop words and, where its endings are known, stems. Without a known language only words.</summary>
    /// <exception cref="VectorFault">The language has no list here.</exception>
    public static TextAnalyser For(string language) => language is "none" or ""
        ? new TextAnalyser { Cut = TextCut.Multilingual }
        : new TextAnalyser { Cut = TextCut.Multilingual, StopWords = LanguageWords.StopWords(language).ToHashSet(StringComparer.Ordinal), StemsOf = WordStems.Know(language) ? language.ToLowerInvariant() : null };

    /// <summary>A document's vector.</summary>
    public NamedVector Document(string name, string text)
    {
        var words = Analyser.Words(text);
        var counts = new SortedDictionary<uint, int>();
        foreach (var word in words) counts[PlaceOf(word)] = counts.GetValueOrDefault(PlaceOf(word)) + 1;
        var held = Saturation * (1 - LengthShare + (LengthShare * words.Count / LengthUsual));
        return new NamedVector(name, [.. counts.Values.Select(count => (float)(count * (Saturation + 1) / (count + held)))], [.. counts.Keys]);
    }

    /// <summary>A query's vector.</summary>
    public NamedVector Query(string name, string text)
    {
        var places = new SortedSet<uint>(Analyser.Asked(text).Select(PlaceOf));
        return new NamedVector(name, [.. places.Select(_ => 1f)], [.. places]);
    }

    /// <summary>A word's place: the absolute value of its signed murmur hash (version 3, 32 bits, seed 0).</summary>
    public static uint PlaceOf(string word)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(word);
        var (hash, length) = (0u, (uint)bytes.Length);
        for (; bytes.Length >= 4; bytes = bytes[4..]) hash = (BitOperations.RotateLeft(hash ^ Mixed(BinaryPrimitives.ReadUInt32LittleEndian(bytes)), 13) * 5) + 0xE6546B64;
        var tail = 0u;
        for (var at = 0; at < bytes.Length; at++) tail |= (uint)bytes[at] << (8 * at);
        if (bytes.Length > 0) hash ^= Mixed(tail);
        hash ^= length;
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
        hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
        hash ^= hash >> 16;
        return (int)hash < 0 ? ~hash + 1 : hash;
    }

    private static uint Mixed(uint block) => BitOperations.RotateLeft(block * 0xCC9E2D51, 15) * 0x1B873593;
}
