namespace Holdfast.Rag;

/// <summary>What an ingestion did.</summary>
/// <param name="Documents">Documents looked at.</param>
/// <param name="Unchanged">Those whose content was there already.</param>
/// <param name="ChunksAdded">Chunks embedded and written.</param>
/// <param name="ChunksKept">Chunks of changed documents that were there already.</param>
/// <param name="ChunksRemoved">Chunks that are no more.</param>
/// <param name="Refused">Files that could not be read, with the reason.</param>
/// <param name="FromCache">Embeddings that were not made again.</param>
public sealed record IngestReport(int Documents, int Unchanged, int ChunksAdded, int ChunksKept, int ChunksRemoved, IReadOnlyList<string> Refused, int FromCache = 0);

/// <summary>How far an ingestion is.</summary>
/// <param name="Source">The document at hand.</param>
/// <param name="BytesDone">Bytes of files done.</param>
/// <param name="BytesTotal">Bytes of all files.</param>
public readonly record struct IngestProgress(string Source, long BytesDone, long BytesTotal);
