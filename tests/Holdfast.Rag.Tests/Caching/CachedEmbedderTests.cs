using Holdfast.Rag.Caching;
using Holdfast.Rag.Embedding;
using Microsoft.Extensions.AI;

namespace Holdfast.Rag.Tests.Caching;

public sealed class CachedEmbedderTests
{
    [Fact]
    public async Task A_text_is_embedded_once_by_each_model()
    {
        var cache = new KeptCache();
        using var inner = new CountedEmbedder();
        using var embedder = new CachedEmbedder(inner, "one", cache, TimeSpan.FromHours(1));
        var first = await embedder.GenerateAsync(["a lease", "a lock"], cancellationToken: Cancel);
        var second = await embedder.GenerateAsync(["a lock", "a watch", "a lease"], cancellationToken: Cancel);
        Assert.Equal(["a lease", "a lock", "a watch"], inner.Embedded);
        Assert.Equal(2, embedder.Hits);
        Assert.Equal(first[1].Vector.ToArray(), second[0].Vector.ToArray());
        Assert.Equal(first[0].Vector.ToArray(), second[2].Vector.ToArray());
        Assert.Equal(new HashedEmbedder().VectorOf("a watch"), second[1].Vector.ToArray());

        using var other = new CachedEmbedder(inner, "two", cache, TimeSpan.FromHours(1));
        await other.GenerateAsync(["a lock"], cancellationToken: Cancel);
        Assert.Equal(4, inner.Embedded.Count);
    }

    [Fact]
    public async Task What_is_no_vector_is_embedded_again()
    {
        var cache = new KeptCache();
        using var inner = new CountedEmbedder();
        using var embedder = new CachedEmbedder(inner, "one", cache, TimeSpan.FromHours(1));
        await embedder.GenerateAsync(["a lock"], cancellationToken: Cancel);
        foreach (var key in cache.Values.Keys) cache.Values[key] = [1, 2, 3];
        Assert.Equal(new HashedEmbedder().VectorOf("a lock"), (await embedder.GenerateAsync(["a lock"], cancellationToken: Cancel))[0].Vector.ToArray());
        Assert.Equal(2, inner.Embedded.Count);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private sealed class CountedEmbedder() : DelegatingEmbeddingGenerator<string, Embedding<float>>(new HashedEmbedder())
    {
        public List<string> Embedded { get; } = [];

        public override Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            Embedded.AddRange(values);
            return base.GenerateAsync(values, options, cancellationToken);
        }
    }
}
