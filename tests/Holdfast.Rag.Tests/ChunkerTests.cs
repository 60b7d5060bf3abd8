using Holdfast.Rag.Chunks;
using Holdfast.Rag.Documents;

namespace Holdfast.Rag.Tests;

public sealed class ChunkerTests
{
    [Fact]
    public void Passages_of_a_section_are_joined_and_sections_are_not()
    {
        var chunks = Cut(300, (["A"], new string('a', 100)), (["A"], new string('b', 100)), (["B"], new string('c', 100)));
        Assert.Equal([("A", 201), ("B", 100)], chunks.Select(chunk => (chunk.Heading, chunk.Text.Length)));
    }

    [Fact]
    public void A_short_rest_joins_the_next_part_of_its_section_and_names_it()
    {
        var chunk = Assert.Single(Cut(600, (["A", "x"], "short"), (["A", "y"], new string('b', 100))));
        Assert.Equal("A", chunk.Heading);
        Assert.Equal($"x: short\ny: {new string('b', 100)}", chunk.Text);
    }

    [Fact]
    public void A_long_passage_is_cut_between_sentences_and_nothing_is_lost()
    {
        var sentences = Enumerable.Range(0, 60).Select(number => $"This is sentence number {number}.").ToArray();
        var chunks = Cut(200, ([], string.Join(' ', sentences)));
        Assert.All(chunks, chunk => Assert.InRange(chunk.Text.Length, 100, 200));
        Assert.All(chunks, chunk => Assert.EndsWith(".", chunk.Text, StringComparison.Ordinal));
        Assert.Equal(string.Join(' ', sentences), string.Join(' ', chunks.Select(chunk => chunk.Text)));
    }

    [Fact]
    public void A_word_without_an_end_is_cut_hard_and_no_character_in_two()
    {
        var text = string.Concat(Enumerable.Repeat("😀", 500));
        var chunks = Cut(201, ([], text));
        Assert.Equal(text, string.Concat(chunks.Select(chunk => chunk.Text)));
        Assert.All(chunks, chunk => Assert.False(char.IsHighSurrogate(chunk.Text[^1])));
    }

    private static IReadOnlyList<Chunk> Cut(int max, params (string[] Headings, string Text)[] passages) =>
        new Chunker(max).Cut(new SourceDocument("a.md", "", "a", [.. passages.Select(each => new Passage(each.Headings, each.Text))]));
}
