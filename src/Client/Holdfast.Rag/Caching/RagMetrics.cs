using System.Diagnostics.Metrics;

namespace Holdfast.Rag.Caching;

/// <summary>The meter "Holdfast.Rag": what was found in caches, and what was made.</summary>
internal static class RagMetrics
{
    private static readonly Meter Meter = new("Holdfast.Rag");

    /// <summary>Vectors, by where they came from.</summary>
    public static Counter<long> Embeddings { get; } = Meter.CreateCounter<long>("holdfast_rag_embeddings_total", description: "Vectors of texts, from the cache or from the model.");

    /// <summary>Answers, by where they came from.</summary>
    public static Counter<long> Answers { get; } = Meter.CreateCounter<long>("holdfast_rag_answers_total", description: "Answers, from an earlier question or made anew.");

    public static KeyValuePair<string, object?> FromCache { get; } = new("from", "cache");

    public static KeyValuePair<string, object?> Made { get; } = new("from", "made");
}
