using Microsoft.Extensions.AI;

namespace Holdfast.Rag.Embedding;

/// <summary>
/// The embedder that needs nothing downloaded: words and their character n-grams, hashed into a vector of fixed length. It knows spelling, not meaning: "connect" is near "connection", and "car" is as far
/// from "automobile" as from anything. Deterministic, the same on every machine. Questions weigh rare words more (<see cref="WordStatistics"/>); chunks do not, so they need not be embedded anew when the
/// statistics change.
/// </summary>
/// <param name="questionWeights">Given for questions, null for chunks.</param>
public sealed class HashedEmbedder(WordStatistics? questionWeights = null) : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>The vectors' length.</summary>
    public const int Dimensions = 384;

    /// <summary>Its name, kept with each chunk: chunks of another embedder are embedded anew.</summary>
    public const string Name = "hashed-ngrams-384-v1";

    private const int GramMin = 3;
    private const int GramMax = 5;
    private const float WordShare = 0.4f;

    /// <inheritdoc/>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(VectorOf(text)) { ModelId = Name })));

    /// <summary>One text's vector, of length 1; all zero for a text without words.</summary>
    public float[] VectorOf(string text)
    {
        var vector = new float[Dimensions];
        foreach (var group in Words.Of(text).GroupBy(static word => word, StringComparer.Ordinal))
        {
            var weight = (1 + MathF.Log(group.Count())) * (questionWeights?.WeightOf(group.Key) ?? 1);
            AddWord(vector, group.Key, weight);
        }

        var length = MathF.Sqrt(vector.Sum(static part => part * part));
        if (length > 0)
            for (var i = 0; i < vector.Length; i++) vector[i] /= length;
        return vector;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static void AddWord(float[] vector, string word, float weight)
    {
        Add(vector, word, 1, weight * WordShare);
        var padded = string.Concat("<", word, ">");
        var grams = 0;
        for (var size = GramMin; size <= GramMax; size++) grams += Math.Max(0, padded.Length - size + 1);
        if (grams == 0) return;
        var share = weight * (1 - WordShare) / MathF.Sqrt(grams);
        for (var size = GramMin; size <= GramMax; size++)
            for (var at = 0; at + size <= padded.Length; at++) Add(vector, padded.AsSpan(at, size), 2, share);
    }

    private static void Add(float[] vector, ReadOnlySpan<char> feature, ulong kind, float weight)
    {
        var hash = StableHash.Of(feature, kind);
        vector[hash % Dimensions] += (hash >> 63) == 0 ? weight : -weight;
    }
}
