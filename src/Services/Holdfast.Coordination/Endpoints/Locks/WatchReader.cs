using System.Threading.Channels;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.Locks;

/// <summary>A watch stream that is read response by response, by a call that waits for changes. One reader at a time.</summary>
internal sealed class WatchReader : IWatchSink, IDisposable
{
    private const int ResponsesMax = 16;

    private readonly Channel<WatchResponse> incoming;
    private readonly IWatchSession session;

    /// <summary>Watches each of the given requests; their ids are 0, 1, ... in this order.</summary>
    public WatchReader(ICoordination coordination, params ReadOnlySpan<WatchCreateRequest> requests)
    {
        var goesOnInline = coordination is CoordinationFace { CompletesInline: true };
        incoming = Channel.CreateBounded<WatchResponse>(new BoundedChannelOptions(ResponsesMax) { SingleReader = true, AllowSynchronousContinuations = goesOnInline });
        session = coordination.OpenWatch(this);
        foreach (var request in requests) session.Create(request);
    }

    /// <inheritdoc/>
    public int InitialCredits => ResponsesMax;

    /// <summary>The next response that tells a change.</summary>
    /// <exception cref="EtcdException">The watch ended: its revision is compacted, or the server stops.</exception>
    public async ValueTask<WatchResponse> NextAsync(CancellationToken cancel)
    {
        while (true)
        {
            var response = await incoming.Reader.ReadAsync(cancel).ConfigureAwait(false);
            session.AddCredits(1);
            if (response.Canceled) throw new EtcdException(response.CompactRevision != 0 ? EtcdErrors.Compacted : EtcdErrors.WatchCanceled);
            if (response.Events.Count > 0) return response;
        }
    }

    /// <inheritdoc/>
    public void OnResponse(WatchResponse response) => incoming.Writer.TryWrite(response);

    /// <inheritdoc/>
    public void OnClosed(EtcdError error) => incoming.Writer.TryComplete(new EtcdException(error));

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
