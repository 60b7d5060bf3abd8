using System.Net;
using System.Text.Json;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Sessions with lock delay over plain HTTP (R1.6), in a time that the test moves.</summary>
public sealed class SessionPagesTests
{
    [Fact]
    public async Task One_session_holds_a_key_and_the_next_gets_it_with_a_larger_fence()
    {
        await using var world = await World.StartAsync();
        var (a, b) = (await world.CreateAsync(), await world.CreateAsync());
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={a}", "at-a"));
        var first = world.Fence;
        Assert.True(first > 0);
        Assert.Equal("false", await world.PutAsync($"kv/job?acquire={b}", "at-b"));

        // The holder may write again, and keeps its fence.
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={a}", "at-a2"));
        Assert.Equal(first, world.Fence);
        var key = (await world.JsonAsync("kv/job"))[0];
        Assert.Equal((a, first, "at-a2"), (key.GetProperty("Session").GetString(), key.GetProperty("LockIndex").GetInt64(), key.GetProperty("Value").GetBytesFromBase64().Aggregate("", (text, letter) => text + (char)letter)));

        // Given back: no delay.
        Assert.Equal("false", await world.PutAsync($"kv/job?release={b}"));
        Assert.Equal("true", await world.PutAsync($"kv/job?release={a}", "free"));
        Assert.Equal("free", await world.GetAsync("kv/job?raw"));
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={b}"));
        Assert.True(world.Fence > first);
    }

    /// <summary>The holder dies: its lock goes with its TTL, and for the lock delay nobody has the key, so that what it still had under way has landed.</summary>
    [Fact]
    public async Task After_a_session_that_ran_out_nobody_gets_its_keys_for_the_lock_delay()
    {
        await using var world = await World.StartAsync();
        var (a, b) = (await world.CreateAsync("""{"TTL":"10s","LockDelay":"20s"}"""), await world.CreateAsync("""{"TTL":"1000s"}"""));
        await world.PutAsync($"kv/job?acquire={a}", "x");
        var first = world.Fence;
        await world.AdvanceAsync(9);
        Assert.Equal("false", await world.PutAsync($"kv/job?acquire={b}"));
        await world.AdvanceAsync(2);
        Assert.False((await world.JsonAsync("kv/job"))[0].TryGetProperty("Session", out _));
        Assert.Equal("false", await world.PutAsync($"kv/job?acquire={b}"));
        await world.AdvanceAsync(18);
        Assert.Equal("false", await world.PutAsync($"kv/job?acquire={b}"));
        await world.AdvanceAsync(3);
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={b}"));
        Assert.True(world.Fence > first);
        Assert.Equal(404, await world.StatusAsync("PUT", $"kv/job?acquire={a}"));
        Assert.Equal(404, await world.StatusAsync("PUT", $"session/renew/{a}"));
    }

    [Fact]
    public async Task A_session_that_is_renewed_lives_on()
    {
        await using var world = await World.StartAsync();
        var a = await world.CreateAsync("""{"TTL":"10s","LockDelay":"5s"}""");
        await world.PutAsync($"kv/job?acquire={a}");
        for (var round = 0; round < 6; round++)
        {
            await world.AdvanceAsync(8);
            Assert.Equal(a, JsonDocument.Parse(await world.PutAsync($"session/renew/{a}")).RootElement[0].GetProperty("ID").GetString());
        }

        // The delay has been renewed with it: it is as long as ever.
        await world.AdvanceAsync(11);
        var b = await world.CreateAsync();
        Assert.Equal("false", await world.PutAsync($"kv/job?acquire={b}"));
        await world.AdvanceAsync(5);
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={b}"));
    }

