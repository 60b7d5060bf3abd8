using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Users and passwords: asked for once, and again when the token is not taken any more.</summary>
public sealed class SignInTests
{
    [Fact]
    public async Task A_user_signs_in_and_stays_signed_in_over_changes_of_users()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var root = Client(door, "root", "secret");
        using var nobody = Door.Client(door);
        using var wrong = Client(door, "root", "guess");

        // While auth is off the name is not asked for.
        await root.PutAsync("a", "1");
        using var channel = GrpcChannel.ForAddress($"http://{door.Address}");
        var auth = new Auth.AuthClient(channel);
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "secret" });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.AuthEnableAsync(new AuthEnableRequest());

        Assert.Equal("1", (await root.GetAsync("a"))?.Value.ToStringUtf8());
        await root.PutAsync("a", "2");
        await Assert.ThrowsAsync<RpcException>(() => nobody.GetAsync("a"));
        await Assert.ThrowsAsync<RpcException>(() => wrong.GetAsync("a"));
        // The token is from before this change.
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "ann", Password = "x" }, new Metadata { { "token", await TokenAsync(auth) } });
        await root.PutAsync("a", "3");
        await auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "ann", Password = "y" }, new Metadata { { "token", await TokenAsync(auth) } });
        Assert.Equal("3", (await root.GetAsync("a"))?.Value.ToStringUtf8());
        await using var held = await root.LockAsync("job", new TenureOptions { Ttl = TimeSpan.FromSeconds(5) });
        Assert.Single((await root.GetPrefixAsync("job/")).Kvs);
    }

    private static async Task<string> TokenAsync(Auth.AuthClient auth) => (await auth.AuthenticateAsync(new AuthenticateRequest { Name = "root", Password = "secret" })).Token;

    /// <summary>Checking a password is dear for the server: a hundred calls at once cost one, and a cluster without users is asked once.</summary>
    [Fact]
    public async Task Many_calls_at_once_sign_in_once()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var root = Client(door, "root", "secret");
        for (var call = 0; call < 5; call++) await root.PutAsync("a", "1");
        Assert.Equal(1, await SignInsAsync(door));
        await EnableAsync(door);
        using var other = Client(door, "root", "secret");
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => other.GetAsync("a")));
        Assert.Equal(2, await SignInsAsync(door));

        // Users were switched on meanwhile: the refusal says so, and the call is made again with a name.
        await root.PutAsync("a", "2");
        Assert.NotNull(await root.SignInAsync());
    }

    /// <summary>A token ends while its watch rests. When the watch has to be taken up elsewhere, it signs in anew and misses nothing.</summary>
    [Fact]
    public async Task A_watch_whose_token_has_ended_is_taken_up_with_a_new_one()
    {
        var clock = new HandClock();
        var keyspace = Door.Keyspace(new CoordinationOptions { Auth = new() { Clock = clock, TokenTimeToLive = TimeSpan.FromSeconds(300) } });
        var first = await Door.OpenAsync(keyspace);
        await using var second = await Door.OpenAsync(keyspace);
        await EnableAsync(first);
        using var root = new HoldfastClient(new HoldfastClientOptions { Endpoints = [first.Address.ToString(), second.Address.ToString()], User = "root", Password = "secret", Timeout = TimeSpan.FromMinutes(1) });
        using var writer = Client(second, "root", "secret");
        await using var watch = root.WatchPrefixAsync("a").GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.True(watch.Current.Created);
        clock.Advance(TimeSpan.FromSeconds(301));
        await writer.PutAsync("a", "1");
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal("1", watch.Current.Events.Single().Kv.Value.ToStringUtf8());
        clock.Advance(TimeSpan.FromSeconds(301));
        await first.DisposeAsync();
        await writer.PutAsync("a", "2");
        while (await watch.MoveNextAsync() && watch.Current.Events.Count == 0) Assert.False(watch.Current.Canceled, watch.Current.CancelReason);
        Assert.Equal("2", watch.Current.Events.Single().Kv.Value.ToStringUtf8());
    }

    /// <summary>Whoever can see no more whether his lock is there does not have it, and giving it back works all the same.</summary>
    [Fact]
    public async Task A_holder_who_may_look_no_more_has_lost()
    {
        var keyspace = Door.Keyspace();
        var first = await Door.OpenAsync(keyspace);
        await using var second = await Door.OpenAsync(keyspace);
        await EnableAsync(first);
        using var root = Client(second, "root", "secret");
        using var holder = new HoldfastClient(new HoldfastClientOptions { Endpoints = [first.Address.ToString(), second.Address.ToString()], User = "root", Password = "secret", Timeout = TimeSpan.FromMinutes(1) });
        var held = await holder.LockAsync("job", new TenureOptions { Ttl = TimeSpan.FromHours(1) });
        using var channel = GrpcChannel.ForAddress($"http://{second.Address}");
        var auth = new Auth.AuthClient(channel);
        await auth.UserChangePasswordAsync(new AuthUserChangePasswordRequest { Name = "root", Password = "another" }, new Metadata { { "token", await TokenAsync(auth) } });
        await first.DisposeAsync();
        await Task.Delay(Timeout.Infinite, held!.Lost).WaitAsync(TimeSpan.FromSeconds(120)).ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.True(held.Lost.IsCancellationRequested);
        await held.DisposeAsync();
    }

    private static async Task EnableAsync(Door door)
    {
        using var channel = GrpcChannel.ForAddress($"http://{door.Address}");
        var auth = new Auth.AuthClient(channel);
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "secret" });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.AuthEnableAsync(new AuthEnableRequest());
    }

    /// <summary>How many were asked for a password at this door, as its own page counts it.</summary>
    private static async Task<int> SignInsAsync(Door door)
    {
        using var http = new HttpClient();
        var page = await http.GetStringAsync($"http://{door.Address}/metrics");
        return page.Split('\n').Where(line => line.StartsWith("grpc_server_handled_total", StringComparison.Ordinal) && line.Contains("\"Authenticate\"", StringComparison.Ordinal))
            .Sum(line => int.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static HoldfastClient Client(Door door, string user, string password) => new(new HoldfastClientOptions { Endpoints = [door.Address.ToString()], User = user, Password = password, Timeout = TimeSpan.FromMinutes(1) });
}

/// <summary>A wall clock that stands still until it is moved.</summary>
internal sealed class HandClock : TimeProvider
{
    private long ticks = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Volatile.Read(ref ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);
}
