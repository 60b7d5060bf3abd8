using System.Diagnostics.Metrics;

namespace Holdfast.Rag.Caching;

/// <summary>The meter "Holdfast.Rag": what was found in caches, what was made, and what ingestions did.</summary>
internal static class RagMetrics
{
    private static readonly Meter Meter = new("Holdfast.Rag");

    /// <summary>Vectors, by where they came from.</summary>
    public static Counter<long> Embeddings { get; } = Meter.CreateCounter<long>("holdfast_rag_embeddings_total", description: "Vectors of texts, from the cache or from the model.");

    /// <summary>Answers, by where they came from.</summary>
    public static Counter<long> Answers { get; } = Meter.CreateCounter<long>("holdfast_rag_answers_total", description: "Answers, from an earlier question or made anew.");

    public static KeyValuePair<string, object?> FromCache { get; } = new("from", "cache");

    public static KeyValuePair<string, object?> Made { get; } = new("from", "made");

    private static readonly Counter<long> Documents = Meter.CreateCounter<long>("holdfast_rag_documents_total", description: "Documents that ingestions looked at, by what came of them.");
    private static readonly Counter<long> Chunks = Meter.CreateCounter<long>("holdfast_rag_chunks_total", description: "Chunks of changed documents, by what was done with them.");

    /// <summary>Counts an ingestion that has ended.</summary>
    public static void Count(IngestReport report)
    {
        Documents.Add(report.Unchanged, By("state", "unchanged"));
        Documents.Add(report.Refused.Count, By("state", "left out"));
        Documents.Add(report.Documents - report.Unchanged - report.Refused.Count, By("state", "changed"));
        Chunks.Add(report.ChunksAdded, By("change", "added"));
        Chunks.Add(report.ChunksKept, By("change", "kept"));
        Chunks.Add(report.ChunksRemoved, By("change", "removed"));
    }

    private static KeyValuePair<string, object?> By(string label, string value) => new(label, value);
}