    [Fact]
    public async Task A_session_that_is_destroyed_lets_go_at_once_and_the_delay_counts_from_then()
    {
        await using var world = await World.StartAsync();
        var (a, b) = (await world.CreateAsync("""{"TTL":"1000s","LockDelay":"20s"}"""), await world.CreateAsync("""{"TTL":"1000s"}"""));
        foreach (var key in (string[])["one", "two", "three"]) await world.PutAsync($"kv/{key}?acquire={a}", key);
        Assert.Equal("true", await world.PutAsync($"session/destroy/{a}"));
        Assert.Equal("true", await world.PutAsync($"session/destroy/{a}"));
        Assert.Equal("[]", await world.GetAsync($"session/info/{a}"));
        Assert.False((await world.JsonAsync("kv/two"))[0].TryGetProperty("Session", out _));
        await world.AdvanceAsync(19);
        Assert.Equal("false", await world.PutAsync($"kv/two?acquire={b}"));
        await world.AdvanceAsync(3);
        Assert.Equal("true", await world.PutAsync($"kv/two?acquire={b}"));
        Assert.Equal("three", await world.GetAsync("kv/three?raw"));
    }

    [Fact]
    public async Task Without_a_lock_delay_the_next_comes_at_once()
    {
        await using var world = await World.StartAsync();
        var (a, b) = (await world.CreateAsync("""{"LockDelay":"0s"}"""), await world.CreateAsync());
        await world.PutAsync($"kv/job?acquire={a}");
        await world.PutAsync($"session/destroy/{a}");
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={b}"));
    }

    [Fact]
    public async Task Keys_of_a_deleting_session_go_with_it_and_those_of_a_releasing_one_stay()
    {
        await using var world = await World.StartAsync();
        var (gone, stays) = (await world.CreateAsync("""{"TTL":"10s","Behavior":"delete"}"""), await world.CreateAsync("""{"TTL":"10s","Behavior":"release"}"""));
        await world.PutAsync($"kv/a?acquire={gone}", "1");
        await world.PutAsync($"kv/b?acquire={stays}", "2");
        await world.PutAsync($"kv/c?acquire={gone}", "3");

        // Written by somebody else, it still goes with its session; given back, it does not.
        await world.PutAsync("kv/a", "other");
        await world.PutAsync($"kv/c?release={gone}", "kept");
        await world.AdvanceAsync(11);
        Assert.Equal(404, await world.StatusAsync("GET", "kv/a"));
        Assert.Equal(("2", "kept"), (await world.GetAsync("kv/b?raw"), await world.GetAsync("kv/c?raw")));
    }

    [Fact]
    public async Task Deleting_a_key_ends_whoever_holds_it()
    {
        await using var world = await World.StartAsync();
        var (a, b) = (await world.CreateAsync(), await world.CreateAsync());
        await world.PutAsync($"kv/job?acquire={a}");
        Assert.Equal(200, await world.StatusAsync("DELETE", "kv/job"));
        Assert.Equal("true", await world.PutAsync($"kv/job?acquire={b}"));
    }

    /// <summary>Several sessions at once, with a destruction among them: never two hold the key, whatever the order.</summary>
    [Fact]
    public async Task Of_many_who_try_at_once_one_gets_it()
    {
        await using var world = await World.StartAsync();
        var sessions = new List<string>();
        for (var at = 0; at < 8; at++) sessions.Add(await world.CreateAsync("""{"LockDelay":"0s"}"""));
        for (var round = 0; round < 20; round++)
        {
            var answers = await Task.WhenAll(sessions.Select(session => world.PutAsync($"kv/job?acquire={session}")));
            Assert.Single(answers, "true");
            var holder = sessions[Array.IndexOf(answers, "true")];
            Assert.Equal(holder, (await world.JsonAsync("kv/job"))[0].GetProperty("Session").GetString());
            Assert.Equal("true", await world.PutAsync($"kv/job?release={holder}"));
        }
    }

