using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>
/// The servers, one of them preferred until it fails, and how a call travels over them. A read goes to the next server when one does not answer. A write goes to the next only
/// if it is certain that the first never got it; otherwise its outcome is unknown, and that is said, never retried (S25).
/// </summary>
internal sealed class ServerList : IDisposable
{
    /// <summary>What a server says of a token that ended, or that is from before a change of users. It has executed nothing then.</summary>
    private static readonly string[] TokenRefusals = ["etcdserver: invalid auth token", "etcdserver: revision of auth store is old"];

    private readonly HoldfastClientOptions options;
    private readonly ServerEndpoint[] servers;
    private int preferred;
    private string? token;

    public ServerList(HoldfastClientOptions options)
    {
        if (options.Validate() is { Count: > 0 } faults) throw new ArgumentException(string.Join("; ", faults), nameof(options));
        this.options = options;
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
        if (options.User is not null && Volatile.Read(ref token) is null) await SignInAsync(server, cancel).ConfigureAwait(false);
        var headers = Volatile.Read(ref token) is { } signed ? new Metadata { { "token", signed } } : null;
        return new CallOptions(headers, timeout is { } bound ? DateTime.UtcNow + bound : null, cancel);
    }

    /// <summary>Forgets the token if that is what the server refused: the call was not executed, and the next one signs in anew.</summary>
    public bool IsTokenRefused(RpcException failure)
    {
        if (options.User is null || !TokenRefusals.Contains(failure.Status.Detail)) return false;
        Volatile.Write(ref token, null);
        return true;
    }

    public async Task<T> ReadAsync<T>(Func<ServerEndpoint, CallOptions, Task<T>> call, CancellationToken cancel)
    {
        for (var (attempt, isSignedInAnew) = (1, false); ;)
        {
            var server = Preferred;
            try
            {
                return await call(server, await OptionsAsync(server, Timeout, cancel).ConfigureAwait(false)).ConfigureAwait(false);
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

    public void Dispose() => Array.ForEach(servers, server => server.Dispose());

    private async Task SignInAsync(ServerEndpoint server, CancellationToken cancel)
    {
        var request = new AuthenticateRequest { Name = options.User!, Password = options.Password! };
        try
        {
            var signed = await server.Auth.AuthenticateAsync(request, new CallOptions(deadline: DateTime.UtcNow + Timeout, cancellationToken: cancel)).ConfigureAwait(false);
            Volatile.Write(ref token, signed.Token);
        }
        catch (RpcException failure) when (failure.Status.Detail.Contains("authentication is not enabled", StringComparison.Ordinal))
        {
            // Nobody is asked for a name: the call goes without, as etcd's own client does it.
        }
    }
}
