using System.Security.Cryptography;

namespace Holdfast.Rag.Documents;

/// <summary>Reads files as documents, by their extension: text, Markdown, HTML, PDF with a text layer.</summary>
public static class DocumentReader
{
    /// <summary>A larger file is refused: a document is read whole.</summary>
    public const long BytesMax = 64L * 1024 * 1024;

    private static readonly Dictionary<string, IDocumentFormat> Formats = new(StringComparer.OrdinalIgnoreCase)
    {
        [".txt"] = new PlainTextFormat(),
        [".text"] = new PlainTextFormat(),
        [".log"] = new PlainTextFormat(),
        [".md"] = new MarkdownFormat(),
        [".markdown"] = new MarkdownFormat(),
        [".html"] = new HtmlFormat(),
        [".htm"] = new HtmlFormat(),
        [".xhtml"] = new HtmlFormat(),
        [".pdf"] = new PdfFormat(),
    };

    /// <summary>Whether a file of this name can be read.</summary>
    public static bool IsKnown(string path) => Formats.ContainsKey(Path.GetExtension(path));

    /// <summary>Reads a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="source">What it is to be called.</param>
    /// <exception cref="DocumentException">It is of no known kind, too large, or damaged.</exception>
    public static SourceDocument Read(string path, string source)
    {
        var length = new FileInfo(path).Length;
        if (length > BytesMax) throw new DocumentException($"{source} has {length:N0} bytes; a document may have {BytesMax:N0}. Split it.");
        return Read(File.ReadAllBytes(path), source);
    }

    /// <summary>Reads a document's bytes; the source's extension says what they are.</summary>
    /// <exception cref="DocumentException">They are of no known kind, or damaged.</exception>
    public static SourceDocument Read(ReadOnlyMemory<byte> content, string source)
    {
        if (!Formats.TryGetValue(Path.GetExtension(source), out var format))
            throw new DocumentException($"{source}: no reader for this kind of file; known are {string.Join(' ', Formats.Keys)}");
        try
        {
            var (title, passages) = format.Read(content);
            return new SourceDocument(source, Convert.ToHexStringLower(SHA256.HashData(content.Span)), string.IsNullOrWhiteSpace(title) ? Path.GetFileNameWithoutExtension(source) : title.Trim(), passages);
        }
        catch (Exception damage) when (damage is not DocumentException and not OutOfMemoryException)
        {
            throw new DocumentException($"{source} cannot be read: {damage.Message}", damage);
        }
    }
}
