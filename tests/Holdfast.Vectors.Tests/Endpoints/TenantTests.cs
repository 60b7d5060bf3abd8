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

    private static string Points(int first, int count, string who) => $$"""{"points":[{{string.Join(',', Enumerable.Range(first, count).Select(id => $$$"""{"id":{{{id}}},"vector":[1],"payload":{"who":"{{{who}}}"}}"""))}}]}""";
}
