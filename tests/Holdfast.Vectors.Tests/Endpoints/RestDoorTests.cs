using System.Text.Json;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Qdrant's REST: shapes, status codes and texts that its clients look for.</summary>
public sealed class RestDoorTests
{
    private const string FourCosine = """{"vectors":{"size":4,"distance":"Cosine"}}""";

    private const string ThreePoints = """
        {"points":[
          {"id":1,"vector":[1,0,0,0],"payload":{"city":"Berlin","n":1,"when":"2024-05-01T12:00:00Z","at":{"lon":13.4,"lat":52.5}}},
          {"id":2,"vector":[0,2,0,0],"payload":{"city":"London","n":2,"tags":["a","b"]}},
          {"id":"5c56c793-69f3-4fbf-87e6-c4bf54c28c26","vector":[0.9,0.1,0,0],"payload":{"city":"Paris","nested":[{"x":1,"y":2},{"x":3,"y":4}]}}]}
        """;

    [Fact]
    public async Task A_collection_is_made_listed_shown_and_deleted()
    {
        await using var door = await OpenDoor.StartAsync();
        Assert.True((await door.AskAsync("PUT", "/collections/c", FourCosine)).GetBoolean());
        Assert.Equal("Wrong input: Collection `c` already exists!", await door.RefusedAsync(409, "PUT", "/collections/c", FourCosine));
        Assert.Equal("c", (await door.AskAsync("GET", "/collections")).GetProperty("collections")[0].GetProperty("name").GetString());
        var shown = await door.AskAsync("GET", "/collections/c");
        Assert.Equal("green", shown.GetProperty("status").GetString());
        Assert.Equal(4, shown.GetProperty("config").GetProperty("params").GetProperty("vectors").GetProperty("size").GetInt32());
        Assert.Equal(16, shown.GetProperty("config").GetProperty("hnsw_config").GetProperty("m").GetInt32());
        Assert.True((await door.AskAsync("GET", "/collections/c/exists")).GetProperty("exists").GetBoolean());
        Assert.True((await door.AskAsync("DELETE", "/collections/c")).GetBoolean());
        Assert.False((await door.AskAsync("DELETE", "/collections/c")).GetBoolean());
        Assert.Equal("Not found: Collection `c` doesn't exist!", await door.RefusedAsync(404, "GET", "/collections/c"));
        Assert.Equal(404, (await door.SendAsync("GET", "/nowhere", null)).Status);
        Assert.Equal(405, (await door.SendAsync("PATCH", "/collections/c/points", null)).Status);
    }

    [Fact]
    public async Task Points_are_written_found_read_scrolled_counted_and_deleted()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        Assert.Equal("acknowledged", (await door.AskAsync("PUT", "/collections/c/points?wait=false", ThreePoints)).GetProperty("status").GetString());

        var found = (await door.AskAsync("POST", "/collections/c/points/query", """{"query":[1,0.05,0,0],"limit":2,"with_payload":["city"],"with_vector":true}""")).GetProperty("points");
        Assert.Equal(["1", "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"], found.EnumerateArray().Select(point => point.GetProperty("id").ToString()));
        Assert.Equal("Berlin", found[0].GetProperty("payload").GetProperty("city").GetString());
        Assert.Equal(1.0, found[0].GetProperty("score").GetDouble(), 0.01);
        Assert.Equal(4, found[0].GetProperty("vector").GetArrayLength());

        var searched = await door.AskAsync("POST", "/collections/c/points/search", """{"vector":[0,1,0,0],"limit":1}""");
        Assert.Equal(1.0, searched[0].GetProperty("score").GetDouble(), 1e-5);
        Assert.False(searched[0].TryGetProperty("payload", out _));
        Assert.Equal("2", searched[0].GetProperty("id").ToString());

        var byPoint = (await door.AskAsync("POST", "/collections/c/points/query", """{"query":1,"limit":5}""")).GetProperty("points");
        Assert.DoesNotContain("1", byPoint.EnumerateArray().Select(point => point.GetProperty("id").ToString()));

