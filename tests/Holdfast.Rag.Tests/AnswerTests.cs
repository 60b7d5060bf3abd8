using Holdfast.Rag.Answers;
using Holdfast.Rag.Embedding;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Tests;

public sealed class AnswerTests
{
    [Fact]
    public void An_extract_holds_the_sentences_that_were_asked_for_and_says_where_they_are()
    {
        var answer = ExtractedAnswer.Of("what fences a lock", [Chunk("a.md", "Bananas are yellow and sweet. They ripen quickly."), Chunk("b.md", "Every lock carries a fence token. The token only grows.")], new WordStatistics());
        Assert.Contains("Every lock carries a fence token. [2]", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Bananas", answer.Text, StringComparison.Ordinal);
        Assert.True(answer.IsExtract);
    }

    [Fact]
    public void Coverage_puts_the_passage_with_all_words_first_and_leaves_doubles_out()
    {
        var ranked = CoverageRanking.Of("lease restart", [Chunk("a", "A lease is a promise of time."), Chunk("b", "A lease survives a restart of its leader."), Chunk("c", "A lease survives a restart of its leader.")], new WordStatistics(), 3);
        Assert.Equal(["b", "a"], ranked.Select(chunk => chunk.Source));
    }

    [Fact]
    public void Citations_that_a_model_made_up_are_taken_out() => Assert.Equal("True [1]. Made up. Both [2][1]", ChatModel.WithoutInvented("True [1]. Made up [7]. Both [2][1] [0]", 2));

    private static FoundChunk Chunk(string source, string text) => new(source, source, "", text, 0);
}
