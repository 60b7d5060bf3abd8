using System.Net;
using System.Net.Sockets;
using System.Text.Json;
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

    [Fact]
    public async Task A_reranker_by_url_orders_passages_and_what_it_makes_up_is_left_out()
    {
        using var door = new HttpListener();
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/v1/";
        probe.Stop();
        door.Prefixes.Add(address);
        door.Start();
        var asked = AnswerAsync();
        using var ranking = new ModelRanking(new Uri(address), "m", "key");
        var ranked = await ranking.OfAsync("which?", [Chunk("a", "one"), Chunk("b", "two"), Chunk("c", "three")], 2, TestContext.Current.CancellationToken);
        Assert.Equal(["c", "a"], ranked.Select(chunk => chunk.Source));
        var body = await asked;
        Assert.Equal(("m", "which?", 3, 2), (body.GetProperty("model").GetString(), body.GetProperty("query").GetString(), body.GetProperty("documents").GetArrayLength(), body.GetProperty("top_n").GetInt32()));

        async Task<JsonElement> AnswerAsync()
        {
            var context = await door.GetContextAsync();
            Assert.Equal(("/v1/rerank", "Bearer key"), (context.Request.Url!.AbsolutePath, context.Request.Headers["Authorization"]));
            var sent = (await JsonDocument.ParseAsync(context.Request.InputStream)).RootElement;
            await context.Response.OutputStream.WriteAsync("""{"results":[{"index":0,"relevance_score":0.2},{"index":2,"relevance_score":0.9},{"index":7,"relevance_score":1.0}]}"""u8.ToArray());
            context.Response.Close();
            return sent;
        }
    }

    private static FoundChunk Chunk(string source, string text) => new(source, source, "", text, 0);
}
