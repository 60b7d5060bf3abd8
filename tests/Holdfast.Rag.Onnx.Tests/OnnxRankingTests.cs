using Holdfast.Rag.Store;

namespace Holdfast.Rag.Onnx.Tests;

/// <summary>A cross-encoder that is made here: it adds up weights of the passage's pieces, and nothing of the question.</summary>
public sealed class OnnxRankingTests
{
    private static readonly float[] Weights = [100, -2, 50, 0.25f, 1, -1, 0.5f, 2, 0];

    [Fact]
    public async Task Passages_are_scored_as_the_second_text_and_ordered()
    {
        using var folder = new ModelFolder(OnnxBytes.SumOfSecond(Weights));
        using var ranking = new OnnxRanking(folder.Path);
        var scores = await ranking.ScoresAsync("cat cat cat", ["dog", "cats runs", ""], TestContext.Current.CancellationToken);
        Assert.Equal([Logistic(-1 + 0.25), Logistic(1 + 0.5 + 2 + 0.25), Logistic(0.25)], scores.Select(static score => Math.Round(score, 5)));
        var found = await ranking.OfAsync("runs", [.. Enumerable.Range(0, 40).Select(number => new FoundChunk($"{number}", "", "", number == 31 ? "runs runs" : "dog", 0))], 2, TestContext.Current.CancellationToken);
        Assert.Equal(["31", "0"], found.Select(chunk => chunk.Source));
    }

    [Fact]
    public async Task A_question_that_is_too_long_leaves_room_for_the_passage()
    {
        using var folder = new ModelFolder(OnnxBytes.SumOfSecond(Weights)).Write("config.json", """{"max_position_embeddings":9}""");
        using var ranking = new OnnxRanking(folder.Path);
        // Nine pieces: three of the question, three special ones, three of the passage.
        var scores = await ranking.ScoresAsync(string.Join(' ', Enumerable.Repeat("cat", 50)), ["dog dog dog runs runs"], TestContext.Current.CancellationToken);
        Assert.Equal(Logistic(-3 + 0.25), Math.Round(scores[0], 5));
    }

    [Fact]
    public void An_embedder_is_no_cross_encoder()
    {
        using var folder = new ModelFolder(OnnxBytes.Table(new float[18], 2));
        Assert.Contains("cross-encoder", Assert.Throws<ArgumentException>(() => new OnnxRanking(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static double Logistic(double logit) => Math.Round(1 / (1 + Math.Exp(-logit)), 5);
}
