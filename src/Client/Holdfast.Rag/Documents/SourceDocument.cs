namespace Holdfast.Rag.Documents;

/// <summary>A document as it was read.</summary>
/// <param name="Source">Where it is from: a path, relative to what was ingested, with forward slashes.</param>
/// <param name="ContentHash">SHA-256 of its bytes, in hex: the same content is not ingested again.</param>
/// <param name="Title">Its own title, or its file's name.</param>
/// <param name="Passages">Its text in reading order.</param>
public sealed record SourceDocument(string Source, string ContentHash, string Title, IReadOnlyList<Passage> Passages);
