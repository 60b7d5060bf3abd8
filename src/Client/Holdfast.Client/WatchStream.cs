using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>One watch at one server, until it breaks. What the server refuses for good is thrown; what may be taken up elsewhere is the end of the stream.</summary>
internal sealed class WatchStream : IDisposable
{
    private readonly ServerList servers;
    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call;

    private WatchStream(ServerList servers, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call) => (this.servers, this.call) = (servers, call);

    /// <summary>Begins; null when this server cannot be asked now.</summary>
    public static async Task<WatchStream?> OpenAsync(ServerList servers, ServerEndpoint server, WatchCreateRequest create, CancellationToken cancel)
    {
        WatchStream? stream = null;
        try
        {
            stream = new WatchStream(servers, server.Watch.Watch(await servers.OptionsAsync(server, null, cancel).ConfigureAwait(false)));
            await stream.call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, cancel).ConfigureAwait(false);
            return stream;
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException or OperationCanceledException)
        {
            stream?.Dispose();
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
            return await call.ResponseStream.MoveNext(cancel).ConfigureAwait(false) ? call.ResponseStream.Current : null;
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            if (failure is RpcException refused && !servers.MayWatchElsewhere(refused)) throw;
            return null;
        }
    }

    public void Dispose() => call.Dispose();
}
