using System.Globalization;
using System.Text.Json;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Keys by curl as Consul's scripts use them: compare and set, and many at once by how they begin.</summary>
public sealed class KeyPagesTests : IAsyncLifetime
{
    private readonly Local local = new();
    private OpenDoor door = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        door = await OpenDoor.OnAsync(local.Face);
        http = new HttpClient { BaseAddress = new Uri(door.Url + "/v1/") };
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await door.DisposeAsync();
    }

    [Fact]
    public async Task Compare_and_set_writes_only_what_is_as_it_was_seen()
    {
        Assert.Equal("false", await PutAsync("kv/a?cas=7", "no"));
        Assert.Equal("true", await PutAsync("kv/a?cas=0", "1"));
        Assert.Equal("false", await PutAsync("kv/a?cas=0", "again"));
        var first = await IndexOfAsync("a");
        Assert.Equal("true", await PutAsync($"kv/a?cas={first}", "2"));
        Assert.Equal("false", await PutAsync($"kv/a?cas={first}", "late"));
        Assert.Equal("2", await GetAsync("kv/a?raw"));
    }

    [Fact]
    public async Task A_key_is_deleted_only_as_it_was_seen_and_one_that_is_gone_is_gone()
    {
        await PutAsync("kv/a", "1");
        var first = await IndexOfAsync("a");
        await PutAsync("kv/a", "2");
        Assert.Equal("false", await DeleteAsync($"kv/a?cas={first}"));
        Assert.Equal("false", await DeleteAsync("kv/a?cas=0"));
        Assert.Equal("true", await DeleteAsync($"kv/a?cas={await IndexOfAsync("a")}"));
        Assert.Equal("true", await DeleteAsync($"kv/a?cas={first}"));
        Assert.Equal((404, ""), await StatusAsync("GET", "kv/a"));
    }

    /// <summary>Eight counters at once, each by read, add and compare: none is lost.</summary>
    [Fact]
    public async Task Of_writers_who_compare_none_overwrites_another()
    {
        await PutAsync("kv/count", "0");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var done = 0; done < 10;)
            {
                var row = (await JsonAsync("kv/count"))[0];
                var next = int.Parse(row.GetProperty("Value").GetBytesFromBase64(), CultureInfo.InvariantCulture) + 1;
                if (await PutAsync($"kv/count?cas={row.GetProperty("ModifyIndex").GetInt64()}", next.ToString(CultureInfo.InvariantCulture)) == "true") done++;
            }
        }));
        Assert.Equal("80", await GetAsync("kv/count?raw"));
    }

    /// <summary>What a session took, compare and set may write, as in Consul; it stays taken, and goes with its session where that was asked for.</summary>
    [Fact]
    public async Task A_comparing_write_leaves_the_holder_and_its_lease()
    {
        var session = JsonDocument.Parse(await PutAsync("session/create", """{"TTL":"10s","LockDelay":"0s","Behavior":"delete"}""")).RootElement.GetProperty("ID").GetString();
        await PutAsync($"kv/a?acquire={session}", "1");
        Assert.Equal("true", await PutAsync($"kv/a?cas={await IndexOfAsync("a")}", "2"));
        var row = (await JsonAsync("kv/a"))[0];
        Assert.Equal((session, true), (row.GetProperty("Session").GetString(), row.GetProperty("LockIndex").GetInt64() > 0));
        for (var step = 0; step < 22; step++) await local.Group.AdvanceAsync(TimeSpan.FromMilliseconds(500));
        Assert.Equal(404, (await StatusAsync("GET", "kv/a")).Status);
    }

    [Fact]
    public async Task Flags_are_kept_with_the_value_and_not_longer_than_the_key()
    {
        Assert.Equal("true", await PutAsync("kv/app/a?flags=18446744073709551615", "1"));
        Assert.Equal("true", await PutAsync("kv/app/b", "1"));
        Assert.Equal([ulong.MaxValue, 0], (await JsonAsync("kv/app/?recurse")).EnumerateArray().Select(row => row.GetProperty("Flags").GetUInt64()));
        Assert.Equal("""["app/a","app/b"]""", await GetAsync("kv/?keys"));
        Assert.Equal("false", await PutAsync("kv/app/a?cas=1&flags=3", "2"));
        Assert.Equal("true", await PutAsync($"kv/app/a?cas={await IndexOfAsync("app/a")}&flags=3", "2"));
        Assert.Equal(3UL, await FlagsAsync("app/a"));

        // Without a word about them they are 0, as in Consul, whoever takes or gives back.
        var session = JsonDocument.Parse(await PutAsync("session/create", """{"TTL":"10s","LockDelay":"0s"}""")).RootElement.GetProperty("ID").GetString();
        Assert.Equal("true", await PutAsync($"kv/app/a?acquire={session}&flags=4", "2"));
        Assert.Equal("true", await PutAsync($"kv/app/a?acquire={session}&flags=5", "2"));
        Assert.Equal(5UL, await FlagsAsync("app/a"));
        Assert.Equal("true", await PutAsync($"kv/app/a?release={session}&flags=6", "2"));
        Assert.Equal(6UL, await FlagsAsync("app/a"));
        Assert.Equal("true", await PutAsync("kv/app/a", "3"));
        Assert.Equal(0UL, await FlagsAsync("app/a"));

        // etcd's clients, who do not know them: a new value keeps them, a new key has none.
        Assert.Equal("true", await PutAsync("kv/app/a?flags=7", "3"));
        await local.Put("app/a", "4");
        Assert.Equal(7UL, await FlagsAsync("app/a"));
        await local.Delete("app/a");
        await local.Put("app/a", "5");
        Assert.Equal(0UL, await FlagsAsync("app/a"));

        Assert.Equal("true", await PutAsync("kv/app/a?flags=8", "3"));
        Assert.Equal("true", await DeleteAsync("kv/app/a"));
        Assert.Equal("true", await PutAsync("kv/app/b?flags=9", "3"));
        Assert.Equal("true", await DeleteAsync("kv/app/?recurse"));
        Assert.Empty((await local.Range("/sessions/flags/", "/sessions/flags0")).Kvs);

        async Task<ulong> FlagsAsync(string key) => (await JsonAsync("kv/" + key))[0].GetProperty("Flags").GetUInt64();
    }

    [Fact]
    public async Task Keys_that_begin_alike_are_shown_with_their_holders_and_deleted_together()
    {
        foreach (var key in (string[])["app/a", "app/b/1", "app/b/2", "apple", "other"]) await PutAsync($"kv/{key}", key);
        var session = JsonDocument.Parse(await PutAsync("session/create", "")).RootElement.GetProperty("ID").GetString();
        await PutAsync($"kv/app/b/1?acquire={session}", "held");

        var rows = (await JsonAsync("kv/app/?recurse")).EnumerateArray().ToArray();
        Assert.Equal(["app/a", "app/b/1", "app/b/2"], rows.Select(row => row.GetProperty("Key").GetString()));
        Assert.Equal(["app/a", "held", "app/b/2"], rows.Select(row => System.Text.Encoding.UTF8.GetString(row.GetProperty("Value").GetBytesFromBase64())));
        Assert.Equal([session], rows.Where(row => row.TryGetProperty("Session", out _)).Select(row => row.GetProperty("Session").GetString()));

        Assert.Equal("""["app/a","app/b/1","app/b/2"]""", await GetAsync("kv/app/?keys"));
        Assert.Equal("""["app/a","app/b/"]""", await GetAsync("kv/app/?keys&separator=/"));
        Assert.Equal("""["app/","apple","other"]""", await GetAsync("kv/?keys&separator=/"));
        Assert.Equal(5, (await JsonAsync("kv/?recurse")).GetArrayLength()); // Not the sessions' own.
        Assert.Equal((404, ""), await StatusAsync("GET", "kv/nothing?recurse"));
        Assert.Equal((404, ""), await StatusAsync("GET", "kv/nothing?keys"));

        Assert.Equal("true", await DeleteAsync("kv/app/?recurse"));
        Assert.Equal("""["apple","other"]""", await GetAsync("kv/?keys"));
        Assert.Equal("true", await PutAsync($"kv/app/b/1?cas=0", "new"));
        Assert.False((await JsonAsync("kv/app/b/1"))[0].TryGetProperty("Session", out _));

        // Everything: the keys of users, and not what a session lives by.
        Assert.Equal("true", await DeleteAsync("kv/?recurse"));
        Assert.Equal("[]", await GetAsync("kv/?keys"));
        Assert.Equal(session, (await JsonAsync($"session/info/{session}"))[0].GetProperty("ID").GetString());
        Assert.Equal("true", await DeleteAsync("kv//sess?recurse"));
        Assert.Equal(session, (await JsonAsync($"session/info/{session}"))[0].GetProperty("ID").GetString());
    }

    [Fact]
    public async Task A_reader_of_many_keys_waits_until_one_of_them_or_a_holder_changes()
    {
        await PutAsync("kv/app/a", "1");
        await PutAsync("kv/other", "1");
        var session = JsonDocument.Parse(await PutAsync("session/create", """{"TTL":"10s","LockDelay":"0s"}""")).RootElement.GetProperty("ID").GetString();
        var index = await SeenAsync("kv/app/?recurse");
        Assert.Equal("""["app/a"]""", await GetAsync($"kv/app/?keys&index={index}&wait=10ms"));
        var waiting = GetAsync($"kv/app/?keys&index={index}&wait=10m");
        await PutAsync("kv/other", "2");
        await PutAsync("kv/app/b", "2");
        Assert.Equal("""["app/a","app/b"]""", await waiting);

        index = await SeenAsync("kv/app/?recurse");
        waiting = GetAsync($"kv/app/?recurse&index={index}&wait=10m");
        await PutAsync($"kv/app/a?acquire={session}", "3");
        Assert.Contains(session!, await waiting, StringComparison.Ordinal);
        index = await SeenAsync("kv/app/?recurse");
        waiting = GetAsync($"kv/app/?recurse&index={index}&wait=10m");
        Assert.Equal("true", await PutAsync($"session/destroy/{session}", ""));
        Assert.DoesNotContain(session!, await waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_keys_than_one_answer_may_hold_are_refused_with_the_way_out()
    {
        for (var batch = 0; batch < 101; batch++)
        {
            var txn = new Protocol.TxnRequest();
            for (var at = 0; at < 100; at++) txn.Success.Add(new Protocol.RequestOp { RequestPut = new Protocol.PutRequest { Key = Local.B($"many/{batch:000}/{at:00}"), Value = Local.B("v") } });
            await local.Face.TxnAsync(txn);
        }

        var (status, said) = await StatusAsync("GET", "kv/many/?recurse");
        Assert.Equal(400, status);
        Assert.Contains("/v3/", said, StringComparison.Ordinal);
        Assert.Equal(100, (await JsonAsync("kv/many/007/?recurse")).GetArrayLength());
    }

    [Theory]
    [InlineData("PUT", "kv/job?flags=many")]
    [InlineData("PUT", "kv/job?flags=-1")]
    [InlineData("PUT", "kv/job?flags=18446744073709551616")]
    [InlineData("GET", "kv/job?flags=7")]
    [InlineData("PUT", "kv/job?cas=soon")]
    [InlineData("PUT", "kv/job?cas=-1")]
    [InlineData("PUT", "kv/job?cas=1&acquire=a")]
    [InlineData("PUT", "kv/job?recurse")]
    [InlineData("DELETE", "kv/job?recurse&cas=1")]
    [InlineData("DELETE", "kv/job?keys")]
    [InlineData("DELETE", "kv//sessions/?recurse")]
    [InlineData("DELETE", "kv/")]
    [InlineData("GET", "kv/job?recurse&raw")]
    [InlineData("GET", "kv/job?keys&recurse")]
    [InlineData("GET", "kv//sessions/info/?recurse")]
    [InlineData("GET", "kv/job?recurse&index=x")]
    public async Task What_does_not_go_together_or_is_not_offered_is_refused_with_a_sentence(string method, string path)
    {
        var (status, said) = await StatusAsync(method, path);
        Assert.Equal(400, status);
        Assert.NotEmpty(said);
        Assert.Empty((await local.Range("\0", "\0")).Kvs);
    }

    private Task<string> PutAsync(string path, string body) => SendAsync(HttpMethod.Put, path, body);

    private Task<string> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    private Task<string> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    private async Task<JsonElement> JsonAsync(string path) => JsonDocument.Parse(await GetAsync(path)).RootElement;

    private async Task<long> IndexOfAsync(string key) => (await JsonAsync("kv/" + key))[0].GetProperty("ModifyIndex").GetInt64();

    private async Task<string> SeenAsync(string path)
    {
        using var response = await http.GetAsync(path);
        return response.Headers.GetValues("X-Consul-Index").Single();
    }

    private async Task<(int Status, string Body)> StatusAsync(string method, string path)
    {
        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<string> SendAsync(HttpMethod method, string path, string? body)
    {
        using var response = await http.SendAsync(new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body) });
        return await response.Content.ReadAsStringAsync();
    }
}
