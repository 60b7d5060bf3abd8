using Holdfast.Rag.Embedding;
using Holdfast.Vectors.Tests.Endpoints;

namespace Holdfast.Rag.Tests.Caching;

/// <summary>Answers that are given again, over a real REST door: never after anything was written.</summary>
public sealed class EarlierAnswersTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-answers-").FullName;
    private readonly KeptCache cache = new();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task An_earlier_answer_is_given_again_until_anything_is_written()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = Knowledge(door);
        await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.");
        var first = await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel);
        Assert.Null(first.Earlier);
        Assert.Contains("fencing token", first.Text, StringComparison.Ordinal);
        var again = await knowledge.AskAsync("which token does the lock carry?", cancel: Cancel);
        Assert.Equal("which token does a lock carry?", again.Earlier?.Question);
        Assert.InRange(again.Earlier!.Similarity, 0.7, 0.9999);
        Assert.Equal((first.Text, first.IsExtract), (again.Text, again.IsExtract));
        Assert.Equal(first.Citations, again.Citations);
        Assert.Null((await knowledge.AskAsync("how long do bananas ripen?", cancel: Cancel)).Earlier);

        // Nothing has changed, so nothing is written.
        await knowledge.IngestAsync([folder], cancel: Cancel);
        Assert.NotNull((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);

        // Somebody else writes, and not through this room.
        await door.AskAsync("PUT", "/collections/documents/points?wait=true", """{"points":[{"id":7,"vector":{}}]}""");
        Assert.Null((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);
        Assert.NotNull((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);
        await IngestAsync(knowledge, "Every lock carries a rising number, which storage compares.");
        var changed = await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel);
        Assert.Null(changed.Earlier);
        Assert.Contains("rising number", changed.Text, StringComparison.Ordinal);
    }

    /// <summary>A collection that is made anew may come to the same place of its log; its edition is another.</summary>
    [Fact]
    public async Task A_collection_that_is_made_anew_has_no_earlier_answers()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = Knowledge(door);
        await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.");
        await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel);
        Assert.NotNull((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);
        await door.AskAsync("DELETE", "/collections/documents");
        await IngestAsync(knowledge, "Every lock carries a silver tokens, which storage compares.");
        var answer = await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel);
        Assert.Null(answer.Earlier);
        Assert.Contains("silver", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_built_in_embedder_takes_only_the_same_words_for_the_same()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = new KnowledgeBase(new KnowledgeOptions { Server = door.Client.BaseAddress!, Cache = cache, AnswerSimilarity = 0.5 });
        await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.");
        await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel);
        Assert.Null((await knowledge.AskAsync("which token does a lock not carry?", cancel: Cancel)).Earlier);
        Assert.NotNull((await knowledge.AskAsync("Which token does a lock carry", cancel: Cancel)).Earlier);
    }

    [Fact]
    public async Task Another_way_of_answering_has_answers_of_its_own()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = Knowledge(door);
        await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.");
        await knowledge.AskAsync("which token does a lock carry?", limit: 5, Cancel);
        Assert.Null((await knowledge.AskAsync("which token does a lock carry?", limit: 4, Cancel)).Earlier);
        Assert.NotNull((await knowledge.AskAsync("which token does a lock carry?", limit: 5, Cancel)).Earlier);
    }

    [Fact]
    public async Task A_cache_that_forgot_or_was_spoilt_costs_an_answer_and_no_more()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = Knowledge(door);
        await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.");
        await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel);
        foreach (var key in cache.Values.Keys.Where(static key => key.StartsWith("answers/", StringComparison.Ordinal))) cache.Values[key] = "{}"u8.ToArray();
        Assert.Null((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);
        Assert.NotNull((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);
        cache.Values.Clear();
        Assert.Null((await knowledge.AskAsync("which token does a lock carry?", cancel: Cancel)).Earlier);
    }

    /// <summary>Points with numbers come first, and a page of them ends with a number.</summary>
    [Fact]
    public async Task Documents_are_found_behind_what_others_keep_in_the_collection()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = Knowledge(door);
        await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.");
        var others = string.Join(',', Enumerable.Range(0, 1200).Select(static id => $$$"""{"id":{{{id}}},"vector":{}}"""));
        await door.AskAsync("PUT", "/collections/documents/points?wait=true", $$"""{"points":[{{others}}]}""");
        Assert.Equal(1, (await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.")).Unchanged);
        var changed = await IngestAsync(knowledge, "Every lock carries a rising number, which storage compares.");
        Assert.Equal((1, 1), (changed.ChunksAdded, changed.ChunksRemoved));
    }

    [Fact]
    public async Task Embeddings_come_from_the_cache_when_documents_are_brought_in_again()
    {
        await using var door = await OpenDoor.StartAsync();
        using var knowledge = Knowledge(door);
        Assert.Equal(0, (await IngestAsync(knowledge, "Every lock carries a fencing token, which storage compares.")).FromCache);
        await door.AskAsync("DELETE", "/collections/documents");
        var report = await knowledge.IngestAsync([folder], cancel: Cancel);
        Assert.Equal((1, 1), (report.ChunksAdded, report.FromCache));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A model of the caller's, which here is the hashing one without the built-in one's caution.</summary>
    private KnowledgeBase Knowledge(OpenDoor door) => new(new KnowledgeOptions { Server = door.Client.BaseAddress!, Embedder = new HashedEmbedder(), Cache = cache, AnswerSimilarity = 0.7 });

    private async Task<IngestReport> IngestAsync(KnowledgeBase knowledge, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "locks.md"), text, Cancel);
        return await knowledge.IngestAsync([folder], cancel: Cancel);
    }
}
