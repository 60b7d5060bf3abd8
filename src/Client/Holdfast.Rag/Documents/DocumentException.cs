namespace Holdfast.Rag.Documents;

/// <summary>A file cannot be read as a document; the message says which and why.</summary>
public sealed class DocumentException(string message, Exception? cause = null) : Exception(message, cause);
