using System.Text.Json;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>What the suites of Qdrant and of its clients look for in replies, beside what is right: words, statuses, shapes.</summary>
public sealed class SuiteTests : IDisposable
{
    private const string TwoKinds = """{"vectors":{"size":2,"distance":"Dot"},"sparse_vectors":{"words":{}}}""";

    private readonly string directory = Directory.CreateTempSubdirectory("holdfast-suite-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task The_only_dense_vector_is_shown_without_a_name_unless_the_point_has_another()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":[1,2]},{"id":2,"vector":{"words":{"indices":[7],"values":[1]}}},{"id":3,"vector":{"":[3,4],"words":{"indices":[8],"values":[1]}}},{"id":4,"vector":{}}]}""");
        Assert.Equal("[1,2]", await VectorOfAsync(1));
        Assert.Equal("""{"words":{"indices":[7],"values":[1]}}""", await VectorOfAsync(2));
        Assert.Equal("""{"":[3,4],"words":{"indices":[8],"values":[1]}}""", await VectorOfAsync(3));
        Assert.Equal("{}", await VectorOfAsync(4));

        async Task<string> VectorOfAsync(int id) => (await door.AskAsync("GET", $"/collections/c/points/{id}")).GetProperty("vector").GetRawText();
    }

    [Theory]
    [InlineData("""{"prefetch":[{"query":[1,2]}]}""", "Bad request: A query is needed to merge the prefetches. Can't have prefetches without defining a query.")]
    [InlineData("""{"score_threshold":1}""", "Bad request: A query is needed to use the score_threshold. Can't have score_threshold without defining a query.")]
    [InlineData("""{"score_threshold":1,"query":{"order_by":"n"}}""", "Bad request: Can't use score_threshold with an order_by query.")]
    [InlineData("""{"prefetch":[{"query":[1,2]}],"query":{"fusion":"rrf"},"using":"words"}""", "Bad request: Fusion queries cannot be combined with the 'using' field.")]
    [InlineData("""{"query":[1,2],"limit":0}""", "Validation error in JSON body: [internal.limit: value 0 invalid, must be 1 or larger]")]
    [InlineData("""{"query":{"recommend":{"positive":[1]}},"lookup_from":{"collection":"nowhere"}}""", "Not found: Collection nowhere not found")]
    public async Task A_query_that_makes_no_sense_is_refused_in_the_words_that_clients_know(string body, string words)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        var (status, answer) = await door.SendAsync("POST", "/collections/c/points/query", body);
        Assert.True(status is 400 or 404 or 422);
        Assert.Equal(words, answer.GetProperty("status").GetProperty("error").GetString());
    }

    [Fact]
    public async Task What_a_query_rests_on_finds_as_many_more_as_its_offset_leaves_out()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":[1,0]},{"id":2,"vector":[2,0]},{"id":3,"vector":[3,0]}]}""");
        var found = (await door.AskAsync("POST", "/collections/c/points/query", """{"prefetch":{"query":[1,0],"limit":1},"query":[1,0],"offset":1}""")).GetProperty("points");
        Assert.Equal(2, found.EnumerateArray().Single().GetProperty("id").GetInt32());
    }

    [Theory]
    [InlineData("""{"words":{"indices":[1,5],"values":[1,2,3]}}""", "points[1].vector.?.values: Validation error: must be the same length as indices [{}]")]
    [InlineData("""{"words":{"indices":[1,5,5],"values":[1,2,3]}}""", "points[1].vector.?.indices: Validation error: must be unique [{}]")]
    [InlineData("""{"many":[[1,2],[]]}""", "points[1].vector.?.data: all vectors must be non-empty")]
    [InlineData("""{"many":[[1,2],[1]]}""", "points[1].vector.?.data: all vectors must have the same dimension, found vector with dimension 1")]
    public async Task A_vector_that_cannot_be_is_named_by_its_place(string vector, string words)
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"many":{"size":2,"distance":"Dot","multivector_config":{"comparator":"max_sim"}}},"sparse_vectors":{"words":{}}}""");
        Assert.Contains(words, await door.RefusedAsync(422, "PUT", "/collections/c/points", $$$"""{"points":[{"id":1,"vector":{}},{"id":2,"vector":{{{vector}}}}]}"""), StringComparison.Ordinal);
        Assert.Equal(0, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
    }

    [Theory]
    [InlineData("""{"vectors":{"size":2,"distance":"Dot"},"hnsw_config":{"ef_construct":0}}""", "hnsw_config.ef_construct")]
    [InlineData("""{"vectors":{"size":2,"distance":"Dot"},"optimizers_config":{"max_segment_size":0}}""", "optimizers_config.max_segment_size: value 0 invalid, must be 1 or larger")]
    [InlineData("""{"vectors":{"size":2,"distance":"Dot"},"wal_config":{"wal_capacity_mb":0}}""", "wal_config.wal_capacity_mb: value 0 invalid, must be 1 or larger")]
    public async Task A_setting_that_cannot_be_is_named_by_its_path(string body, string words)
    {
        await using var door = await OpenDoor.StartAsync();
        Assert.Contains(words, await door.RefusedAsync(422, "PUT", "/collections/c", body), StringComparison.Ordinal);
        Assert.Contains("Validation error in path", await door.RefusedAsync(422, "GET", $"/collections/{new string('n', 256)}", null), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_null_in_a_new_collection_was_not_asked_for()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":2,"distance":"Dot","hnsw_config":null,"on_disk":null},"wal_config":{"wal_capacity_mb":null},"hnsw_config":{"m":null},"metadata":{"a":null}}""");
        var config = (await door.AskAsync("GET", "/collections/c")).GetProperty("config");
        Assert.Equal("""{"size":2,"distance":"Dot"}""", config.GetProperty("params").GetProperty("vectors").GetRawText());
        Assert.Equal((32, 16), (config.GetProperty("wal_config").GetProperty("wal_capacity_mb").GetInt32(), config.GetProperty("hnsw_config").GetProperty("m").GetInt32()));
        Assert.Equal("""{"a":null}""", config.GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task An_index_says_how_many_points_have_something_at_its_key()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":{},"payload":{"b":true}},{"id":2,"vector":{},"payload":{"b":[]}},{"id":3,"vector":{},"payload":{"b":[false,true]}}]}""");
        await door.AskAsync("PUT", "/collections/c/index", """{"field_name":"b","field_schema":"bool"}""");
        Assert.Equal("""{"data_type":"bool","points":2}""", (await door.AskAsync("GET", "/collections/c")).GetProperty("payload_schema").GetProperty("b").GetRawText());
        Assert.Contains("can't be both disabled", await door.RefusedAsync(422, "PUT", "/collections/c/index", """{"field_name":"n","field_schema":{"type":"integer","lookup":false,"range":false}}"""), StringComparison.Ordinal);
        await door.RefusedAsync(400, "PUT", "/collections/c/index", """{"field_name":"n","field_schema":{"type":"keyword","is_tenant":3}}""");
    }

    [Fact]
    public async Task Vectors_change_only_where_the_filter_passes()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":[1,1],"payload":{"v":1}},{"id":2,"vector":[1,1],"payload":{"v":5}}]}""");
        await door.AskAsync("PUT", "/collections/c/points/vectors?wait=true", """{"points":[{"id":1,"vector":[2,2]},{"id":2,"vector":[2,2]},{"id":3,"vector":[2,2]}],"update_filter":{"must":[{"key":"v","range":{"lt":4}}]}}""");
        var points = (await door.AskAsync("POST", "/collections/c/points/scroll", """{"with_vector":true}""")).GetProperty("points").EnumerateArray().ToArray();
        Assert.Equal(["[2,2]", "[1,1]"], points.Select(point => point.GetProperty("vector").GetRawText()));
        Assert.Equal("""{"v":1}""", points[0].GetProperty("payload").GetRawText());
        Assert.Contains("must specify points to update", await door.RefusedAsync(422, "PUT", "/collections/c/points/vectors", """{"points":[]}"""), StringComparison.Ordinal);
        Assert.Contains("must specify vector names to delete", await door.RefusedAsync(422, "POST", "/collections/c/points/vectors/delete", """{"points":[1],"vector":[]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_counts_as_its_points_and_is_told_when_to_come_again()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":{}},{"id":2,"vector":{}},{"id":3,"vector":{}},{"id":4,"vector":{}}]}""");
        await door.AskAsync("PATCH", "/collections/c", """{"strict_mode_config":{"enabled":true,"write_rate_limit":3}}""");
        Assert.Contains("Write rate limit exceeded, request larger than rate limiter capacity", await door.RefusedAsync(429, "PUT", "/collections/c/points", """{"batch":{"ids":[1,2,3,4],"vectors":{}}}"""), StringComparison.Ordinal);
        await door.AskAsync("POST", "/collections/c/points/payload", """{"payload":{"a":1},"filter":{"must":[{"key":"b","match":{"value":1}}]}}""");
        Assert.Contains("Write rate limit exceeded: Operation requires 2 tokens but only 1 were available", await door.RefusedAsync(429, "POST", "/collections/c/points/payload", """{"payload":{"a":1},"points":[1,2]}"""), StringComparison.Ordinal);
        using var content = new StringContent("""{"points":[{"id":1,"vector":{}},{"id":2,"vector":{}}]}""");
        using var refused = await door.Client.PutAsync(new Uri("/collections/c/points", UriKind.Relative), content, TestContext.Current.CancellationToken);
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    [Fact]
    public async Task The_room_for_vectors_is_counted_without_padding()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":4,"distance":"Dot"},"strict_mode_config":{"enabled":true,"max_collection_vector_size_bytes":32}}""");
        foreach (var id in new[] { 1, 2 }) await door.AskAsync("PUT", "/collections/c/points", $$"""{"points":[{"id":{{id}},"vector":[1,2,3,4]}]}""");
        Assert.Contains("Max vector storage size", await door.RefusedAsync(400, "PUT", "/collections/c/points", """{"points":[{"id":3,"vector":[1,2,3,4]}]}"""), StringComparison.Ordinal);
        await door.AskAsync("PATCH", "/collections/c", """{"strict_mode_config":{"upsert_max_batchsize":1}}""");
        Assert.Contains("\"update limit\"", await door.RefusedAsync(400, "PUT", "/collections/c/points/vectors", """{"points":[{"id":1,"vector":[1,2,3,4]},{"id":2,"vector":[1,2,3,4]}]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Multi_vectors_are_recommended_by_all_of_them_at_once()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":2,"distance":"Dot","multivector_config":{"comparator":"max_sim"}}}""");
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":[[1,0],[0,1]]},{"id":2,"vector":[[2,0]]},{"id":3,"vector":[[0,3]]}]}""");
        var found = await door.AskAsync("POST", "/collections/c/points/recommend", """{"positive":[1],"negative":[[0,1]],"limit":3}""");
        // Of 2: 2·1 + 0 - 0; of 3: 0 + 3·1 - 3·1.
        Assert.Equal([(2, 2.0), (3, 0.0)], found.EnumerateArray().Select(point => (point.GetProperty("id").GetInt32(), point.GetProperty("score").GetDouble())));
    }

    [Fact]
    public async Task The_service_tells_as_much_as_is_asked_for()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":1,"vector":[1,2]}]}""");
        var told = await door.AskAsync("GET", "/telemetry");
        Assert.Equal(["app", "cluster", "collections", "id", "requests"], Names(told));
        Assert.Equal(["number_of_collections"], Names(told.GetProperty("collections")));
        Assert.Equal("qdrant", told.GetProperty("app").GetProperty("name").GetString());
        var upserts = told.GetProperty("requests").GetProperty("rest").GetProperty("responses").GetProperty("PUT /collections/{name}/points").GetProperty("200");
        Assert.Equal(1, upserts.GetProperty("count").GetInt32());
        Assert.True(upserts.GetProperty("avg_duration_micros").GetDouble() > 0);
        told = await door.AskAsync("GET", "/telemetry?details_level=1");
        Assert.Equal(["app", "cluster", "collections", "hardware", "id", "memory", "requests"], Names(told));
        Assert.Equal(["optimizers_status", "params", "vectors"], Names(told.GetProperty("collections").GetProperty("collections")[0]));
        Assert.Equal(["config", "id", "init_time_ms"], Names((await door.AskAsync("GET", "/telemetry?details_level=2")).GetProperty("collections").GetProperty("collections")[0]));
        Assert.Equal(["config", "id", "init_time_ms", "resharding", "shards", "transfers"], Names((await door.AskAsync("GET", "/telemetry?details_level=3")).GetProperty("collections").GetProperty("collections")[0]));
        var page = await door.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains("# HELP app_info information about qdrant server\n# TYPE app_info gauge\napp_info{name=\"qdrant\",version=\"", page, StringComparison.Ordinal);
        Assert.Contains("\ncollections_total 1\n", page, StringComparison.Ordinal);

        static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(each => each.Name).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Who_does_not_wait_for_a_snapshot_is_told_that_it_was_accepted()
    {
        await using var door = await OpenDoor.StartAsync(snapshots: directory);
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        foreach (var path in new[] { "/collections/c/snapshots", "/snapshots", "/collections/c/shards/0/snapshots" })
        {
            Assert.Equal(202, (await door.SendAsync("POST", $"{path}?wait=false", null)).Status);
            var name = (await door.AskAsync("GET", path)).EnumerateArray().Single().GetProperty("name").GetString();
            Assert.Equal(202, (await door.SendAsync("DELETE", $"{path}/{name}?wait=false", null)).Status);
            Assert.Equal(0, (await door.AskAsync("GET", path)).GetArrayLength());
        }
    }

    [Theory]
    [InlineData("file://whatever.snapshot", "Bad request: Invalid snapshot URI, file path must be absolute or on localhost")]
    [InlineData("file://./etc/passwd", "Bad request: Invalid snapshot URI, file path must be absolute or on localhost")]
    [InlineData("file:///whatever.snapshot", "Bad request: Snapshot file \"/whatever.snapshot\" does not exist")]
    [InlineData("file://localhost/whatever.snapshot", "Bad request: Snapshot file \"/whatever.snapshot\" does not exist")]
    [InlineData("file:///etc/passwd", "Bad request: Snapshot file path must be inside the snapshots directory")]
    public async Task A_snapshot_is_taken_in_from_where_snapshots_lie_and_from_nowhere_else(string location, string words)
    {
        await using var door = await OpenDoor.StartAsync(snapshots: directory);
        Assert.Equal(words, await door.RefusedAsync(400, "PUT", "/collections/c/snapshots/recover", $$"""{"location":"{{location}}"}"""));
        Assert.Equal(404, (await door.SendAsync("GET", "/snapshots/..%2F..%2Fetc%2Fpasswd", null)).Status);
        await door.AskAsync("PUT", "/collections/c", TwoKinds);
        var name = (await door.AskAsync("POST", "/collections/c/snapshots")).GetProperty("name").GetString();
        await door.AskAsync("PUT", "/collections/d/snapshots/recover", $$"""{"location":"file://{{Path.Combine(directory, "collections", "c", name!)}}"}""");
        Assert.True((await door.AskAsync("GET", "/collections/d/exists")).GetProperty("exists").GetBoolean());
    }
}
