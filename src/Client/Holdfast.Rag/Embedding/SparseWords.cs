namespace Holdfast.Rag.Embedding;

/// <summary>
/// A text's words as a sparse vector: the part of BM25 that depends on the text alone (term frequency, saturated and set against the text's length). The other part, how rare a word is, the server knows:
/// the collection's vector has the modifier idf.
/// </summary>
public static class SparseWords
{
    private const float Saturation = 1.2f;
    private const float LengthShare = 0.75f;

    /// <summary>Words of a chunk of usual length. A constant: the true mean moves with every document, and the ranking hardly with it.</summary>
    private const float UsualWords = 160;

    /// <summary>A chunk's vector; indices rise and are distinct.</summary>
    public static (uint[] Indices, float[] Values) OfChunk(string text)
    {
        var words = Words.Of(text);
        var norm = Saturation * (1 - LengthShare + (LengthShare * words.Count / UsualWords));
        return Of(words, count => count * (Saturation + 1) / (count + norm));
    }

    /// <summary>A question's vector: each word once.</summary>
    public static (uint[] Indices, float[] Values) OfQuestion(string text) => Of(Words.Of(text), static _ => 1);

    private static (uint[] Indices, float[] Values) Of(List<string> words, Func<int, float> valueOf)
    {
        var counts = new SortedDictionary<uint, int>();
        foreach (var word in words)
        {
            var index = (uint)(StableHash.Of(Stem(word)) & 0x7FFFFFFF);
            counts[index] = counts.GetValueOrDefault(index) + 1;
        }

        return ([.. counts.Keys], [.. counts.Values.Select(valueOf)]);
    }

    /// <summary>The lightest of stemming: an English plural is its singular.</summary>
    private static string Stem(string word) => word switch
    {
        { Length: > 4 } when word.EndsWith("ies", StringComparison.Ordinal) => word[..^3] + "y",
        { Length: > 3 } when word.EndsWith('s') && word[^2] is not ('s' or 'u' or 'i') => word[..^1],
        _ => word,
    };
}
