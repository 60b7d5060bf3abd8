using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace Holdfast.Rag.Documents;

/// <summary>HTML: the text of each block under its headings; what no reader sees (scripts, styles, navigation) is left out.</summary>
internal sealed class HtmlFormat : IDocumentFormat
{
    private static readonly HashSet<string> Unseen = new(StringComparer.OrdinalIgnoreCase) { "script", "style", "template", "noscript", "nav", "svg", "head", "iframe", "button", "form" };

    private static readonly HashSet<string> Blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "p", "li", "pre", "blockquote", "td", "th", "tr", "table", "ul", "ol", "dl", "dt", "dd", "div", "section", "article", "main", "aside", "header", "footer", "figure", "figcaption", "body", "details",
        "summary", "address", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br",
    };

    /// <inheritdoc/>
    public (string? Title, List<Passage> Passages) Read(ReadOnlyMemory<byte> content)
    {
        using var document = new HtmlParser().ParseDocument(new MemoryStream(content.ToArray(), writable: false));
        var walk = new Walk();
        if (document.Body is { } body) walk.Enter(body);
        walk.End();
        return (document.Title, walk.Passages);
    }

    /// <summary>The text of a fragment.</summary>
    public static string TextOf(string html)
    {
        using var document = new HtmlParser().ParseDocument(html);
        return document.Body?.TextContent.Trim() ?? "";
    }

    private sealed class Walk
    {
        private readonly HeadingPath headings = new();
        private readonly StringBuilder text = new();

        public List<Passage> Passages { get; } = [];

        public void Enter(INode node)
        {
            foreach (var child in node.ChildNodes)
            {
                switch (child)
                {
                    case IText run when node is IElement { LocalName: "pre" }: text.Append(run.Data); break;
                    case IText run: Append(run.Data); break;
                    case IElement element when Unseen.Contains(element.LocalName) || element.HasAttribute("hidden"): break;
                    case IElement { LocalName: ['h', >= '1' and <= '6'] } heading:
                        End();
                        headings.Enter(heading.LocalName[1] - '0', Joined(heading.TextContent));
                        break;
                    case IHtmlImageElement { AlternativeText: { Length: > 0 } words }: Append(words); break;
                    case IElement element when Blocks.Contains(element.LocalName):
                        var isPart = element.LocalName is "tr" or "td" or "th" or "li" or "br" or "dt" or "dd";
                        if (!isPart) End();
                        Enter(element);
                        if (isPart) text.Append(element.LocalName is "td" or "th" ? " | " : "\n");
                        else End();
                        break;
                    case IElement element: Enter(element); break;
                }
            }
        }

        public void End()
        {
            var passage = text.ToString().Trim();
            text.Clear();
            if (passage.Length > 0) Passages.Add(new Passage(headings.Now, passage));
        }

        private void Append(string run)
        {
            foreach (var letter in run)
            {
                if (!char.IsWhiteSpace(letter)) text.Append(letter);
                else if (text.Length > 0 && !char.IsWhiteSpace(text[^1])) text.Append(' ');
            }
        }

        private static string Joined(string words) => string.Join(' ', words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
