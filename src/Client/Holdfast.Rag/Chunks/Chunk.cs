namespace Holdfast.Rag.Chunks;

/// <summary>What is embedded and found again: some passages of a document.</summary>
/// <param name="Ordinal">Its place in the document, from 0.</param>
/// <param name="Heading">The headings that all its passages stand under, joined by " > ".</param>
/// <param name="Text">Its text.</param>
public sealed record Chunk(int Ordinal, string Heading, string Text)
{
    /// <summary>What is embedded: the text under its headings, since a passage often does not name what it is about.</summary>
    public string Embedded => Heading.Length > 0 ? Heading + "\n" + Text : Text;
}
