using System.Text;
using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Holdfast.Rag.Documents;

/// <summary>Markdown with tables and front matter: each leaf block is a passage under its headings, a list or a table is one.</summary>
internal sealed class MarkdownFormat : IDocumentFormat
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseYamlFrontMatter().Build();

    /// <inheritdoc/>
    public (string? Title, List<Passage> Passages) Read(ReadOnlyMemory<byte> content)
    {
        var passages = new List<Passage>();
        var headings = new HeadingPath();
        string? title = null;
        foreach (var block in Markdown.Parse(DecodedText.Of(content.Span), Pipeline))
        {
            if (block is Markdig.Extensions.Yaml.YamlFrontMatterBlock or LinkReferenceDefinitionGroup) continue;
            if (block is HeadingBlock heading)
            {
                var text = TextOf(heading);
                title ??= heading.Level == 1 ? text : null;
                headings.Enter(heading.Level, text);
                continue;
            }

            if (TextOf(block) is { Length: > 0 } passage) passages.Add(new Passage(headings.Now, passage));
        }

        return (title, passages);
    }

    private static string TextOf(Block block)
    {
        var text = new StringBuilder();
        Write(block, text, "");
        return text.ToString().Trim();
    }

    private static void Write(Block block, StringBuilder text, string indent)
    {
        switch (block)
        {
            case CodeBlock code: text.Append(code.Lines.ToString()).Append('\n'); break;
            case HtmlBlock html: text.Append(HtmlFormat.TextOf(html.Lines.ToString())).Append('\n'); break;
            case LeafBlock { Inline: { } inline }: Write(inline, text); text.Append('\n'); break;
            case TableRow row:
                for (var cell = 0; cell < row.Count; cell++)
                {
                    if (cell > 0) text.Append(" | ");
                    text.Append(TextOf(row[cell]).ReplaceLineEndings(" "));
                }

                text.Append('\n');
                break;
            case ListItemBlock item:
                text.Append(indent).Append("- ");
                foreach (var child in item) Write(child, text, indent + "  ");
                break;
            case ContainerBlock container:
                foreach (var child in container) Write(child, text, indent);
                break;
        }
    }

    private static void Write(ContainerInline inlines, StringBuilder text)
    {
        foreach (var inline in inlines)
        {
            switch (inline)
            {
                case LiteralInline literal: text.Append(literal.Content.AsSpan()); break;
                case CodeInline code: text.Append(code.Content); break;
                case LineBreakInline: text.Append(' '); break;
                case HtmlEntityInline entity: text.Append(entity.Transcoded.AsSpan()); break;
                case AutolinkInline link: text.Append(link.Url); break;
                case ContainerInline container: Write(container, text); break;
            }
        }
    }
}
