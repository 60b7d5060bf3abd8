using Holdfast.Rag.Answers;
using Holdfast.Rag.Caching;
using Holdfast.Rag.Embedding;
using Microsoft.Extensions.AI;

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

    /// <summary>An embedder of the caller's, which he disposes of; its metadata name its model. Null for one of the others.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? Embedder { get; init; }

    /// <summary>What some models want before a question and before a chunk. Default: nothing.</summary>
    public ModelPrompts Prompts { get; init; } = ModelPrompts.None;

    /// <summary>The model of the server that embeds.</summary>
    public string EmbedModel { get; init; } = "text-embedding-3-small";

    /// <summary>An OpenAI-compatible server that answers; null for passages as they stand.</summary>
    public Uri? ChatUrl { get; init; }

    /// <summary>That server's model.</summary>
    public string ChatModel { get; init; } = "gpt-4o-mini";

    /// <summary>A server that orders passages again (POST …/rerank, as Cohere's, Jina's and vLLM's); null for an order by how much of the question each covers.</summary>
    public Uri? RerankUrl { get; init; }

    /// <summary>That server's model.</summary>
    public string RerankModel { get; init; } = "rerank-v3.5";

    /// <summary>A ranking of the caller's, which he disposes of; null for one of the others.</summary>
    public IPassageRanking? Ranking { get; init; }

    /// <summary>Where embeddings and answers are kept between questions; null for nowhere.</summary>
    public IKnowledgeCache? Cache { get; init; }

    /// <summary>How long an embedding is kept.</summary>
    public TimeSpan EmbeddingsKept { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long an answer is kept, if nothing is written to the collection meanwhile.</summary>
    public TimeSpan AnswersKept { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How alike by cosine an earlier question must be for its answer to be given again; null for never. Models differ: 0.95 is careful with most. With the built-in embedder, for which a "not" hardly counts, only
    /// the same words are alike enough. Needs <see cref="Cache"/>.
    /// </summary>
    public double? AnswerSimilarity { get; init; }

    /// <summary>The bearer token for all of them; null for none.</summary>
    public string? ModelKey { get; init; }

    /// <summary>Most characters of a chunk.</summary>
    public int ChunkCharactersMax { get; init; } = 1200;
}
