using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>
/// Who asks: one token for all calls of a client. However many calls need it at once, one signs in and the others wait for it, because checking a password is dear for the server.
/// A cluster without users is asked once and remembered as such until it refuses a call without a name.
/// </summary>
internal sealed class SignIn(HoldfastClientOptions options) : IDisposable
{
    /// <summary>What a server says of a token that ended or is from before a change of users, or of a call without a name. It has executed nothing then.</summary>
    private static readonly string[] Refusals = ["etcdserver: invalid auth token", "etcdserver: revision of auth store is old", "etcdserver: user name is empty"];

    private readonly SemaphoreSlim gate = new(1, 1);
    private string? token;
    private bool isOff;

    /// <summary>The token to show; null when no user was named, or the cluster has no users.</summary>
    public ValueTask<string?> TokenAsync(ServerEndpoint server, CancellationToken cancel) =>
        options.User is null || Volatile.Read(ref isOff) ? new((string?)null)
        : Volatile.Read(ref token) is { } known ? new(known)
        : AskAsync(server, cancel);

    /// <summary>Forgets what it knows if that is what was refused: the call was not executed, and the next one signs in anew.</summary>
    public bool IsRefused(string reason)
    {
        if (options.User is null || !Array.Exists(Refusals, refusal => reason.Contains(refusal, StringComparison.Ordinal))) return false;
        Volatile.Write(ref token, null);
        Volatile.Write(ref isOff, false);
        return true;
    }

    public void Dispose() => gate.Dispose();

    private async ValueTask<string?> AskAsync(ServerEndpoint server, CancellationToken cancel)
    {
        await gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (isOff || token is not null) return token;
            var request = new AuthenticateRequest { Name = options.User!, Password = options.Password! };
            var signed = await server.Auth.AuthenticateAsync(request, new CallOptions(deadline: DateTime.UtcNow + options.Timeout, cancellationToken: cancel)).ConfigureAwait(false);
            Volatile.Write(ref token, signed.Token);
        }
        catch (RpcException failure) when (failure.Status.Detail.Contains("authentication is not enabled", StringComparison.Ordinal))
        {
            Volatile.Write(ref isOff, true); // The call goes without a name, as etcd's own client does it.
        }
        finally
        {
            gate.Release();
        }

        return token;
    }
}
