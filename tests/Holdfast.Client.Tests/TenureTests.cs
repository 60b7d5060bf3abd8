using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Leases, locks and elections (R1.6).</summary>
public sealed class TenureTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task One_holds_a_lock_and_a_later_holder_has_a_larger_fence()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var first = await client.LockAsync("job");
        Assert.NotNull(first);
        Assert.Null(await client.LockAsync("job", new TenureOptions { Wait = TimeSpan.Zero }));
        var waiting = client.LockAsync("job");
        await first.DisposeAsync();
        await using var second = await waiting.WaitAsync(Patience);
        Assert.True(second!.Fence > first.Fence);
        Assert.False(second.Lost.IsCancellationRequested);
        Assert.Single((await client.GetPrefixAsync("job/")).Kvs);
    }

    [Fact]
    public async Task A_lease_that_the_server_ended_is_lost_and_the_lock_with_it()
    {
        var keyspace = Door.Keyspace();
        await using var door = await Door.OpenAsync(keyspace);
        using var client = Door.Client(door);
        await using var held = await client.LockAsync("job", new TenureOptions { Ttl = TimeSpan.FromSeconds(2) });
        await keyspace.AdvanceAsync(TimeSpan.Zero);
        await keyspace.AdvanceAsync(TimeSpan.FromMinutes(1));
        await UntilAsync(held!.Lost);
    }

    [Fact]
    public async Task A_lease_is_lost_in_time_when_no_server_answers()
    {
        var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await using var lease = await client.GrantLeaseAsync(TimeSpan.FromSeconds(2));
        Assert.False(lease.Lost.IsCancellationRequested);
        await door.DisposeAsync();
        await UntilAsync(lease.Lost);
    }

    [Fact]
    public async Task A_lock_whose_key_somebody_deletes_is_lost()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await using var held = await client.LockAsync("job");
        Assert.True(await client.DeleteAsync(held!.Key));
        await UntilAsync(held.Lost);
    }

    [Fact]
    public async Task The_leader_proclaims_and_writes_only_while_it_leads()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var leader = await client.CampaignAsync("cell", "a:1");
        await leader!.ProclaimAsync("a:2");
        Assert.Equal("a:2", (await client.GetAsync(leader.Key))?.Value.ToStringUtf8());
        Assert.True((await client.TxnAsync(Guarded(leader))).Succeeded);
        Assert.False(leader.Lost.IsCancellationRequested);
        await leader.DisposeAsync();
        Assert.False((await client.TxnAsync(Guarded(leader))).Succeeded);
        await Assert.ThrowsAsync<RpcException>(() => leader.ProclaimAsync("a:3"));
    }

    /// <summary>Two servers of one keyspace; the one that is watched closes in the middle.</summary>
    [Fact]
    public async Task A_watch_is_taken_up_at_another_server_without_loss_or_repetition()
    {
        var keyspace = Door.Keyspace();
        var first = await Door.OpenAsync(keyspace);
        await using var second = await Door.OpenAsync(keyspace);
        using var watcher = Door.Client(first, second);
        using var writer = Door.Client(second);
        using var patience = new CancellationTokenSource(Patience);
        var seen = new List<string>();
        await writer.PutAsync("w/0", "x");
        await foreach (var response in watcher.WatchPrefixAsync("w/", 1, patience.Token))
        {
            seen.AddRange(response.Events.Select(change => change.Kv.Key.ToStringUtf8()));
            if (seen.Count == 1) await first.DisposeAsync();
            if (seen.Count == 10) break;
            if (response.Events.Count > 0) await writer.PutAsync($"w/{seen.Count}", "x");
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(number => $"w/{number}"), seen);
    }

    private static TxnRequest Guarded(Tenure tenure) => new()
    {
        Compare = { tenure.StillHeld() },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("guarded"), Value = ByteString.CopyFromUtf8("x") } } },
    };

    private static Task UntilAsync(CancellationToken lost)
    {
        var ended = new TaskCompletionSource();
        lost.Register(ended.SetResult);
        return ended.Task.WaitAsync(Patience);
    }
}
