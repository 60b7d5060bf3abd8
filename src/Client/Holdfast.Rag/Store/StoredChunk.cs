using Holdfast.Rag.Chunks;

namespace Holdfast.Rag.Store;

/// <summary>A chunk to be kept, with its vectors.</summary>
/// <param name="Id">Drawn from what it is, so that the same chunk is the same point.</param>
/// <param name="Chunk">The chunk.</param>
/// <param name="Dense">Its embedding.</param>
internal sealed record StoredChunk(Guid Id, Chunk Chunk, ReadOnlyMemory<float> Dense);

/// <summary>What is known of a document that was ingested.</summary>
/// <param name="ContentHash">Of its bytes; empty where its chunks disagree, as after an ingestion that was cut off.</param>
/// <param name="Embedder">Who made its vectors.</param>
/// <param name="ChunkIds">Its chunks.</param>
internal sealed record KnownDocument(string ContentHash, string Embedder, IReadOnlySet<Guid> ChunkIds);

/// <summary>A chunk that was found.</summary>
/// <param name="Source">Its document.</param>
/// <param name="Title">The document's title.</param>
/// <param name="Heading">Where in it.</param>
/// <param name="Text">The text.</param>
/// <param name="Score">The server's: by reciprocal ranks, comparable within one answer only.</param>
public sealed record FoundChunk(string Source, string Title, string Heading, string Text, double Score)
{
    /// <summary>What a model that ranks passages reads of it.</summary>
    public string Ranked => Heading.Length > 0 ? $"{Heading}\n{Text}" : Text;
}
