using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Client;

/// <summary>
/// How a place in line becomes a tenure. A try whose answer did not come is not repeated with the same lease: the server that lost us takes our place out of the line, and could do so after
/// another server has told us that it is ours (S25). Its lease is revoked, which ends whatever became of it, and the next try stands in line anew.
/// </summary>
internal static class Contest
{
    /// <summary>The time that a try has also when nobody wants to wait: a free lock takes two rounds.</summary>
    private static readonly TimeSpan ShortestTry = TimeSpan.FromSeconds(2);

    /// <summary>What the lock and election services say, as UNKNOWN, of a try that may go well next time.</summary>
    private static readonly string[] Passing = ["session is expired", "lease not found", "leader", "timed out", "stopped", "watch"];

    /// <summary>Tries until it is held or the wait is over (null). A cluster that was never reached is a failure, not a wait.</summary>
    public static async Task<T?> HoldAsync<T>(HoldfastClient client, TenureOptions options, Func<KeptLease, DateTime?, CancellationToken, Task<T>> enter, CancellationToken cancel)
        where T : Tenure
    {
        var begunMs = Environment.TickCount64;
        var wasReached = false;
        for (var failures = 1; ; failures++)
        {
            var rest = options.Wait - TimeSpan.FromMilliseconds(Environment.TickCount64 - begunMs);
            KeptLease? lease = null;
            try
            {
                lease = await client.GrantLeaseAsync(options.Ttl, cancel).ConfigureAwait(false);
                wasReached = true;
                using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel, lease.Lost);
                return await enter(lease, rest is { } bound ? DateTime.UtcNow + (bound > ShortestTry ? bound : ShortestTry) : null, over.Token).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                // Whatever went wrong: a lease that nobody gives back would be renewed as long as this process lives.
                if (lease is not null) await lease.DisposeAsync().ConfigureAwait(false);
                if (failure is not (RpcException or OutcomeUnknownException or OperationCanceledException)) throw;
                cancel.ThrowIfCancellationRequested();

                // A lease that may have been granted and that nobody keeps holds no place in line and ends by itself: another may be asked for.
                wasReached |= failure is OutcomeUnknownException;
                if (!wasReached || !MayTryAgain(client, failure)) throw;
                if (options.Wait is { } wait && Environment.TickCount64 - begunMs >= wait.TotalMilliseconds) return null;
                await Task.Delay(ServerList.Backoff(failures), cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>One try for a lock.</summary>
    public static async Task<HeldLock> LockAsync(HoldfastClient client, string name, KeptLease lease, DateTime? deadline, CancellationToken cancel)
    {
        var held = await AskAsync(
            client, deadline, (server, with) => server.Locks.LockAsync(new LockRequest { Name = KeyText.Bytes(name), Lease = lease.Id }, with).ResponseAsync, cancel).ConfigureAwait(false);
        var fence = held.Fence != 0 ? held.Fence : await FenceOfAsync(client, held, cancel).ConfigureAwait(false);
        return new HeldLock(client, lease, held.Key.ToStringUtf8(), fence, held.Header.Revision);
    }

    /// <summary>One try to lead.</summary>
    public static async Task<Leadership> CampaignAsync(HoldfastClient client, string name, string value, KeptLease lease, DateTime? deadline, CancellationToken cancel)
    {
        var request = new CampaignRequest { Name = KeyText.Bytes(name), Lease = lease.Id, Value = KeyText.Bytes(value) };
        var won = await AskAsync(client, deadline, (server, with) => server.Elections.CampaignAsync(request, with).ResponseAsync, cancel).ConfigureAwait(false);

        // The header may be from before the wait: what came after our key was created is to be seen, and nothing before.
        return new Leadership(client, lease, won.Leader, won.Leader.Rev);
    }

    private static async Task<T> AskAsync<T>(HoldfastClient client, DateTime? deadline, Func<ServerEndpoint, CallOptions, Task<T>> call, CancellationToken cancel)
    {
        var server = client.Servers.Preferred;
        try
        {
            var with = await client.Servers.OptionsAsync(server, null, cancel).ConfigureAwait(false);
            return await call(server, deadline is { } bound ? with.WithDeadline(bound) : with).ConfigureAwait(false);
        }
        catch (RpcException failure) when (failure.StatusCode is StatusCode.Unavailable or StatusCode.Internal)
        {
            client.Servers.PreferNext(server);
            throw;
        }
    }

    /// <summary>The fence of a lock that a server granted which does not tell it (etcd itself): its key's create revision.</summary>
    private static async Task<long> FenceOfAsync(HoldfastClient client, LockResponse held, CancellationToken cancel)
    {
        var seen = await client.RangeAsync(new RangeRequest { Key = held.Key }, cancel).ConfigureAwait(false);
        return seen.Kvs.Count > 0 ? seen.Kvs[0].CreateRevision : throw new OperationCanceledException("the lock was lost as soon as it was granted");
    }

    private static bool MayTryAgain(HoldfastClient client, Exception failure) => failure switch
    {
        RpcException { StatusCode: StatusCode.Unknown } refused => Array.Exists(Passing, text => refused.Status.Detail.Contains(text, StringComparison.Ordinal)),
        RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.Internal or StatusCode.NotFound } => true,
        RpcException refused => client.Servers.IsTokenRefused(refused),
        _ => true,
    };
}
