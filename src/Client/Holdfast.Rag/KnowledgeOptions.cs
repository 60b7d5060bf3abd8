namespace Holdfast.Rag;

/// <summary>Where chunks are kept, who embeds, who answers.</summary>
public sealed record KnowledgeOptions
{
    /// <summary>Where the vectors face serves REST. Default: this machine, Qdrant's usual port.</summary>
    public Uri Server { get; init; } = new("http://127.0.0.1:6333");

    /// <summary>Its API key, where it wants one.</summary>
    public string? ServerKey { get; init; }

    /// <summary>The collection.</summary>
    public string Collection { get; init; } = "documents";

    /// <summary>An OpenAI-compatible server that embeds; null for the built-in embedder, which knows spelling and not meaning.</summary>
    public Uri? EmbedUrl { get; init; }

    /// <summary>The folder of a static embedding model (model2vec) that embeds instead; null for none.</summary>
    public string? EmbedFolder { get; init; }

    /// <summary>That server's model.</summary>
    public string EmbedModel { get; init; } = "text-embedding-3-small";

    /// <summary>An OpenAI-compatible server that answers; null for passages as they stand.</summary>
    public Uri? ChatUrl { get; init; }

    /// <summary>That server's model.</summary>
    public string ChatModel { get; init; } = "gpt-4o-mini";

    /// <summary>A server that orders passages again (POST …/rerank, as Cohere's, Jina's and vLLM's); null for an order by how much of the question each covers.</summary>
    public Uri? RerankUrl { get; init; }

    /// <summary>That server's model.</summary>
    public string RerankModel { get; init; } = "rerank-v3.5";

    /// <summary>The bearer token for all of them; null for none.</summary>
    public string? ModelKey { get; init; }

    /// <summary>Most characters of a chunk.</summary>
    public int ChunkCharactersMax { get; init; } = 1200;
}