    [Fact]
    public async Task A_reader_waits_until_the_key_or_its_holder_changes()
    {
        await using var world = await World.StartAsync();
        var a = await world.CreateAsync("""{"TTL":"10s","LockDelay":"0s"}""");
        await world.PutAsync($"kv/job?acquire={a}", "x");
        await world.GetAsync("kv/job");
        var index = world.Index;

        // A wait that is over tells what is there.
        Assert.Equal("x", await world.GetAsync($"kv/job?raw&index={index}&wait=10ms"));
        var waiting = world.GetAsync($"kv/job?index={index}&wait=10m");
        await world.AdvanceAsync(11);
        Assert.DoesNotContain("Session", await waiting, StringComparison.Ordinal);

        // From an index that is past, or is none, nobody waits.
        Assert.Equal("x", await world.GetAsync($"kv/job?raw&index=1&wait=10m"));
        Assert.Equal("x", await world.GetAsync($"kv/job?raw&index=999999&wait=10m"));
    }

    [Fact]
    public async Task Sessions_are_listed_as_consul_lists_them()
    {
        await using var world = await World.StartAsync();
        var a = await world.CreateAsync("""{"Name":"deploy","TTL":"1m30s","LockDelay":5,"Behavior":"delete"}""");
        await world.CreateAsync();
        Assert.Equal(2, (await world.JsonAsync("session/list")).GetArrayLength());
        var info = (await world.JsonAsync($"session/info/{a}"))[0];
        Assert.Equal(("deploy", "90s", 5_000_000_000, "delete"), (info.GetProperty("Name").GetString(), info.GetProperty("TTL").GetString(), info.GetProperty("LockDelay").GetInt64(), info.GetProperty("Behavior").GetString()));
    }

    [Theory]
    [InlineData("PUT", "session/create", """{"TTL":"1s"}""", 400)]
    [InlineData("PUT", "session/create", """{"TTL":"100000s"}""", 400)]
    [InlineData("PUT", "session/create", """{"TTL":"soon"}""", 400)]
    [InlineData("PUT", "session/create", """{"TTL":-5}""", 400)]
    [InlineData("PUT", "session/create", """{"LockDelay":"61s"}""", 400)]
    [InlineData("PUT", "session/create", """{"Behavior":"keep"}""", 400)]
    [InlineData("PUT", "session/create", """{"Behavior":7}""", 400)]
    [InlineData("PUT", "session/create", """{"Checks":["serfHealth"]}""", 400)]
    [InlineData("PUT", "session/create", """{"Ttl2":"10s"}""", 400)]
    [InlineData("PUT", "session/create", "[]", 400)]
    [InlineData("PUT", "session/create", "{", 400)]
    [InlineData("PUT", "session/create", """{"Name":"\ud800"}""", 400)]
    [InlineData("GET", "session/create", "", 405)]
    [InlineData("PUT", "session/info/x", "", 405)]
    [InlineData("PUT", "session/renew/nobody", "", 404)]
    [InlineData("PUT", "session/nothing", "", 404)]
    [InlineData("PUT", "kv/", "x", 400)]
    [InlineData("PUT", "kv//sessions/locks/job", "x", 400)]
    [InlineData("PUT", "kv/job?acquire=a&release=a", "x", 400)]
    [InlineData("PUT", "kv/job?acquire=nobody", "x", 404)]
    [InlineData("PUT", "kv/job?acquire=", "x", 404)]
    [InlineData("GET", "kv/nothing", "", 404)]
    [InlineData("GET", "kv/job?index=many", "", 400)]
    [InlineData("POST", "kv/job", "x", 405)]
    public async Task What_is_not_offered_is_refused_with_a_sentence(string method, string path, string body, int status)
    {
        await using var world = await World.StartAsync();
        Assert.Equal(status, await world.StatusAsync(method, path, body));
        if (status != 404 || !path.StartsWith("kv/nothing", StringComparison.Ordinal)) Assert.NotEmpty(world.Said);
        Assert.Empty((await world.Local.Range("\0", "\0")).Kvs);
    }

