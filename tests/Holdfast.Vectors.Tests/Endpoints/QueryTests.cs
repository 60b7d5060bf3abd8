using System.Text.Json;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Queries that rest on others: prefetch, fusion, recommendation.</summary>
public sealed class QueryTests
{
    [Fact]
    public async Task What_was_prefetched_is_measured_anew_by_another_vector_and_nothing_else_is()
    {
        await using var door = await LoadedAsync();
        var found = await AskAsync(door, """{"prefetch":{"query":[10,0],"using":"a","limit":3},"query":[0,100],"using":"b","limit":10}""");
        Assert.Equal(["11", "10", "9"], found.Select(Id));
        Assert.Equal("A query is needed to merge the prefetches. Can't have prefetches without defining a query.", (await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"prefetch":{"query":[1,1],"using":"a"}}""")).Split("request: ")[1]);
    }

    [Fact]
    public async Task Fusion_by_ranks_adds_one_over_rank_and_two()
    {
        await using var door = await LoadedAsync();
        const string Prefetch = """ "prefetch":[{"query":[10,0],"using":"a","limit":3},{"query":[11,0],"using":"a","limit":2}] """;
        var found = await AskAsync(door, "{" + Prefetch + """ ,"query":{"fusion":"rrf"}}""");
        // The lists are 10, 9, 11 and 11, 10: 10 has 1/2 + 1/3, 11 has 1/4 + 1/2, 9 has 1/3.
        Assert.Equal(["10", "11", "9"], found.Select(Id));
        Assert.Equal([0.8333, 0.75, 0.3333], found.Select(point => Math.Round(point.GetProperty("score").GetDouble(), 4)));
        found = await AskAsync(door, "{" + Prefetch + """ ,"query":{"rrf":{"k":1}},"limit":1}""");
        Assert.Equal(1.5, found.Single().GetProperty("score").GetDouble(), 1e-5);
        Assert.Equal(3, (await AskAsync(door, "{" + Prefetch + """ ,"query":{"fusion":"dbsf"}}""")).Length);
        Assert.Contains("at least one prefetch", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":{"fusion":"rrf"}}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_roots_filter_holds_for_what_is_prefetched()
    {
        await using var door = await LoadedAsync();
        var found = await AskAsync(door, """{"prefetch":[{"query":[10,0],"using":"a","limit":3}],"query":{"fusion":"rrf"},"filter":{"must":[{"key":"n","range":{"gte":15}}]}}""");
        Assert.Equal(["15", "16", "17"], found.Select(Id));
    }

    [Fact]
    public async Task A_recommendation_goes_towards_the_positive_and_away_from_the_negative_and_names_neither()
    {
        await using var door = await LoadedAsync();
        // Mean of 10 and 12 is 11; moved away from 8 by as much again: 14.
        var found = await AskAsync(door, """{"query":{"recommend":{"positive":[10,[12,0]],"negative":[8]}},"using":"a","limit":3}""");
        Assert.Equal(["14", "13", "15"], found.Select(Id));
        var older = await door.AskAsync("POST", "/collections/c/points/recommend", """{"positive":[14],"using":"a","limit":2}""");
        Assert.Equal(["13", "15"], older.EnumerateArray().Select(Id));
        Assert.Contains("At least one positive", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":{"recommend":{"negative":[1]}},"using":"a"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Feedback_moves_the_answer_towards_what_was_judged_better_by_as_much_as_it_was()
    {
        await using var door = await LoadedAsync();
        // By b the score is b·(1, id): 1·sim(target) + (0.9-0.1)^1·2·(sim(12) - sim(3)) = (1 + 5·id) + 1.6·(9·id).
        var found = await AskAsync(door, """{"query":{"relevance_feedback":{"target":[1,5],"feedback":[{"example":3,"score":0.1},{"example":12,"score":0.9},{"example":7,"score":0.5}],"strategy":{"naive":{"a":1,"b":1,"c":2}}}},"using":"b","limit":2}""");
        Assert.Equal(["19", "18"], found.Select(Id));
        Assert.Equal(96 + (1.6 * 9 * 19), found[0].GetProperty("score").GetDouble(), 1e-2);
        // Turned round it leads to the other end.
        found = await AskAsync(door, """{"query":{"relevance_feedback":{"target":[1,5],"feedback":[{"example":3,"score":0.9},{"example":12,"score":0.1}],"strategy":{"naive":{"a":1,"b":1,"c":2}}}},"using":"b","limit":1}""");
        Assert.Equal("0", Id(found[0]));
        Assert.Contains("missing field `c`", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":{"relevance_feedback":{"target":[1,5],"feedback":[],"strategy":{"naive":{"a":1,"b":1}}}},"using":"b"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Vectors_come_and_go_while_points_stay()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PUT", "/collections/c/vectors/late", """{"dense":{"size":2,"distance":"Euclid"}}""");
        await door.AskAsync("PUT", "/collections/c/vectors/words", """{"sparse":{}}""");
        await door.AskAsync("PUT", "/collections/c/points/vectors", """{"points":[{"id":4,"vector":{"late":[4,4],"words":{"indices":[7],"values":[1]}}}]}""");
        Assert.Equal(["4"], (await AskAsync(door, """{"query":[0,0],"using":"late"}""")).Select(Id));
        Assert.Equal(["4"], (await AskAsync(door, """{"query":{"indices":[7],"values":[1]},"using":"words"}""")).Select(Id));
        Assert.Equal(["4"], (await AskAsync(door, """{"filter":{"must":[{"has_vector":"late"}]}}""")).Select(Id));
        await door.AskAsync("DELETE", "/collections/c/vectors/a");
        Assert.Contains("Not existing vector name", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":[1,1],"using":"a"}"""), StringComparison.Ordinal);
        var point = await door.AskAsync("GET", "/collections/c/points/4");
        Assert.Equal(["b", "late", "words"], point.GetProperty("vector").EnumerateObject().Select(each => each.Name));
        var config = (await door.AskAsync("GET", "/collections/c")).GetProperty("config");
        Assert.Equal(["b", "late"], config.GetProperty("params").GetProperty("vectors").EnumerateObject().Select(each => each.Name));
        Assert.False(config.TryGetProperty("columns", out _));
        Assert.Equal(20, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
    }

    private static string Id(JsonElement point) => point.GetProperty("id").ToString();

    private static async Task<JsonElement[]> AskAsync(OpenDoor door, string body) => [.. (await door.AskAsync("POST", "/collections/c/points/query", body)).GetProperty("points").EnumerateArray()];

    private static async Task<OpenDoor> LoadedAsync()
    {
        var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"a":{"size":2,"distance":"Euclid"},"b":{"size":2,"distance":"Dot"}}}""");
        var points = string.Join(',', Enumerable.Range(0, 20).Select(id => $$$"""{"id":{{{id}}},"vector":{"a":[{{{id}}},0],"b":[1,{{{id}}}]},"payload":{"n":{{{id}}}}}"""));
        await door.AskAsync("PUT", "/collections/c/points", $$"""{"points":[{{points}}]}""");
        return door;
    }
}
