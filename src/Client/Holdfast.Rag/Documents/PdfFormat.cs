using UglyToad.PdfPig;
using UglyToad.PdfPig.DocumentLayoutAnalysis.TextExtractor;

namespace Holdfast.Rag.Documents;

/// <summary>The text layer of a PDF, a passage a paragraph of a page. A scan without one is refused: there is nothing to read.</summary>
internal sealed class PdfFormat : IDocumentFormat
{
    /// <inheritdoc/>
    public (string? Title, List<Passage> Passages) Read(ReadOnlyMemory<byte> content)
    {
        using var document = PdfDocument.Open(content.ToArray());
        var passages = new List<Passage>();
        foreach (var page in document.GetPages())
        {
            foreach (var paragraph in ContentOrderTextExtractor.GetText(page, addDoubleNewline: true).ReplaceLineEndings("\n").Split("\n\n"))
                if (paragraph.Trim() is { Length: > 0 } text) passages.Add(new Passage([$"page {page.Number}"], text));
        }

        if (passages.Count == 0) throw new DocumentException("it has no text layer: it may be a scan, which needs character recognition first");
        return (document.Information.Title, passages);
    }
}
