using Grpc.Core;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Watches that are taken up elsewhere, and views of prefixes.</summary>
public sealed class WatchTests
{
    /// <summary>A watch on a quiet key hears nothing for a day but that nothing happened. When its server goes, the past it has seen is long compacted: it goes on all the same, because it missed nothing.</summary>
    [Fact]
    public async Task A_quiet_watch_is_taken_up_after_its_first_revision_was_compacted()
    {
        var keyspace = Door.Keyspace(new CoordinationOptions { WatchProgressInterval = TimeSpan.FromSeconds(1), AutoCompaction = AutoCompactionMode.Off }); // An hour may pass below, and who compacts is the test.
        var first = await Door.OpenAsync(keyspace);
        await using var second = await Door.OpenAsync(keyspace);
        using var writer = Door.Client(second);
        using var client = Door.Client(first, second);
        await using var watch = client.WatchAsync(new WatchCreateRequest { Key = KeyText.Bytes("quiet"), ProgressNotify = true }).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        long last = 0;
        for (var write = 0; write < 10; write++) last = (await writer.PutAsync("busy", "x")).Header.Revision;
        var heard = watch.MoveNextAsync().AsTask();
        while (!heard.IsCompleted) await keyspace.AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.True(await heard);
        Assert.Equal((0, last), (watch.Current.Events.Count, watch.Current.Header.Revision));
        await keyspace.Face.CompactAsync(new CompactionRequest { Revision = last, Physical = true });
        await first.DisposeAsync();
        await writer.PutAsync("quiet", "1");
        while (await watch.MoveNextAsync() && watch.Current.Events.Count == 0) Assert.False(watch.Current.Canceled, watch.Current.CancelReason);
        Assert.Equal("1", watch.Current.Events.Single().Kv.Value.ToStringUtf8());
    }

    /// <summary>A server that takes the watch and never answers, on a connection that is well, is turned away from; a watch that was answered may wait for as long as it likes.</summary>
    [Fact]
    public async Task A_watch_that_is_not_answered_is_asked_of_another_server()
    {
        await using var deaf = await DeafServer.OpenAsync();
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [deaf.Address, door.Address.ToString()], Timeout = TimeSpan.FromSeconds(2) });
        await using var watch = client.WatchPrefixAsync("a").GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(2)));
        Assert.True(watch.Current.Created);
        Assert.Equal(1, deaf.Calls);
    }

    [Fact]
    public async Task Who_does_not_ask_for_progress_is_not_told_of_it()
    {
        var keyspace = Door.Keyspace(new CoordinationOptions { WatchProgressInterval = TimeSpan.FromSeconds(1) });
        await using var door = await Door.OpenAsync(keyspace);
        using var client = Door.Client(door);
        await using var watch = client.WatchPrefixAsync("a").GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        var heard = watch.MoveNextAsync().AsTask();
        for (var round = 0; round < 20; round++) await keyspace.AdvanceAsync(TimeSpan.FromSeconds(2));
        await client.PutAsync("a", "1");
        Assert.True(await heard);
        Assert.Single(watch.Current.Events);
    }

    /// <summary>All keys at each revision: over a change of server, a compaction that overtook the watch, and a while without anybody.</summary>
    [Fact]
    public async Task A_prefix_is_followed_through_everything()
    {
        var keyspace = Door.Keyspace();
        var first = await Door.OpenAsync(keyspace);
        var second = await Door.OpenAsync(keyspace);
        using var client = Door.Client(first, second);
        await client.PutAsync("p/a", "1");
        await using var views = client.FollowPrefixAsync("p/").GetAsyncEnumerator();
        Assert.Equal("p/a=1", await NextAsync(views, "p/a=1"));
        await first.DisposeAsync();
        await keyspace.Face.PutAsync(new PutRequest { Key = KeyText.Bytes("p/b"), Value = KeyText.Bytes("2") });
        Assert.Equal("p/a=1 p/b=2", await NextAsync(views, "p/a=1 p/b=2"));

        // Nobody is there; what happened meanwhile is forgotten by the time somebody is.
        var address = second.Address;
        await second.DisposeAsync();
        await keyspace.Face.DeleteRangeAsync(new DeleteRangeRequest { Key = KeyText.Bytes("p/a") });
        var last = await keyspace.Face.PutAsync(new PutRequest { Key = KeyText.Bytes("p/c"), Value = KeyText.Bytes("3") });
        await keyspace.Face.CompactAsync(new CompactionRequest { Revision = last.Header.Revision, Physical = true });
        await using var again = await Door.OpenAsync(keyspace, address.Port);
        Assert.Equal("p/b=2 p/c=3", await NextAsync(views, "p/b=2 p/c=3"));
    }

    [Fact]
    public async Task A_prefix_that_may_not_be_read_ends_with_the_refusal()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [door.Address.ToString()] });
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress($"http://{door.Address}");
        var auth = new Auth.AuthClient(channel);
        await auth.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "secret" });
        await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
        await auth.AuthEnableAsync(new AuthEnableRequest());
        await using var views = client.FollowPrefixAsync("p/").GetAsyncEnumerator();
        Assert.Contains("user name is empty", (await Assert.ThrowsAsync<RpcException>(async () => await views.MoveNextAsync())).Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<string> NextAsync(IAsyncEnumerator<PrefixView> views, string wanted)
    {
        var shown = "";
        while (shown != wanted && await views.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(120)))
            shown = string.Join(' ', views.Current.Keys.Select(pair => $"{pair.Key}={pair.Value.Value.ToStringUtf8()}"));
        return shown;
    }
}
