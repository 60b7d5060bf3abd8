namespace Holdfast.Rag.Documents;

/// <summary>A piece of a document that its own structure sets apart: a paragraph, a list, a table, a listing.</summary>
/// <param name="Headings">The headings it stands under, from the outermost.</param>
/// <param name="Text">Its text, without markup.</param>
public sealed record Passage(IReadOnlyList<string> Headings, string Text);
