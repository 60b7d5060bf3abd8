using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;

namespace Holdfast.Client;

/// <summary>How a lock or leadership is sought and kept.</summary>
public sealed record TenureOptions
{
    /// <summary>Wait for ever; others may follow 10 seconds after this process is gone.</summary>
    public static TenureOptions Default { get; } = new();

    /// <summary>How long the lease lasts when nothing is heard from this process: whole seconds, at least 2.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long to stand in line; null is for ever. The try itself takes the time of a call or two, also with zero.</summary>
    public TimeSpan? Wait { get; init; }
}

/// <summary>
/// Something that one holds at a time, until it is disposed or <see cref="Lost"/>. A holder that was stopped for longer than its lease does not know yet that there is another:
/// whoever is written to has to compare <see cref="Fence"/> and refuse smaller ones than the largest it saw (S22).
/// </summary>
public abstract class Tenure : IAsyncDisposable
{
    private readonly HoldfastClient client;
    private readonly KeptLease lease;
    private readonly CancellationTokenSource stop = new();
    private readonly Task watching;

    private protected Tenure(HoldfastClient client, KeptLease lease, string key, long fence, long revision)
    {
        (this.client, this.lease, Key, Fence) = (client, lease, key, fence);
        watching = WatchAsync(revision);
    }

    /// <summary>The fencing token: each later holder's is larger, through failover, restart and restore.</summary>
    public long Fence { get; }

    /// <summary>The key that stands for the tenure. A transaction that compares its create revision with <see cref="Fence"/> is executed only while this holder holds.</summary>
    public string Key { get; }

    /// <summary>Cancelled when the tenure is over, or may be: the lease was not renewed in time, or somebody deleted the key.</summary>
    public CancellationToken Lost => lease.Lost;

    /// <summary>A comparison that holds only while this holder holds: put it into every transaction that only the holder may do.</summary>
    public Compare StillHeld() =>
        new() { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, Key = KeyText.Bytes(Key), CreateRevision = Fence };

    /// <summary>Gives it back.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        await lease.DisposeAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Looks out for a deletion of the key by somebody else.</summary>
    private async Task WatchAsync(long revision)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, lease.Lost);
        try
        {
            var create = new WatchCreateRequest { Key = KeyText.Bytes(Key), StartRevision = revision + 1, Filters = { WatchCreateRequest.Types.FilterType.Noput } };
            await foreach (var response in client.WatchAsync(create, over.Token).ConfigureAwait(false))
                if (response.Events.Count > 0 || response.Canceled)
                    lease.GiveUp();
        }
        catch (OperationCanceledException)
        {
            // The tenure is over.
        }
        catch (RpcException)
        {
            // Refused for good, such as a user whose rights were taken away: nobody could tell us that the key is gone, so it may be.
            lease.GiveUp();
        }
    }
}

/// <summary>A lock that this process holds.</summary>
public sealed class HeldLock : Tenure
{
    internal HeldLock(HoldfastClient client, KeptLease lease, string key, long fence, long revision) : base(client, lease, key, fence, revision)
    {
    }
}

/// <summary>An election that this process has won.</summary>
public sealed class Leadership : Tenure
{
    private readonly HoldfastClient client;
    private readonly LeaderKey leader;

    internal Leadership(HoldfastClient client, KeptLease lease, LeaderKey leader, long revision) : base(client, lease, leader.Key.ToStringUtf8(), leader.Rev, revision) =>
        (this.client, this.leader) = (client, leader);

    /// <summary>Changes what the leader proclaims; refused when it leads no more.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not be what everybody sees now.</exception>
    public Task ProclaimAsync(string value, CancellationToken cancel = default) =>
        client.Servers.WriteAsync((server, options) => server.Elections.ProclaimAsync(new ProclaimRequest { Leader = leader, Value = KeyText.Bytes(value) }, options).ResponseAsync, cancel);
}
