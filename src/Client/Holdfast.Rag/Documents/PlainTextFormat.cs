using System.Text;

namespace Holdfast.Rag.Documents;

/// <summary>Text: blank lines part its paragraphs.</summary>
internal sealed class PlainTextFormat : IDocumentFormat
{
    /// <inheritdoc/>
    public (string? Title, List<Passage> Passages) Read(ReadOnlyMemory<byte> content) => (null, Paragraphs(DecodedText.Of(content.Span)));

    private static List<Passage> Paragraphs(string text)
    {
        var passages = new List<Passage>();
        var paragraph = new StringBuilder();
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.IsWhiteSpace()) End();
            else paragraph.Append(paragraph.Length > 0 ? "\n" : "").Append(line.TrimEnd());
        }

        End();
        return passages;

        void End()
        {
            if (paragraph.Length > 0) passages.Add(new Passage([], paragraph.ToString()));
            paragraph.Clear();
        }
    }
}
