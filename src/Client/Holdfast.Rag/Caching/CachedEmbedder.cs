using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;

namespace Holdfast.Rag.Caching;

/// <summary>An embedder that asks the cache first. A vector is known by its model and by the hash of its text, and the same text has the same vector for ever: nothing here can be stale.</summary>
/// <param name="inner">Makes the vectors that are not kept.</param>
/// <param name="model">The model's name; it tells the model from any other.</param>
/// <param name="cache">Where vectors are kept.</param>
/// <param name="timeToLive">For how long.</param>
public sealed class CachedEmbedder(IEmbeddingGenerator<string, Embedding<float>> inner, string model, IKnowledgeCache cache, TimeSpan timeToLive) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    private long hits;

    /// <summary>Vectors that came from the cache.</summary>
    public long Hits => Volatile.Read(ref hits);

    private string Space => "embeddings/" + model;

    /// <inheritdoc/>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values.ToList();
        var keys = texts.ConvertAll(static text => SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        var vectors = new Embedding<float>?[texts.Count];
        for (var i = 0; i < texts.Count; i++) vectors[i] = VectorOf(await cache.GetAsync(Space, keys[i], cancellationToken));
        var missing = Enumerable.Range(0, texts.Count).Where(at => vectors[at] is null).ToList();
        Interlocked.Add(ref hits, texts.Count - missing.Count);
        RagMetrics.Embeddings.Add(texts.Count - missing.Count, RagMetrics.FromCache);
        if (missing.Count > 0)
        {
            var made = await base.GenerateAsync(missing.ConvertAll(at => texts[at]), options, cancellationToken);
            RagMetrics.Embeddings.Add(missing.Count, RagMetrics.Made);
            for (var i = 0; i < missing.Count; i++)
            {
                vectors[missing[i]] = made[i];
                await cache.SetAsync(Space, keys[missing[i]], MemoryMarshal.AsBytes(made[i].Vector.Span).ToArray(), timeToLive, cancellationToken);
            }
        }

        return new GeneratedEmbeddings<Embedding<float>>(vectors!);
    }

    private Embedding<float>? VectorOf(ReadOnlyMemory<byte>? kept) =>
        kept is { Length: > 0 } bytes && bytes.Length % sizeof(float) == 0 ? new Embedding<float>(MemoryMarshal.Cast<byte, float>(bytes.Span).ToArray()) { ModelId = model } : null;
}
