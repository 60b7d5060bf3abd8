using System.Text;
using Holdfast.Rag.Documents;

namespace Holdfast.Rag.Tests;

public sealed class DocumentReaderTests
{
    [Fact]
    public void Markdown_gives_its_blocks_under_their_headings()
    {
        var document = Read("guide.md", """
            ---
            draft: true
            ---
            # Guide
            First *paragraph*,
            of two lines.

            ## Install
            1. Get `it`
            2. Run it

            | name | value |
            |---|---|
            | a | 1 |

            ```sh
            ./it --now
            ```
            # Other
            [a link](http://example.org) &amp; more
            """);
        Assert.Equal("Guide", document.Title);
        Assert.Equal(
            [("Guide", "First paragraph, of two lines."), ("Guide/Install", "- Get it\n- Run it"), ("Guide/Install", "name | value\na | 1"), ("Guide/Install", "./it --now"), ("Other", "a link & more")],
            document.Passages.Select(passage => (string.Join('/', passage.Headings), passage.Text)));
    }

    [Fact]
    public void Html_gives_what_a_reader_sees()
    {
        var document = Read("page.html", """
            <html><head><title> The page </title><style>p { color: red }</style></head><body>
            <nav>Home</nav><h1>One</h1><p>Some <b>bold</b>
            text</p><script>alert(1)</script><h2>Two</h2><ul><li>first</li><li>second</li></ul>
            <table><tr><td>a</td><td>b</td></tr></table><pre>  keep
              this</pre></body></html>
            """);
        Assert.Equal("The page", document.Title);
        Assert.Equal(
            [("One", "Some bold text"), ("One/Two", "first\nsecond"), ("One/Two", "a | b |"), ("One/Two", "keep\n  this")],
            document.Passages.Select(passage => (string.Join('/', passage.Headings), passage.Text)));
    }

    [Fact]
    public void Text_is_parted_by_blank_lines_and_read_in_three_encodings()
    {
        Assert.Equal(["one\ntwo", "three"], Read("a.txt", "one\ntwo  \n\n \nthree\n").Passages.Select(passage => passage.Text));
        Assert.Equal("é", DocumentReader.Read(new byte[] { 0xE9 }, "latin.txt").Passages[0].Text);
        Assert.Equal("é", DocumentReader.Read(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("é")).ToArray(), "wide.txt").Passages[0].Text);
    }

    [Fact]
    public void A_pdf_without_text_and_a_damaged_one_are_refused_by_name()
    {
        Assert.Contains("a.pdf", Assert.Throws<DocumentException>(() => Read("a.pdf", "%PDF-1.4 nonsense")).Message, StringComparison.Ordinal);
        Assert.Contains("zero bytes", Assert.Throws<DocumentException>(() => Read("a.txt", "a\0b")).Message, StringComparison.Ordinal);
        Assert.Contains("no reader", Assert.Throws<DocumentException>(() => Read("a.exe", "MZ")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pdf_gives_its_text_page_by_page()
    {
        var builder = new UglyToad.PdfPig.Writer.PdfDocumentBuilder();
        var font = builder.AddStandard14Font(UglyToad.PdfPig.Fonts.Standard14Fonts.Standard14Font.Helvetica);
        foreach (var text in (string[])["Locks carry a fence.", "Leases survive a restart."])
            builder.AddPage(UglyToad.PdfPig.Content.PageSize.A4).AddText(text, 12, new UglyToad.PdfPig.Core.PdfPoint(50, 700), font);
        var document = DocumentReader.Read(builder.Build(), "a.pdf");
        Assert.Equal([("page 1", "Locks carry a fence."), ("page 2", "Leases survive a restart.")], document.Passages.Select(passage => (passage.Headings[0], passage.Text)));
    }

    private static SourceDocument Read(string source, string text) => DocumentReader.Read(Encoding.UTF8.GetBytes(text), source);
}
