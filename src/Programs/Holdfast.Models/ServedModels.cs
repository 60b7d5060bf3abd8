using Holdfast.Rag.Embedding;
using Holdfast.Rag.Onnx;
using Microsoft.Extensions.AI;

namespace Holdfast.Models;

/// <summary>The models that are served.</summary>
/// <param name="Embedder">Null for none.</param>
/// <param name="EmbedderName">Its name, which tells it from any other.</param>
/// <param name="Ranking">Null for none.</param>
internal sealed record ServedModels(IEmbeddingGenerator<string, Embedding<float>>? Embedder, string EmbedderName, OnnxRanking? Ranking) : IDisposable
{
    /// <summary>Loads them.</summary>
    /// <exception cref="ArgumentException">None is named, or one cannot be loaded.</exception>
    public static ServedModels Load(string? embed, string? rerank, int threads)
    {
        if (embed is null && rerank is null) throw new ArgumentException("name a model with --embed or --rerank");
        var ranking = rerank is null ? null : new OnnxRanking(rerank, threads);
        if (embed is null) return new ServedModels(null, "", ranking);
        if (OnnxFiles.Find(embed) is not null)
        {
            var transformer = new OnnxEmbedder(embed, threads);
            return new ServedModels(transformer, transformer.Name, ranking);
        }

        var table = new StaticEmbedder(embed);
        return new ServedModels(table, table.Name, ranking);
    }

    public void Dispose()
    {
        Embedder?.Dispose();
        Ranking?.Dispose();
    }
}
