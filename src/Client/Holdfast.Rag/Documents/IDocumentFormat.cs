namespace Holdfast.Rag.Documents;

/// <summary>Reads one kind of file.</summary>
internal interface IDocumentFormat
{
    /// <summary>The document's title where it has one, and its passages. Throws <see cref="DocumentException"/> for what is not of this kind.</summary>
    (string? Title, List<Passage> Passages) Read(ReadOnlyMemory<byte> content);
}
