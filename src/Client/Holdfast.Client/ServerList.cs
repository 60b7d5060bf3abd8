using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>
/// The servers, one of them preferred until it fails, and how a call travels over them. A read goes to the next server when one does not answer. A write goes to the next only
/// if it is certain that the first never got it; otherwise its outcome is unknown, and that is said, never retried (S25).
/// </summary>
internal sealed class ServerList : IDisposable
{
    private readonly HoldfastClientOptions options;
    private readonly ServerEndpoint[] servers;
    private readonly SignIn signIn;
    private int preferred;

    public ServerList(HoldfastClientOptions options)
    {
        if (options.Validate() is { Count: > 0 } faults) throw new ArgumentException(string.Join("; ", faults), nameof(options));
        this.options = options;
        signIn = new SignIn(options);
        servers = [.. options.Endpoints.Select(address => new ServerEndpoint(address, options))];
    }

    public IReadOnlyList<ServerEndpoint> All => servers;

    /// <summary>Whom to ask now.</summary>
    public ServerEndpoint Preferred => servers[Volatile.Read(ref preferred)];

    /// <summary>For one call at one server.</summary>
    public TimeSpan Timeout => options.Timeout;

    /// <summary>Asks another server from now on, unless somebody has already turned away from the one that failed.</summary>
    public void PreferNext(ServerEndpoint failed)
    {
        var at = Array.IndexOf(servers, failed);
        Interlocked.CompareExchange(ref preferred, (at + 1) % servers.Length, at);
    }

    /// <summary>How long to wait before a server is asked again after so many failures in a row: 50 ms to 1 s.</summary>
    public static TimeSpan Backoff(int failures) => TimeSpan.FromMilliseconds(Math.Min(1000, 25 << Math.Min(failures, 6)));

    /// <summary>The options of a call with this much time, or without an end; signed in if there is a user.</summary>
    public async ValueTask<CallOptions> OptionsAsync(ServerEndpoint server, TimeSpan? timeout, CancellationToken cancel)
    {
        var headers = await signIn.TokenAsync(server, cancel).ConfigureAwait(false) is { } signed ? new Metadata { { "token", signed } } : null;
        return new CallOptions(headers, timeout is { } bound ? DateTime.UtcNow + bound : null, cancel);
    }

    /// <summary>Forgets the token if that is what the server refused: the call was not executed, and the next one signs in anew.</summary>
    public bool IsTokenRefused(RpcException failure) => signIn.IsRefused(failure.Status.Detail);

    /// <summary>The same for a watch, which is refused in a response.</summary>
    public bool IsTokenRefused(WatchResponse response) => response.Canceled && signIn.IsRefused(response.CancelReason);

    /// <summary>Whether a watch that failed like this is taken up elsewhere, or again with a new token.</summary>
    public bool MayWatchElsewhere(RpcException failure) => IsTokenRefused(failure) || CallOutcome.MayWatchElsewhere(failure);

    /// <summary>A token for whoever makes calls beside this library; null when no user was named, or the cluster has no users.</summary>
    public Task<string?> TokenAsync(CancellationToken cancel) => ReadAsync(async (server, _) => await signIn.TokenAsync(server, cancel).ConfigureAwait(false), cancel);

    public async Task<T> ReadAsync<T>(Func<ServerEndpoint, CallOptions, Task<T>> call, CancellationToken cancel)
    {
        for (var (attempt, isSignedInAnew) = (1, false); ;)
        {
            var server = Preferred;
            try
            {
                return await call(server, await OptionsAsync(server, Timeout, cancel).ConfigureAwait(false)).ConfigureAwait(false);
            }
            catch (RpcException failure) when (failure.StatusCode == StatusCode.Cancelled && cancel.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Status.Detail, failure, cancel);
            }
            catch (RpcException failure) when (!isSignedInAnew && IsTokenRefused(failure))
            {
                isSignedInAnew = true;
            }
            catch (RpcException failure) when (attempt < servers.Length && CallOutcome.MayReadElsewhere(failure))
            {
                PreferNext(server);
                attempt++;
            }
        }
    }

    public async Task<T> WriteAsync<T>(Func<ServerEndpoint, CallOptions, Task<T>> call, CancellationToken cancel)
    {
        for (var (attempt, isSignedInAnew) = (1, false); ;)
        {
            var server = Preferred;
            var wasSent = false;
            try
            {
                var with = await OptionsAsync(server, Timeout, cancel).ConfigureAwait(false);
                wasSent = true;
                return await call(server, with).ConfigureAwait(false);
            }
            catch (RpcException failure) when (!wasSent && failure.StatusCode == StatusCode.Cancelled && cancel.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Status.Detail, failure, cancel);
            }
            catch (RpcException failure) when (!isSignedInAnew && IsTokenRefused(failure))
            {
                isSignedInAnew = true;
            }
            catch (RpcException failure) when (attempt < servers.Length && (CallOutcome.NeverArrived(failure) || (!wasSent && CallOutcome.MayReadElsewhere(failure))))
            {
                PreferNext(server);
                attempt++;
            }
            catch (RpcException failure) when (wasSent && CallOutcome.IsUnknown(failure))
            {
                // Whoever asks next, for instance to find out what became of it, asks somebody who may answer.
                PreferNext(server);
                throw new OutcomeUnknownException(server.Address, failure);
            }
        }
    }

    public void Dispose()
    {
        Array.ForEach(servers, server => server.Dispose());
        signIn.Dispose();
    }
}
