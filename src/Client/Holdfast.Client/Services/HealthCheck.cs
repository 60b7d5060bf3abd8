using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol.Health;

namespace Holdfast.Client;

/// <summary>
/// How the registering process finds out whether the instance is well. A check passes or does not within its time; why not is a sentence. The instance's lease is a check by itself (TTL): who does not renew it is gone.
/// </summary>
public abstract class HealthCheck
{
    private protected HealthCheck(Uri target) => Target = target;

    /// <summary>What is asked.</summary>
    public Uri Target { get; }

    /// <summary>Reads <c>tcp://HOST:PORT</c> (takes a connection), <c>http://...</c> or <c>https://...</c> (GET answers 2xx), <c>grpc://HOST:PORT/SERVICE</c> (grpc.health.v1 says SERVING; no service is the whole server).</summary>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public static HealthCheck Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var target) || target.Host.Length == 0) throw Unknown(text);
        return target.Scheme switch
        {
            "tcp" when target.Port > 0 => new TcpCheck(target),
            "http" or "https" => new HttpCheck(target),
            "grpc" when target.Port > 0 => new GrpcCheck(target),
            _ => throw Unknown(text),
        };
    }

    /// <summary>Null when it passes, else why not.</summary>
    public async Task<string?> FaultAsync(TimeSpan timeout, CancellationToken cancel)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        bound.CancelAfter(timeout);
        try
        {
            return await AskAsync(bound.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (!cancel.IsCancellationRequested)
        {
            return bound.IsCancellationRequested ? $"no answer within {timeout.TotalSeconds} s" : failure is RpcException refused ? refused.Status.Detail : failure.Message;
        }
    }

    private protected abstract Task<string?> AskAsync(CancellationToken cancel);

    private static ArgumentException Unknown(string text) => new($"\"{text}\" is no check: ttl, tcp://HOST:PORT, http://HOST:PORT/PATH, https://... or grpc://HOST:PORT/SERVICE");

    private sealed class TcpCheck(Uri target) : HealthCheck(target)
    {
        private protected override async Task<string?> AskAsync(CancellationToken cancel)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(Target.DnsSafeHost, Target.Port, cancel).ConfigureAwait(false);
            return null;
        }
    }

    private sealed class HttpCheck(Uri target) : HealthCheck(target)
    {
        private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) });

        private protected override async Task<string?> AskAsync(CancellationToken cancel)
        {
            using var response = await Http.GetAsync(Target, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? null : $"it answers {(int)response.StatusCode}";
        }
    }

    private sealed class GrpcCheck(Uri target) : HealthCheck(target)
    {
        private protected override async Task<string?> AskAsync(CancellationToken cancel)
        {
            using var channel = GrpcChannel.ForAddress($"http://{Target.Authority}", new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { UseProxy = false }, DisposeHttpClient = true });
            var request = new HealthCheckRequest { Service = Target.AbsolutePath.Trim('/') };
            var answer = await new Health.HealthClient(channel).CheckAsync(request, cancellationToken: cancel).ConfigureAwait(false);
            return answer.Status == HealthCheckResponse.Types.ServingStatus.Serving ? null : $"it says {answer.Status}";
        }
    }
}