    [Fact]
    public async Task A_value_that_is_too_large_is_refused()
    {
        await using var world = await World.StartAsync();
        var a = await world.CreateAsync();
        Assert.Equal("etcdserver: request is too large\n", await world.PutAsync($"kv/job?acquire={a}", new string('x', 1_600_000)));
    }

    /// <summary>While users are on, everything is asked of the caller's own rights: the key, and the records under /sessions/.</summary>
    [Fact]
    public async Task Sessions_are_for_whom_the_keys_are()
    {
        var keyspace = await AuthedLocal.StartAsync();
        await keyspace.User("alice", (Permission.Types.Type.Readwrite, "/sessions/", "/sessions0"), (Permission.Types.Type.Readwrite, "job", ""));
        await keyspace.User("bob", (Permission.Types.Type.Readwrite, "job", ""));
        await using var door = await OpenDoor.OnAsync(keyspace.Nobody);
        using var http = new HttpClient { BaseAddress = new Uri(door.Url + "/v1/") };
        async Task<(HttpStatusCode Status, string Body)> As(string? user, string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new ByteArrayContent([]) };
            if (user is not null) request.Headers.Add("token", await keyspace.Token(user, user));
            using var response = await http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await As(null, "session/create")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("bob", "session/create")).Status);
        var session = JsonDocument.Parse((await As("alice", "session/create")).Body).RootElement.GetProperty("ID").GetString();
        Assert.Equal((HttpStatusCode.OK, "true"), await As("alice", $"kv/job?acquire={session}"));
        Assert.Equal(HttpStatusCode.Forbidden, (await As("alice", $"kv/other?acquire={session}")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("bob", $"kv/job?release={session}")).Status);
        Assert.Equal((HttpStatusCode.OK, "true"), await As("alice", $"session/destroy/{session}"));
    }

    /// <summary>A door on a keyspace whose time the test moves.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly OpenDoor door;
        private readonly HttpClient http;

        private World(Local local, OpenDoor door)
        {
            (Local, this.door) = (local, door);
            http = new HttpClient { BaseAddress = new Uri(door.Url + "/v1/") };
        }

        public Local Local { get; }

        public string Said { get; private set; } = "";

        public long Fence { get; private set; }

        public long Index { get; private set; }

        public static async Task<World> StartAsync()
        {
            var local = new Local();
            return new World(local, await OpenDoor.OnAsync(local.Face));
        }

        public async Task AdvanceAsync(int seconds)
        {
            // In steps, as a node's own clock does: what runs out is found at the next look.
            for (var step = 0; step < seconds * 2; step++) await Local.Group.AdvanceAsync(TimeSpan.FromMilliseconds(500));
        }

        public async Task<string> CreateAsync(string wish = "") => JsonDocument.Parse(await PutAsync("session/create", wish)).RootElement.GetProperty("ID").GetString()!;

        public Task<string> PutAsync(string path, string body = "") => SendAsync(HttpMethod.Put, path, body);

        public Task<string> GetAsync(string path) => SendAsync(HttpMethod.Get, path, "");

        public async Task<JsonElement> JsonAsync(string path) => JsonDocument.Parse(await GetAsync(path)).RootElement;

        public async Task<int> StatusAsync(string method, string path, string body = "")
        {
            using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(body) });
            Said = await response.Content.ReadAsStringAsync();
            return (int)response.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            http.Dispose();
            await door.DisposeAsync();
        }

        private async Task<string> SendAsync(HttpMethod method, string path, string body)
        {
            using var response = await http.SendAsync(new HttpRequestMessage(method, path) { Content = method == HttpMethod.Get ? null : new StringContent(body) });
            if (response.Headers.TryGetValues("Holdfast-Fence", out var fence)) Fence = long.Parse(fence.Single(), System.Globalization.CultureInfo.InvariantCulture);
            if (response.Headers.TryGetValues("X-Consul-Index", out var index)) Index = long.Parse(index.Single(), System.Globalization.CultureInfo.InvariantCulture);
            return await response.Content.ReadAsStringAsync();
        }
    }
}
