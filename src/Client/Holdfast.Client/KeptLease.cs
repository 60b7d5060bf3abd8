using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>
/// A lease that is renewed every third of its time, at whichever server answers, until it is disposed (which revokes it) or lost. It counts as lost when its time has passed
/// since the *sending* of the last renewal that was answered: the server, which counts from the arrival, still keeps it then, so nobody else has what hangs on it before <see cref="Lost"/>.
/// </summary>
public sealed class KeptLease : IAsyncDisposable
{
    private readonly ServerList servers;
    private readonly CancellationTokenSource lost = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Task keeping;
    private readonly TimeSpan ttl;
    private long renewedMs;

    internal KeptLease(ServerList servers, long id, TimeSpan ttl, long grantedMs)
    {
        (this.servers, Id, this.ttl, renewedMs) = (servers, id, ttl, grantedMs);
        Lost = lost.Token;
        keeping = KeepAsync();
    }

    /// <summary>The lease's id, to be named in puts.</summary>
    public long Id { get; }

    /// <summary>Cancelled when the lease is gone, or may be: what hangs on it belongs to somebody else from now on.</summary>
    public CancellationToken Lost { get; }

    private TimeSpan Rest => ttl - TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref renewedMs));

    /// <summary>Revokes the lease, and with it deletes the keys that hang on it; if no server answers, its time does that.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await keeping.ConfigureAwait(false);
        if (lost.IsCancellationRequested) return;
        try
        {
            // Revoking twice is harmless, so it may be asked again elsewhere.
            await servers.ReadAsync((server, options) => server.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = Id }, options).ResponseAsync, CancellationToken.None).ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // It ends by itself.
        }
    }

    /// <summary>Says that what hangs on the lease is gone although the lease may live.</summary>
    internal void GiveUp() => lost.Cancel();

    private async Task KeepAsync()
    {
        try
        {
            for (var failures = 0; !lost.IsCancellationRequested;)
            {
                var pause = failures == 0 ? ttl / 3 : ServerList.Backoff(failures);
                await Task.Delay(pause < Rest ? pause : Rest > TimeSpan.Zero ? Rest : TimeSpan.Zero, stop.Token).ConfigureAwait(false);
                failures = Rest > TimeSpan.Zero && await RenewAsync().ConfigureAwait(false) ? 0 : failures + 1;
                if (Rest <= TimeSpan.Zero) await lost.CancelAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    /// <summary>One renewal at one server. False when it was not answered; one that is answered by "gone" ends the lease.</summary>
    private async Task<bool> RenewAsync()
    {
        var server = servers.Preferred;
        var sentMs = Environment.TickCount64;
        try
        {
            // One silent server may not use up the time in which another would answer.
            var share = ttl / 3 < servers.Timeout ? ttl / 3 : servers.Timeout;
            var bound = Rest < share ? Rest : share;
            using var call = server.Lease.LeaseKeepAlive(await servers.OptionsAsync(server, bound, stop.Token).ConfigureAwait(false));
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = Id }, stop.Token).ConfigureAwait(false);
            if (!await call.ResponseStream.MoveNext(stop.Token).ConfigureAwait(false)) return false;
            if (call.ResponseStream.Current.TTL > 0) Volatile.Write(ref renewedMs, sentMs);
            else await lost.CancelAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException)
        {
            stop.Token.ThrowIfCancellationRequested();
            if (failure is not RpcException refused || !servers.IsTokenRefused(refused)) servers.PreferNext(server);
            return false;
        }
    }
}