        Assert.Equal(2, (await door.AskAsync("POST", "/collections/c/points", """{"ids":[2,77,1]}""")).GetArrayLength());
        var page = await door.AskAsync("POST", "/collections/c/points/scroll", """{"limit":2}""");
        Assert.Equal("5c56c793-69f3-4fbf-87e6-c4bf54c28c26", page.GetProperty("next_page_offset").GetString());
        page = await door.AskAsync("POST", "/collections/c/points/scroll", """{"limit":2,"offset":"5c56c793-69f3-4fbf-87e6-c4bf54c28c26"}""");
        Assert.Equal(JsonValueKind.Null, page.GetProperty("next_page_offset").ValueKind);
        Assert.Equal(1, page.GetProperty("points").GetArrayLength());

        await door.AskAsync("POST", "/collections/c/points/delete", """{"points":[1]}""");
        await door.AskAsync("POST", "/collections/c/points/delete", """{"filter":{"must":[{"key":"city","match":{"value":"London"}}]}}""");
        Assert.Equal(1, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Contains("does not exist", await door.RefusedAsync(404, "GET", "/collections/c/points/1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"must":[{"key":"n","range":{"gte":2}}]}""", "2")]
    [InlineData("""{"must_not":[{"key":"city","match":{"any":["Berlin","London"]}}]}""", "5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    [InlineData("""{"should":[{"key":"tags","match":{"value":"b"}},{"has_id":[1]}]}""", "1,2")]
    [InlineData("""{"must":[{"is_empty":{"key":"n"}}]}""", "5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    [InlineData("""{"must":[{"key":"tags","values_count":{"gt":1}}]}""", "2")]
    [InlineData("""{"must":[{"key":"when","range":{"gt":"2024-05-01T13:59:59+02:00","lt":"2024-05-02"}}]}""", "1")]
    [InlineData("""{"must":[{"key":"at","geo_radius":{"center":{"lon":13.0,"lat":52.5},"radius":40000}}]}""", "1")]
    [InlineData("""{"must":[{"nested":{"key":"nested","filter":{"must":[{"key":"x","match":{"value":1}},{"key":"y","match":{"value":2}}]}}}]}""", "5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    [InlineData("""{"must":[{"nested":{"key":"nested","filter":{"must":[{"key":"x","match":{"value":1}},{"key":"y","match":{"value":4}}]}}}]}""", "")]
    [InlineData("""{"min_should":{"conditions":[{"key":"n","match":{"value":1}},{"key":"city","match":{"text":"Berl"}},{"has_id":[2]}],"min_count":2}}""", "1")]
    [InlineData("""{"must":[{"key":"city","match":{"except":["Paris"]}}]}""", "1,2")]
    [InlineData("""{"must":[{"key":"nested[].x","match":{"value":3}}]}""", "5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    public async Task A_filter_lets_pass_what_it_names(string filter, string expected)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        await door.AskAsync("PUT", "/collections/c/points", ThreePoints);
        var scrolled = await door.AskAsync("POST", "/collections/c/points/scroll", $$"""{"filter":{{filter}}}""");
        Assert.Equal(expected, string.Join(',', scrolled.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("id").ToString())));
        var found = await door.AskAsync("POST", "/collections/c/points/query", $$"""{"query":[1,1,1,1],"filter":{{filter}}}""");
        Assert.Equal(expected.Split(',', StringSplitOptions.RemoveEmptyEntries).Length, found.GetProperty("points").GetArrayLength());
    }

    [Theory]
    [InlineData("PUT", "/points", """{"points":[{"id":1,"vector":[1,2,3]}]}""", 400, "Wrong input: Vector dimension error: expected dim: 4, got 3")]
    [InlineData("PUT", "/points", """{"points":[{"id":-1,"vector":[1,2,3,4]}]}""", 400, "is not a valid point ID")]
    [InlineData("PUT", "/points", """{"points":[{"id":1,"vector":[1,2,3,1e39]}]}""", 400, "finite")]
    [InlineData("PUT", "/points", """{"points":[{"id":1,"vector":{"other":[1,2,3,4]}}]}""", 400, "Not existing vector name error: other")]
    [InlineData("PUT", "/points", "{", 400, "Format error in JSON body")]
    [InlineData("PUT", "/points", "[]", 400, "Format error in JSON body")]
    [InlineData("POST", "/points/query", """{"query":[1,2],"limit":3}""", 400, "expected dim: 4, got 2")]
    [InlineData("POST", "/points/query", """{"query":[1,2,3,4],"filter":{"must":[{"key":"a"}]}}""", 400, "Format error in JSON body")]
    [InlineData("POST", "/points/query", """{"query":[1,2,3,4],"filter":{"musst":[]}}""", 400, "unknown field `musst`")]
    [InlineData("POST", "/points/query", """{"query":[1,2,3,4],"limit":0}""", 422, "Validation error in JSON body")]
    [InlineData("POST", "/points/query", """{"query":77}""", 404, "No point with id 77")]
    [InlineData("POST", "/points/delete", "{}", 400, "either `points` or `filter`")]
    public async Task What_is_wrong_is_refused_as_qdrant_refuses_it_and_nothing_is_half_done(string method, string path, string body, int status, string text)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        await door.AskAsync("PUT", "/collections/c/points", ThreePoints);
        Assert.Contains(text, await door.RefusedAsync(status, method, "/collections/c" + path, body), StringComparison.Ordinal);
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
    }

    /// <summary>As Qdrant has it: who waits is told of the first point that is not there, and those that are have been changed all the same.</summary>
    [Theory]
    [InlineData("POST", "/points/payload", """{"payload":{"k":1},"points":[1,77,78]}""")]
    [InlineData("PUT", "/points/payload", """{"payload":{"k":1},"points":[77,1]}""")]
    [InlineData("POST", "/points/payload/delete", """{"keys":["city"],"points":[1,77]}""")]
    [InlineData("POST", "/points/payload/clear", """{"points":[1,77]}""")]
    [InlineData("PUT", "/points/vectors", """{"points":[{"id":1,"vector":[9,9,9,9]},{"id":77,"vector":[1,2,3,4]}]}""")]
    [InlineData("POST", "/points/vectors/delete", """{"vectors":[""],"points":[1,77]}""")]
    [InlineData("POST", "/points/batch", """{"operations":[{"clear_payload":{"points":[1]}},{"clear_payload":{"points":[77]}}]}""")]
    public async Task A_change_of_a_point_that_is_not_there_is_not_found_by_who_waits(string method, string path, string body)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        await door.AskAsync("PUT", "/collections/c/points", ThreePoints);
        var before = (await door.AskAsync("GET", "/collections/c/points/1")).GetRawText();
        Assert.Equal("Not found: No point with id 77 found", await door.RefusedAsync(404, method, $"/collections/c{path}?wait=true", body));
        Assert.NotEqual(before, (await door.AskAsync("GET", "/collections/c/points/1")).GetRawText());
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        await door.AskAsync(method, "/collections/c" + path, body);
        await door.AskAsync(method, $"/collections/c{path}?wait=false", body);
    }

    [Fact]
    public async Task Who_deletes_what_is_not_there_or_changes_what_a_filter_does_not_find_has_what_he_wants()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        await door.AskAsync("PUT", "/collections/c/points", ThreePoints);
        await door.AskAsync("POST", "/collections/c/points/delete?wait=true", """{"points":[77,"00000000-0000-0000-0000-000000000077"]}""");
        await door.AskAsync("POST", "/collections/c/points/delete?wait=true", """{"filter":{"must":[{"key":"city","match":{"value":"Atlantis"}}]}}""");
        await door.AskAsync("POST", "/collections/c/points/payload?wait=true", """{"payload":{"k":1},"filter":{"must":[{"key":"city","match":{"value":"Atlantis"}}]}}""");
        await door.AskAsync("POST", "/collections/c/points/payload?wait=true", """{"payload":{"k":1},"filter":{"must":[{"has_id":[77]}]}}""");
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
    }

    /// <summary>Where clients name shards and one does not, all shards are told, and all but one miss the point.</summary>
    [Fact]
    public async Task A_point_behind_one_of_several_shard_keys_is_changed_without_its_key()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom"}""");
        foreach (var key in new[] { "a", "b" }) await door.AskAsync("PUT", "/collections/c/shards", $$"""{"shard_key":"{{key}}"}""");
        await door.AskAsync("PUT", "/collections/c/points?wait=true", """{"points":[{"id":1,"vector":[1,2,3,4]}],"shard_key":"b"}""");
        await door.AskAsync("POST", "/collections/c/points/payload?wait=true", """{"payload":{"k":1},"points":[1]}""");
        Assert.Equal("Not found: No point with id 1 found", await door.RefusedAsync(404, "POST", "/collections/c/points/payload?wait=true", """{"payload":{"k":1},"points":[1],"shard_key":"a"}"""));
    }

    [Theory]
    [InlineData("5C56C793-69F3-4FBF-87E6-C4BF54C28C26")]
    [InlineData("5c56c79369f34fbf87e6c4bf54c28c26")]
    [InlineData("{5C56C793-69f3-4fbf-87e6-c4bf54c28c26}")]
    [InlineData("urn:uuid:5C56C793-69F3-4FBF-87E6-C4BF54C28C26")]
    public async Task A_uuid_is_the_same_point_in_each_of_its_spellings(string spelling)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        await door.AskAsync("PUT", "/collections/c/points", ThreePoints);
        await door.AskAsync("PUT", "/collections/c/points", $$$"""{"points":[{"id":"{{{spelling}}}","vector":[1,1,1,1],"payload":{"again":true}}]}""");
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        var point = await door.AskAsync("GET", "/collections/c/points/" + Uri.EscapeDataString(spelling));
        Assert.Equal("5c56c793-69f3-4fbf-87e6-c4bf54c28c26", point.GetProperty("id").GetString());
        Assert.True(point.GetProperty("payload").GetProperty("again").GetBoolean());
        Assert.Equal(1, (await door.AskAsync("POST", "/collections/c/points/count", $$$"""{"filter":{"must":[{"has_id":["{{{spelling}}}"]}]}}""")).GetProperty("count").GetInt32());
        Assert.Equal(1, (await door.AskAsync("POST", "/collections/c/points/scroll", $$"""{"offset":"{{spelling}}"}""")).GetProperty("points").GetArrayLength());
        await door.AskAsync("POST", "/collections/c/points/delete", $$"""{"points":["{{spelling}}"]}""");
        Assert.Equal(2, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
    }

    [Theory]
    [InlineData("(5c56c793-69f3-4fbf-87e6-c4bf54c28c26)")]
    [InlineData(" 5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    [InlineData("{0x5c56c793,0x69f3,0x4fbf,{0x87,0xe6,0xc4,0xbf,0x54,0xc2,0x8c,0x26}}")]
    [InlineData("URN:UUID:5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    [InlineData("0x56c793-69f3-4fbf-87e6-c4bf54c28c26")]
    [InlineData("7")]
    public async Task What_qdrant_takes_for_no_uuid_is_none(string text)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        Assert.Contains("is not a valid point ID", await door.RefusedAsync(400, "PUT", "/collections/c/points", $$"""{"points":[{"id":"{{text}}","vector":[1,1,1,1]}]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_nobody_can_mean_is_answered_with_what_there_is()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", FourCosine);
        await door.AskAsync("PUT", "/collections/c/points", ThreePoints);
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/query", """{"query":[1,0,0,0],"limit":999999999,"offset":0}""")).GetProperty("points").GetArrayLength());
    }

    [Fact]
    public async Task Named_vectors_are_searched_by_their_name_and_spread_over_shards()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"shard_number":3,"vectors":{"image":{"size":2,"distance":"Euclid"},"text":{"size":3,"distance":"Dot"}}}""");
        var points = string.Join(',', Enumerable.Range(0, 60).Select(id => $$$"""{"id":{{{id}}},"vector":{"image":[{{{id}}},0],"text":[1,2,{{{id}}}]}}"""));
        await door.AskAsync("PUT", "/collections/c/points", $$"""{"points":[{{points}}]}""");
        var found = (await door.AskAsync("POST", "/collections/c/points/query", """{"query":[30.2,0],"using":"image","limit":3,"with_vector":["text"]}""")).GetProperty("points");
        Assert.Equal(["30", "31", "29"], found.EnumerateArray().Select(point => point.GetProperty("id").ToString()));
        Assert.Equal(0.2, found[0].GetProperty("score").GetDouble(), 1e-5);
        Assert.Equal(30, found[0].GetProperty("vector").GetProperty("text")[2].GetSingle());
        Assert.Equal("59", (await door.AskAsync("POST", "/collections/c/points/search", """{"vector":{"name":"text","vector":[0,0,1]},"limit":1}"""))[0].GetProperty("id").ToString());
        await door.AskAsync("POST", "/collections/c/points/vectors/delete", """{"points":[59],"vector":["text"]}""");
        Assert.Equal("58", (await door.AskAsync("POST", "/collections/c/points/search", """{"vector":{"name":"text","vector":[0,0,1]},"limit":1}"""))[0].GetProperty("id").ToString());
        Assert.Equal(60, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
    }
}
