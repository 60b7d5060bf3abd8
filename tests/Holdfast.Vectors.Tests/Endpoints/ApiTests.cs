using System.Text.Json;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>What Qdrant's REST has besides points and simple searches.</summary>
public sealed class ApiTests
{
    [Fact]
    public async Task Aliases_are_made_switched_renamed_and_go_with_their_collection()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PUT", "/collections/other", """{"vectors":{"size":2,"distance":"Dot"}}""");
        await door.AskAsync("POST", "/collections/aliases", """{"actions":[{"create_alias":{"collection_name":"c","alias_name":"live"}}]}""");
        Assert.Equal(20, (await door.AskAsync("POST", "/collections/live/points/count", "{}")).GetProperty("count").GetInt32());
        // Both or neither: the second action is refused, so the first is not seen.
        await door.RefusedAsync(404, "POST", "/collections/aliases", """{"actions":[{"delete_alias":{"alias_name":"live"}},{"create_alias":{"collection_name":"nowhere","alias_name":"x"}}]}""");
        await door.AskAsync("POST", "/collections/aliases", """{"actions":[{"rename_alias":{"old_alias_name":"live","new_alias_name":"now"}},{"create_alias":{"collection_name":"other","alias_name":"live"}}]}""");
        Assert.Equal("""[{"alias_name":"live","collection_name":"other"},{"alias_name":"now","collection_name":"c"}]""", (await door.AskAsync("GET", "/aliases")).GetProperty("aliases").GetRawText());
        Assert.Equal(1, (await door.AskAsync("GET", "/collections/c/aliases")).GetProperty("aliases").GetArrayLength());
        Assert.Contains("Alias with the same name already exists", await door.RefusedAsync(400, "PUT", "/collections/now", """{"vectors":{"size":2,"distance":"Dot"}}"""), StringComparison.Ordinal);
        await door.AskAsync("DELETE", "/collections/c");
        Assert.Equal(1, (await door.AskAsync("GET", "/aliases")).GetProperty("aliases").GetArrayLength());
    }

    [Fact]
    public async Task A_collection_is_changed_where_it_may_be_and_keeps_the_rest()
    {
        await using var door = await LoadedAsync();
        Assert.True((await door.AskAsync("PATCH", "/collections/c", """{"optimizers_config":{"indexing_threshold":5},"params":{"replication_factor":2},"vectors":{"a":{"hnsw_config":{"m":8}}},"metadata":{"owner":"x"}}""")).GetBoolean());
        var config = (await door.AskAsync("GET", "/collections/c")).GetProperty("config");
        Assert.Equal(5, config.GetProperty("optimizer_config").GetProperty("indexing_threshold").GetInt32());
        Assert.Equal(5, config.GetProperty("optimizer_config").GetProperty("flush_interval_sec").GetInt32());
        Assert.Equal(2, config.GetProperty("params").GetProperty("replication_factor").GetInt32());
        Assert.Equal(8, config.GetProperty("params").GetProperty("vectors").GetProperty("a").GetProperty("hnsw_config").GetProperty("m").GetInt32());
        Assert.Equal("x", config.GetProperty("metadata").GetProperty("owner").GetString());
        Assert.Contains("Not existing vector name", await door.RefusedAsync(400, "PATCH", "/collections/c", """{"vectors":{"zzz":{}}}"""), StringComparison.Ordinal);
        await door.RefusedAsync(404, "PATCH", "/collections/nowhere", "{}");
    }

    [Fact]
    public async Task A_batch_does_its_operations_one_behind_another()
    {
        await using var door = await LoadedAsync();
        var done = await door.AskAsync("POST", "/collections/c/points/batch", """
            {"operations":[
              {"upsert":{"points":[{"id":100,"vector":{"a":[100,0]},"payload":{"n":100,"x":1}}]}},
              {"set_payload":{"payload":{"y":2},"points":[100]}},
              {"delete_payload":{"keys":["x"],"filter":{"must":[{"key":"n","match":{"value":100}}]}}},
              {"update_vectors":{"points":[{"id":100,"vector":{"b":[3,4]}}]}},
              {"delete_vectors":{"points":[100],"vector":["a"]}},
              {"overwrite_payload":{"payload":{"z":3},"points":[1]}},
              {"clear_payload":{"points":[2]}},
              {"delete":{"points":[3]}}]}
            """);
        Assert.Equal(8, done.GetArrayLength());
        Assert.Equal("""{"n":100,"y":2}""", (await door.AskAsync("GET", "/collections/c/points/100")).GetProperty("payload").GetRawText());
        Assert.Equal("""{"b":[3,4]}""", (await door.AskAsync("GET", "/collections/c/points/100")).GetProperty("vector").GetRawText());
        Assert.Equal(20, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Contains("UpdateOperation", await door.RefusedAsync(400, "POST", "/collections/c/points/batch", """{"operations":[{"delete":{"points":[1]}},{"nonsense":{}}]}"""), StringComparison.Ordinal);
        Assert.Equal("1", (await door.AskAsync("GET", "/collections/c/points/1")).GetProperty("id").ToString());
    }

    /// <summary>Keys of changes and of selections are paths, elements of arrays included.</summary>
    [Fact]
    public async Task Payloads_are_changed_and_shown_inside_arrays()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PUT", "/collections/c/points/payload", """{"points":[1],"payload":{"nest":[{"x":1,"y":"p"},{"x":2,"y":"q"},3],"deep":{"a.b":{"c":1}},"nul":null,"none":[]}}""");
        await door.AskAsync("POST", "/collections/c/points/payload", """{"points":[1],"payload":{"y":"r"},"key":"nest[0]"}""");
        await door.AskAsync("POST", "/collections/c/points/payload", """{"points":[1],"payload":{"z":0},"key":"nest[]"}""");
        await door.AskAsync("POST", "/collections/c/points/payload", """{"points":[1],"payload":{"d":2},"key":"deep.\"a.b\""}""");
        await door.AskAsync("POST", "/collections/c/points/payload", """{"points":[1],"payload":{"d":2},"key":"nowhere[0].x"}""");
        await door.AskAsync("POST", "/collections/c/points/payload", """{"points":[1],"payload":{"d":2},"key":"made.by.names"}""");
        Assert.Equal("""{"nest":[{"x":1,"y":"r","z":0},{"x":2,"y":"q","z":0},{"z":0}],"deep":{"a.b":{"c":1,"d":2}},"nul":null,"none":[],"made":{"by":{"names":{"d":2}}}}""", await PayloadAsync("true"));
        Assert.Equal("""{"nest":[{"x":1},{"x":2},{}],"deep":{"a.b":{"c":1}}}""", await PayloadAsync("""["nest[].x","deep.\"a.b\".c","nope[].x"]"""));
        Assert.Equal("""{"nest":[{"y":"r"},{"x":2,"y":"q"},{}],"nul":null,"none":[]}""", await PayloadAsync("""{"exclude":["nest[].z","nest[0].x","deep","made.by","made"]}"""));
        await door.AskAsync("POST", "/collections/c/points/payload/delete", """{"points":[1],"keys":["nest[].y","deep.\"a.b\".c","nest[2]","made"]}""");
        Assert.Equal("""{"nest":[{"x":1,"z":0},{"x":2,"z":0},{"z":0}],"deep":{"a.b":{"d":2}},"nul":null,"none":[]}""", await PayloadAsync("true"));
        await door.AskAsync("POST", "/collections/c/points/payload/delete", """{"points":[1],"keys":["nest[]"]}""");
        Assert.Equal("[]", (await door.AskAsync("GET", "/collections/c/points/1")).GetProperty("payload").GetProperty("nest").GetRawText());

        // A word beside the key, as Qdrant's field conditions have it too.
        Assert.Equal(1, await CountAsync("""{"must":[{"key":"nul","is_null":true},{"key":"none","is_empty":true}]}"""));
        Assert.Equal(0, await CountAsync("""{"must":[{"key":"nul","is_null":false},{"has_id":[1]}]}"""));

        async Task<string> PayloadAsync(string wanted) => (await door.AskAsync("POST", "/collections/c/points", $$"""{"ids":[1],"with_payload":{{wanted}}}"""))[0].GetProperty("payload").GetRawText();
        async Task<int> CountAsync(string filter) => (await door.AskAsync("POST", "/collections/c/points/count", $$"""{"filter":{{filter}}}""")).GetProperty("count").GetInt32();
    }

    [Fact]
    public async Task Facets_count_values_and_orders_follow_them()
    {
        await using var door = await LoadedAsync();
        var hits = (await door.AskAsync("POST", "/collections/c/facet", """{"key":"kind","filter":{"must":[{"key":"n","range":{"lt":7}}]}}""")).GetProperty("hits");
        Assert.Equal("""[{"value":"k0","count":3},{"value":"k1","count":2},{"value":"k2","count":2}]""", hits.GetRawText());
        var page = await door.AskAsync("POST", "/collections/c/points/scroll", """{"limit":3,"order_by":{"key":"n","direction":"desc","start_from":15}}""");
        Assert.Equal(["15", "14", "13"], page.GetProperty("points").EnumerateArray().Select(Id));
        Assert.Equal(15, page.GetProperty("points")[0].GetProperty("order_value").GetInt32());
        Assert.Equal(JsonValueKind.Null, page.GetProperty("next_page_offset").ValueKind);
        Assert.Contains("Cannot use an `offset`", await door.RefusedAsync(400, "POST", "/collections/c/points/scroll", """{"offset":3,"order_by":"n"}"""), StringComparison.Ordinal);
        Assert.Equal(["0", "1"], (await QueryAsync(door, """{"query":{"order_by":"n"},"limit":2}""")).Select(Id));
    }

    [Fact]
    public async Task Groups_are_the_best_of_each_value_with_what_another_collection_says_of_it()
    {
        await using var door = await LoadedAsync();
        var groups = (await door.AskAsync("POST", "/collections/c/points/query/groups", """{"query":[10,0],"using":"a","group_by":"kind","group_size":2,"limit":2}""")).GetProperty("groups");
        Assert.Equal(["k1", "k0"], groups.EnumerateArray().Select(group => group.GetProperty("id").GetString()!));
        Assert.Equal(["10", "7"], groups[0].GetProperty("hits").EnumerateArray().Select(Id));
        await door.AskAsync("PUT", "/collections/owners", """{"vectors":{"size":1,"distance":"Dot"}}""");
        await door.AskAsync("PUT", "/collections/owners/points", """{"points":[{"id":7,"vector":[1],"payload":{"name":"seven"}}]}""");
        groups = (await door.AskAsync("POST", "/collections/c/points/search/groups", """{"vector":{"name":"a","vector":[7,0]},"group_by":"n","group_size":1,"limit":2,"with_lookup":"owners"}""")).GetProperty("groups");
        Assert.Equal("seven", groups[0].GetProperty("lookup").GetProperty("payload").GetProperty("name").GetString());
        Assert.False(groups[1].TryGetProperty("lookup", out _));
    }

    [Fact]
    public async Task Matrices_name_the_nearest_in_a_sample_for_each()
    {
        await using var door = await LoadedAsync();
        var pairs = (await door.AskAsync("POST", "/collections/c/points/search/matrix/pairs", """{"sample":100,"limit":1,"using":"a","filter":{"must":[{"key":"n","range":{"lt":3}}]}}""")).GetProperty("pairs");
        Assert.Equal(3, pairs.GetArrayLength());
        Assert.Equal(("0", "1", 1.0), (pairs[0].GetProperty("a").ToString(), pairs[0].GetProperty("b").ToString(), pairs[0].GetProperty("score").GetDouble()));
        var offsets = await door.AskAsync("POST", "/collections/c/points/search/matrix/offsets", """{"sample":100,"limit":2,"using":"a","filter":{"must":[{"key":"n","range":{"lt":3}}]}}""");
        Assert.Equal("[0,0,1,1,2,2]", offsets.GetProperty("offsets_row").GetRawText());
        Assert.Equal("[0,1,2]", offsets.GetProperty("ids").GetRawText());
    }

    [Fact]
    public async Task Recommendations_by_scores_discovery_and_context_follow_their_rules()
    {
        await using var door = await LoadedAsync();
        // Best score: nearest to any of the positive, unless a negative is nearer.
        Assert.Equal(["4", "6"], (await QueryAsync(door, """{"query":{"recommend":{"positive":[5],"negative":[19],"strategy":"best_score"}},"using":"a","limit":2}""")).Select(Id).Order());
        Assert.Equal("0", (await QueryAsync(door, """{"query":{"recommend":{"negative":[19],"strategy":"best_score"}},"using":"a","limit":1}""")).Select(Id).Single());
        // Sum: -(x-5)²+(x-10)² falls with x, so the smallest is best.
        Assert.Equal(["0", "1"], (await QueryAsync(door, """{"query":{"recommend":{"positive":[[5,0]],"negative":[[10,0]],"strategy":"sum_scores"}},"using":"a","limit":2}""")).Select(Id));
        // Nearer to 5 than to 10 means at most 7; of those the nearest to the target 12.
        Assert.Equal(["7", "6"], (await QueryAsync(door, """{"query":{"discover":{"target":[12,0],"context":[{"positive":[5,0],"negative":[10,0]}]}},"using":"a","limit":2}""")).Select(Id));
        var context = await QueryAsync(door, """{"query":{"context":[{"positive":[5,0],"negative":[10,0]}]},"using":"a","limit":20}""");
        Assert.All(context.Take(8), point => Assert.InRange(point.GetProperty("score").GetDouble(), -1e-6, 0));
        Assert.True(context[8].GetProperty("score").GetDouble() < -0.1);
        Assert.Equal(["7", "6"], (await door.AskAsync("POST", "/collections/c/points/discover", """{"target":[12,0],"context":[{"positive":[5,0],"negative":[10,0]}],"using":"a","limit":2}""")).EnumerateArray().Select(Id));
        Assert.Contains("unknown variant", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":{"recommend":{"positive":[1],"strategy":"other"}},"using":"a"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_formula_computes_scores_from_scores_and_payloads()
    {
        await using var door = await LoadedAsync();
        const string Prefetch = """ "prefetch":{"query":[1,0],"using":"b","limit":20} """;
        var found = await QueryAsync(door, "{" + Prefetch + """ ,"query":{"formula":{"sum":["$score",{"mult":[10,{"key":"n","match":{"value":5}}]},{"neg":{"div":{"left":"n","right":100}}}]}},"limit":2}""");
        Assert.Equal("5", Id(found[0]));
        Assert.Equal(1 + 10 - 0.05, found[0].GetProperty("score").GetDouble(), 1e-4);
        found = await QueryAsync(door, "{" + Prefetch + """ ,"query":{"formula":{"gauss_decay":{"x":"n","target":12,"scale":2}}},"limit":3}""");
        Assert.Equal(["12", "11", "13"], found.Select(Id));
        Assert.Equal(1, found[0].GetProperty("score").GetDouble(), 1e-6);
        found = await QueryAsync(door, "{" + Prefetch + """ ,"query":{"formula":{"lin_decay":{"x":"absent","scale":4,"midpoint":0.25}},"defaults":{"absent":4}},"limit":1}""");
        Assert.Equal(0.25, found[0].GetProperty("score").GetDouble(), 1e-6);
        Assert.Contains("no default was given", await door.RefusedAsync(400, "POST", "/collections/c/points/query", "{" + Prefetch + """ ,"query":{"formula":"absent"}}"""), StringComparison.Ordinal);
        Assert.Contains("at least one prefetch", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":{"formula":"$score"}}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Samples_are_drawn_by_lot_and_diverse_results_are_not_neighbours()
    {
        await using var door = await LoadedAsync();
        var drawn = (await QueryAsync(door, """{"query":{"sample":"random"},"limit":20}""")).Select(Id).ToArray();
        Assert.Equal(20, drawn.Distinct().Count());
        Assert.Equal(3, (await QueryAsync(door, """{"query":{"sample":"random"},"limit":3,"filter":{"must":[{"key":"n","range":{"lt":5}}]}}""")).Length);
        var diverse = (await QueryAsync(door, """{"query":{"nearest":[10,0],"mmr":{"diversity":0.9,"candidates_limit":20}},"using":"a","limit":2}""")).Select(Id).ToArray();
        Assert.Equal("10", diverse[0]);
        Assert.Contains(diverse[1], new[] { "0", "19" });
    }

    [Fact]
    public async Task A_strict_collection_bounds_payloads_memory_and_the_length_of_vectors()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/s", """{"vectors":{"m":{"size":1,"distance":"Dot","multivector_config":{"comparator":"max_sim"}}},"sparse_vectors":{"w":{}},"strict_mode_config":{"enabled":true,"max_collection_payload_size_bytes":60,"sparse_config":{"w":{"max_length":2}},"multivector_config":{"m":{"max_vectors":2}}}}""");
        await door.AskAsync("PUT", "/collections/s/points", """{"points":[{"id":1,"vector":{"m":[[1],[2]],"w":{"indices":[1,2],"values":[1,1]}},"payload":{"t":"twenty bytes or some more"}}]}""");
        Assert.Contains("Sparse vector 'w' has a limit of 2 indices, but 3 were provided!", await door.RefusedAsync(400, "PUT", "/collections/s/points", """{"points":[{"id":2,"vector":{"w":{"indices":[1,2,3],"values":[1,1,1]}}}]}"""), StringComparison.Ordinal);
        Assert.Contains("Multivector 'm' has a limit of 2 vectors, but 3 were provided!", await door.RefusedAsync(400, "PUT", "/collections/s/points/vectors", """{"points":[{"id":1,"vector":{"m":[[1],[2],[3]]}}]}"""), StringComparison.Ordinal);
        await door.AskAsync("POST", "/collections/s/points/payload", """{"payload":{"u":"twenty bytes or some more"},"points":[1]}""");
        Assert.Contains("Max payload storage size limit", await door.RefusedAsync(400, "POST", "/collections/s/points/payload", """{"payload":{"v":1},"points":[1]}"""), StringComparison.Ordinal);
        await door.AskAsync("POST", "/collections/s/points/payload/clear", """{"points":[1]}""");
        await door.AskAsync("POST", "/collections/s/points/payload", """{"payload":{"v":1},"points":[1]}""");
        await door.AskAsync("PATCH", "/collections/s", """{"strict_mode_config":{"max_resident_memory_percent":0.001}}""");
        Assert.Contains("Resident memory limit", await door.RefusedAsync(400, "PUT", "/collections/s/points", """{"points":[{"id":3,"vector":{}}]}"""), StringComparison.Ordinal);
        await door.AskAsync("POST", "/collections/s/points/delete", """{"points":[1]}""");
    }

    [Fact]
    public async Task A_reply_says_what_was_read_and_written()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/u", """{"vectors":{"size":4,"distance":"Dot"}}""");
        var (_, written) = await door.SendAsync("PUT", "/collections/u/points", """{"points":[{"id":1,"vector":[1,2,3,4],"payload":{"a":1}},{"id":2,"vector":[1,2,3,4]}]}""");
        var hardware = written.GetProperty("usage").GetProperty("hardware");
        Assert.Equal((32, 9), (hardware.GetProperty("vector_io_write").GetInt32(), hardware.GetProperty("payload_io_write").GetInt32()));
        var (_, found) = await door.SendAsync("POST", "/collections/u/points/query", """{"query":[1,1,1,1],"with_payload":true}""");
        hardware = found.GetProperty("usage").GetProperty("hardware");
        Assert.Equal((128, 9), (hardware.GetProperty("vector_io_read").GetInt32(), hardware.GetProperty("payload_io_read").GetInt32()));
        Assert.False((await door.SendAsync("GET", "/collections", null)).Answer.TryGetProperty("usage", out _));
    }

    [Fact]
    public async Task A_strict_collection_says_what_it_does_not_allow_and_what_would_help()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PATCH", "/collections/c", """{"strict_mode_config":{"enabled":true,"max_query_limit":10,"unindexed_filtering_retrieve":false,"search_allow_exact":false,"search_max_hnsw_ef":50,"upsert_max_batchsize":1,"filter_max_conditions":2,"max_points_count":21}}""");
        Assert.Equal("Bad request: Limit exceeded 100 > 10 for \"limit\". Help: Reduce the \"limit\" parameter to or below 10.", await door.RefusedAsync(400, "POST", "/collections/c/points/scroll", """{"limit":100}"""));
        Assert.Contains("Exact search disabled!", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":[1,0],"using":"a","params":{"exact":true}}"""), StringComparison.Ordinal);
        Assert.Contains("\"hnsw_ef\"", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":[1,0],"using":"a","params":{"hnsw_ef":51}}"""), StringComparison.Ordinal);
        Assert.Contains("Index required but not found for \"n\" of one of the following types: [integer]", await door.RefusedAsync(400, "POST", "/collections/c/points/query", """{"query":[1,0],"using":"a","filter":{"must":[{"key":"n","match":{"value":1}}]}}"""), StringComparison.Ordinal);
        await door.AskAsync("PUT", "/collections/c/index", """{"field_name":"n","field_schema":"integer"}""");
        Assert.Single(await QueryAsync(door, """{"query":[1,0],"using":"a","filter":{"must":[{"key":"n","match":{"value":1}}]}}"""));
        Assert.Contains("Filter condition limit reached (3 > 2)", await door.RefusedAsync(400, "POST", "/collections/c/points/scroll", """{"filter":{"must":[{"has_id":[1]},{"has_id":[1]},{"has_id":[1]}]}}"""), StringComparison.Ordinal);
        Assert.Contains("\"upsert limit\"", await door.RefusedAsync(400, "PUT", "/collections/c/points", """{"points":[{"id":50,"vector":{}},{"id":51,"vector":{}}]}"""), StringComparison.Ordinal);
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":50,"vector":{}}]}""");
        Assert.Contains("Max points count limit of 21 reached!", await door.RefusedAsync(400, "PUT", "/collections/c/points", """{"points":[{"id":51,"vector":{}}]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collection_allows_so_many_requests_a_minute_and_no_more()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PATCH", "/collections/c", """{"strict_mode_config":{"enabled":true,"read_rate_limit":2,"max_timeout":5}}""");
        for (var ask = 0; ask < 2; ask++) await door.AskAsync("POST", "/collections/c/points/count", "{}");
        Assert.Contains("Read rate limit exceeded", await door.RefusedAsync(429, "POST", "/collections/c/points/count", "{}"), StringComparison.Ordinal);
        await door.AskAsync("POST", "/collections/c/points/delete", """{"points":[1]}""");
        Assert.Contains("\"timeout\"", await door.RefusedAsync(400, "POST", "/collections/c/points/delete?timeout=6", """{"points":[1]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_that_name_shards_find_points_where_they_put_them()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/t", """{"vectors":{"size":1,"distance":"Dot"},"sharding_method":"custom","shard_number":2}""");
        await door.AskAsync("PUT", "/collections/t/shards", """{"shard_key":"eu"}""");
        await door.AskAsync("PUT", "/collections/t/shards", """{"shard_key":7,"shards_number":1}""");
        Assert.Contains("already exists", await door.RefusedAsync(400, "PUT", "/collections/t/shards", """{"shard_key":"eu"}"""), StringComparison.Ordinal);
        await door.AskAsync("PUT", "/collections/t/points", """{"shard_key":"eu","points":[{"id":1,"vector":[1]},{"id":2,"vector":[2]},{"id":3,"vector":[3]}]}""");
        await door.AskAsync("PUT", "/collections/t/points", """{"shard_key":7,"points":[{"id":4,"vector":[4]}]}""");
        Assert.Contains("Shard key not specified", await door.RefusedAsync(400, "PUT", "/collections/t/points", """{"points":[{"id":5,"vector":[4]}]}"""), StringComparison.Ordinal);
        Assert.Equal(4, (await door.AskAsync("POST", "/collections/t/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/t/points/count", """{"shard_key":"eu"}""")).GetProperty("count").GetInt32());
        var found = (await door.AskAsync("POST", "/collections/t/points/query", """{"query":[1],"limit":2,"shard_key":["eu",7]}""")).GetProperty("points");
        Assert.Equal(["4", "3"], found.EnumerateArray().Select(Id));
        Assert.Equal("7,eu", string.Join(',', found.EnumerateArray().Select(point => point.GetProperty("shard_key").ToString())));
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/t/points/count", """{"shard_key":{"target":"asia","fallback":"eu"}}""")).GetProperty("count").GetInt32());
        Assert.Equal(1, (await door.AskAsync("POST", "/collections/t/points/count", """{"shard_key":{"target":7,"fallback":"eu"}}""")).GetProperty("count").GetInt32());
        Assert.Contains("asia", await door.RefusedAsync(404, "POST", "/collections/t/points/count", """{"shard_key":{"target":"asia","fallback":"africa"}}"""), StringComparison.Ordinal);
        await door.RefusedAsync(422, "PUT", "/collections/a%2Fb", """{"vectors":{"size":1,"distance":"Dot"}}""");
        Assert.Equal(3, (await door.AskAsync("GET", "/collections/t/cluster")).GetProperty("shard_count").GetInt32());
        Assert.Equal("""[{"key":"eu"},{"key":7}]""", (await door.AskAsync("GET", "/collections/t/shards")).GetProperty("shard_keys").GetRawText());
        await door.AskAsync("POST", "/collections/t/points/delete", """{"points":[1]}""");
        await door.AskAsync("POST", "/collections/t/shards/delete", """{"shard_key":7}""");
        Assert.Equal(2, (await door.AskAsync("POST", "/collections/t/points/count", "{}")).GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task The_service_tells_of_itself_and_a_query_of_how_it_was_answered()
    {
        await using var door = await LoadedAsync();
        Assert.Equal("enabled", (await door.AskAsync("GET", "/cluster")).GetProperty("status").GetString());
        Assert.Equal(20, (await door.AskAsync("GET", "/telemetry?details_level=1")).GetProperty("collections").GetProperty("collections")[0].GetProperty("vectors").GetInt32());
        Assert.Equal(0, (await door.AskAsync("GET", "/issues")).GetProperty("issues").GetArrayLength());
        var (_, explained) = await door.SendAsync("POST", "/collections/c/points/query?explain=true&consistency=eventual", """{"query":[1,0],"using":"a","filter":{"must":[{"key":"n","match":{"value":1}}]}}""");
        var stage = explained.GetProperty("explain").GetProperty("stages").EnumerateArray().Single(each => each.TryGetProperty("segments", out _));
        Assert.Equal("nearest", stage.GetProperty("question").GetString());
        Assert.Equal("scan", stage.GetProperty("segments")[0].GetProperty("strategy").GetString());
        Assert.Equal(0, explained.GetProperty("freshness")[0].GetProperty("behind").GetInt32());
        var page = await door.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Contains("holdfast_vectors_request_seconds_count{collection=\"c\",operation=\"POST /collections/{name}/points/query\"}", page, StringComparison.Ordinal);
        Assert.Contains("timeout", await door.RefusedAsync(422, "GET", "/collections/c?timeout=0"), StringComparison.Ordinal);
        Assert.Contains("consistency", await door.RefusedAsync(400, "POST", "/collections/c/points/count?consistency=weak", "{}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_says_where_it_stands_and_a_session_brings_it_back()
    {
        await using var door = await LoadedAsync();
        using var content = new StringContent("""{"points":[1]}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await door.Client.PostAsync(new Uri("/collections/c/points/delete", UriKind.Relative), content, TestContext.Current.CancellationToken);
        var session = response.Headers.GetValues("holdfast-session").Single();
        Assert.Matches("^[0-9a-f]+/[0-9]+=[0-9]+$", session);
        Assert.Equal(200, (await door.SendAsync("POST", "/collections/c/points/count?consistency=session", "{}", ("holdfast-session", session))).Status);
        Assert.Equal(400, (await door.SendAsync("POST", "/collections/c/points/count", "{}", ("holdfast-session", "nonsense"))).Status);
    }

    [Fact]
    public async Task An_upsert_writes_only_what_its_mode_and_filter_let_it()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PUT", "/collections/c/points", """{"update_mode":"insert_only","points":[{"id":1,"vector":{},"payload":{"x":1}},{"id":100,"vector":{},"payload":{"x":1}}]}""");
        Assert.Equal("""{"n":1,"kind":"k1"}""", await PayloadAsync(1));
        Assert.Equal("""{"x":1}""", await PayloadAsync(100));
        await door.AskAsync("PUT", "/collections/c/points", """{"update_mode":"update_only","points":[{"id":1,"vector":{},"payload":{"x":2}},{"id":101,"vector":{},"payload":{"x":2}}]}""");
        Assert.Equal("""{"x":2}""", await PayloadAsync(1));
        await door.RefusedAsync(404, "GET", "/collections/c/points/101");
        await door.AskAsync("PUT", "/collections/c/points", """{"update_filter":{"must":[{"key":"n","range":{"gte":3}}]},"points":[{"id":2,"vector":{},"payload":{"x":3}},{"id":3,"vector":{},"payload":{"x":3}},{"id":102,"vector":{},"payload":{"x":3}}]}""");
        Assert.Equal("""{"n":2,"kind":"k2"}""", await PayloadAsync(2));
        Assert.Equal("""{"x":3}""", await PayloadAsync(3));
        Assert.Equal("""{"x":3}""", await PayloadAsync(102));
        await door.RefusedAsync(400, "PUT", "/collections/c/points", """{"update_mode":"maybe","points":[]}""");

        async Task<string> PayloadAsync(int id) => (await door.AskAsync("GET", $"/collections/c/points/{id}")).GetProperty("payload").GetRawText();
    }

    [Fact]
    public async Task Sparse_vectors_multi_vectors_and_text_are_written_found_and_shown()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/s", """{"vectors":{"many":{"size":2,"distance":"Dot","multivector_config":{"comparator":"max_sim"}}},"sparse_vectors":{"words":{},"bm25":{"modifier":"idf"}}}""");
        await door.AskAsync("PUT", "/collections/s/points", """
            {"points":[
              {"id":1,"vector":{"many":[[1,0],[0,1]],"words":{"indices":[9,3],"values":[1,2]},"bm25":{"text":"the quick brown fox","model":"qdrant/bm25"}}},
              {"id":2,"vector":{"many":[[2,0]],"words":{"indices":[3],"values":[5]},"bm25":{"text":"a lazy dog sleeps","model":"Qdrant/bm25"}}}]}
            """);
        var shown = (await door.AskAsync("GET", "/collections/s/points/1")).GetProperty("vector");
        Assert.Equal("[[1,0],[0,1]]", shown.GetProperty("many").GetRawText());
        Assert.Equal("""{"indices":[3,9],"values":[2,1]}""", shown.GetProperty("words").GetRawText());
        Assert.Equal(["2", "1"], (await AskAsync("""{"query":{"indices":[3],"values":[1]},"using":"words"}""")).Select(Id));
        Assert.Equal(["1"], (await AskAsync("""{"query":2,"using":"words"}""")).Select(Id));
        Assert.Equal(["1"], (await AskAsync("""{"query":{"text":"foxes","model":"qdrant/bm25"},"using":"bm25"}""")).Select(Id));
        // Of each of the query's vectors the closest: 1·1 + 1·1 against 2·1 + 0.
        Assert.Equal([2.0, 2.0], (await AskAsync("""{"query":[[1,0],[0,1]],"using":"many"}""")).Select(point => point.GetProperty("score").GetDouble()));
        Assert.Equal("2", Id((await AskAsync("""{"query":{"recommend":{"positive":[[[1,0]]],"strategy":"best_score"}},"using":"many","limit":1}"""))[0]));
        var searched = await door.AskAsync("POST", "/collections/s/points/search", """{"vector":{"name":"words","vector":{"indices":[9],"values":[1]}},"limit":5}""");
        Assert.Equal(["1"], searched.EnumerateArray().Select(Id));
        var fused = await AskAsync("""{"prefetch":[{"query":{"indices":[3],"values":[1]},"using":"words"},{"query":[1,0],"using":"many"}],"query":{"rrf":{"k":2,"weights":[1,3]}}}""");
        Assert.Equal("2", Id(fused[0]));
        Assert.Contains("must be unique", await door.RefusedAsync(422, "PUT", "/collections/s/points", """{"points":[{"id":3,"vector":{"words":{"indices":[1,1],"values":[1,1]}}}]}"""), StringComparison.Ordinal);
        Assert.Contains("sparse", await door.RefusedAsync(400, "PUT", "/collections/s/points", """{"points":[{"id":3,"vector":{"words":[1,2]}}]}"""), StringComparison.Ordinal);

        async Task<JsonElement[]> AskAsync(string body) => [.. (await door.AskAsync("POST", "/collections/s/points/query", body)).GetProperty("points").EnumerateArray()];
    }

    private static string Id(JsonElement point) => point.GetProperty("id").ToString();

    private static async Task<JsonElement[]> QueryAsync(OpenDoor door, string body) => [.. (await door.AskAsync("POST", "/collections/c/points/query", body)).GetProperty("points").EnumerateArray()];

    /// <summary>Twenty points over two shards: <c>a</c> is its number on a line, <c>b</c> has it as its second half.</summary>
    private static async Task<OpenDoor> LoadedAsync()
    {
        var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"shard_number":2,"vectors":{"a":{"size":2,"distance":"Euclid"},"b":{"size":2,"distance":"Dot"}}}""");
        var points = string.Join(',', Enumerable.Range(0, 20).Select(id => $$$"""{"id":{{{id}}},"vector":{"a":[{{{id}}},0],"b":[1,{{{id}}}]},"payload":{"n":{{{id}}},"kind":"k{{{id % 3}}}"}}"""));
        await door.AskAsync("PUT", "/collections/c/points", $$"""{"points":[{{points}}]}""");
        return door;
    }
}
