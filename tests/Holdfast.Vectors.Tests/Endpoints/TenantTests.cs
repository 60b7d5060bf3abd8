using System.Globalization;
using Holdfast.Vectors.Machine;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>What each tenant of a collection may have and ask.</summary>
public sealed class TenantTests
{
    [Fact]
    public async Task A_tenant_holds_and_asks_no_more_than_it_may_and_the_others_notice_nothing()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":1,"distance":"Dot"},"strict_mode_config":{"enabled":true,"tenant_max_points":3,"tenant_read_rate_limit":2}}""");
        await door.AskAsync("PUT", "/collections/c/index", """{"field_name":"who","field_schema":{"type":"keyword","is_tenant":true}}""");
        await door.AskAsync("PUT", "/collections/c/points", Points(1, 3, "ann"));
        Assert.Equal("Bad request: Max points count limit of 3 reached for tenant ann!. Help: Consider deleting points of this tenant or increasing the limit.", await door.RefusedAsync(400, "PUT", "/collections/c/points", Points(4, 1, "ann")));
        await door.AskAsync("PUT", "/collections/c/points", Points(10, 3, "bob"));
        await door.AskAsync("POST", "/collections/c/points/delete", """{"points":[1]}""");
        await door.AskAsync("PUT", "/collections/c/points", Points(5, 1, "ann"));

        const string Ann = """{"filter":{"must":[{"key":"who","match":{"value":"ann"}}]}}""";
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/count", Ann)).GetProperty("count").GetInt32());
        await door.AskAsync("POST", "/collections/c/points/count", Ann);
        Assert.Equal("Rate limiting exceeded: Read rate limit exceeded for tenant ann, retry later", await door.RefusedAsync(429, "POST", "/collections/c/points/count", Ann));
        Assert.Equal(3, (await door.AskAsync("POST", "/collections/c/points/count", Ann.Replace("ann", "bob", StringComparison.Ordinal))).GetProperty("count").GetInt32());
        var page = await door.Client.GetStringAsync("/metrics");
        Assert.Contains("holdfast_vectors_tenant_requests_refused_total 1", page, StringComparison.Ordinal);
        Assert.Contains("holdfast_vectors_tenant_writes_refused_total{collection=\"c\"} 1", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_tenants_query_says_that_it_walked_the_tenants_graph()
    {
        await using var door = await OpenDoor.StartAsync(new IndexWorkerOptions { RowsMin = 100, SealRowsMin = 1000 });
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":8,"distance":"Cosine"},"hnsw_config":{"full_scan_threshold":5}}""");
        await door.AskAsync("PUT", "/collections/c/index", """{"field_name":"who","field_schema":{"type":"uuid","is_tenant":true}}""");
        var dice = new Random(5);
        for (var from = 0; from < 2000; from += 500)
        {
            var points = Enumerable.Range(from, 500).Select(id => string.Create(CultureInfo.InvariantCulture, $$$"""{"id":{{{id}}},"vector":[{{{string.Join(',', Enumerable.Range(0, 8).Select(_ => (dice.NextDouble() - 0.5).ToString("R", CultureInfo.InvariantCulture)))}}}],"payload":{"who":"{{{Tenant(id % 4)}}}"}}"""));
            await door.AskAsync("PUT", "/collections/c/points", $$"""{"points":[{{string.Join(',', points)}}]}""");
        }

        // Each question is another one: equal ones would be answered from before.
        var ef = 50;
        string Query() => $$$"""{"query":[0.3,-0.1,0.4,0.1,-0.5,0.9,0.2,0.6],"params":{"hnsw_ef":{{{ef++}}}},"limit":20,"with_payload":true,"filter":{"must":[{"key":"who","match":{"value":"{{{Tenant(3).ToUpperInvariant()}}}"}}]}}""";
        for (var deadline = DateTime.UtcNow.AddMinutes(2); ; await Task.Delay(20))
        {
            Assert.True(DateTime.UtcNow < deadline, "no graph was built for a tenant");
            var (status, answer) = await door.SendAsync("POST", "/collections/c/points/query?explain=true", Query());
            Assert.Equal(200, status);
            var found = answer.GetProperty("result").GetProperty("points").EnumerateArray().ToArray();
            Assert.Equal(20, found.Length);
            Assert.All(found, point => Assert.Equal(Tenant(3), point.GetProperty("payload").GetProperty("who").GetString()));
            var stage = answer.GetProperty("explain").GetProperty("stages").EnumerateArray().Single(each => each.TryGetProperty("segments", out _));
            if (stage.GetProperty("segments").EnumerateArray().Any(segment => segment.GetProperty("strategy").GetString() == "graph of the tenant")) break;
        }
    }

    private static string Tenant(int number) => $"936da01f-9abd-4d9d-80c7-02af85c822a{number}";

    private static string Points(int first, int count, string who) => $$"""{"points":[{{string.Join(',', Enumerable.Range(first, count).Select(id => $$$"""{"id":{{{id}}},"vector":[1],"payload":{"who":"{{{who}}}"}}"""))}}]}""";
}
