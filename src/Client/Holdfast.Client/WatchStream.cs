using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>
/// One watch at one server, until it breaks. What the server refuses for good is thrown; what may be taken up elsewhere is the end of the stream. After it was created a watch may hear nothing for days; until
/// then it has no more time than any other call, for a server may take it and never answer.
/// </summary>
internal sealed class WatchStream : IDisposable
{
    private readonly ServerList servers;
    private readonly CancellationTokenSource over;
    private AsyncDuplexStreamingCall<WatchRequest, WatchResponse>? call;

    private WatchStream(ServerList servers, CancellationToken cancel)
    {
        this.servers = servers;
        over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(servers.Timeout);
    }

    /// <summary>Begins; null when this server cannot be asked now.</summary>
    public static async Task<WatchStream?> OpenAsync(ServerList servers, ServerEndpoint server, WatchCreateRequest create, CancellationToken cancel)
    {
        var stream = new WatchStream(servers, cancel);
        try
        {
            stream.call = server.Watch.Watch(await servers.OptionsAsync(server, null, stream.over.Token).ConfigureAwait(false));
            await stream.call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, stream.over.Token).ConfigureAwait(false);
            return stream;
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException or OperationCanceledException)
        {
            stream.Dispose();
            cancel.ThrowIfCancellationRequested();
            if (failure is RpcException refused && !servers.MayWatchElsewhere(refused)) throw;
            return null; // The connection could not be made, or the call had ended before the request was written.
        }
    }

    /// <summary>The next response; null when the stream has ended.</summary>
    public async Task<WatchResponse?> NextAsync(CancellationToken cancel)
    {
        try
        {
            if (!await call!.ResponseStream.MoveNext(over.Token).ConfigureAwait(false)) return null;
            over.CancelAfter(Timeout.InfiniteTimeSpan);
            return call.ResponseStream.Current;
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            if (failure is RpcException refused && !servers.MayWatchElsewhere(refused)) throw;
            return null;
        }
    }

    public void Dispose()
    {
        call?.Dispose();
        over.Dispose();
    }
}
