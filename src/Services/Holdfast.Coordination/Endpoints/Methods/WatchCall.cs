using System.Threading.Channels;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>
/// One client's watch stream. Two roads: requests are read and passed to the session; responses come from the group's loop into a queue as long as our
/// credits, are sent, and the credits go back when the client's window had room for them. So a client that does not read holds one queue, no more.
/// A client that ends its side of the stream still gets its events (etcd; curl does it).
/// </summary>
internal sealed class WatchCall : IWatchSink
{
    private static readonly Mark CreatesHeldBack = new("endpoints: a watch stream's creates wait for answers", elsewhere: "GrpcTests: there are no HTTP/2 streams in the simulator");

    private readonly CallScope scope;
    private readonly IMessageStream stream;
    private readonly Channel<WatchResponse> outgoing;
    private readonly SemaphoreSlim createPlaces;
    private readonly Lock sessionGate = new();
    private IWatchSession? session;
    private volatile bool closed;

    private WatchCall(CallScope scope, IMessageStream stream)
    {
        this.scope = scope;
        this.stream = stream;
        outgoing = Channel.CreateBounded<WatchResponse>(new BoundedChannelOptions(InitialCredits) { SingleReader = true });
        createPlaces = new SemaphoreSlim(scope.Limits.WatchCreatesUnansweredMax);
    }

    /// <inheritdoc/>
    public int InitialCredits => scope.Limits.WatchResponsesMax;

    /// <summary>Serves one stream until the client goes, the server stops or a request cannot be read.</summary>
    public static async Task ServeAsync(CallScope scope, IMessageStream stream, CancellationToken cancel)
    {
        var call = new WatchCall(scope, stream);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await using var stopping = scope.Stopping.UnsafeRegister(static sink => ((WatchCall)sink!).OnClosed(EtcdErrors.Stopped), call);
        using (call.session = scope.Coordination.OpenWatch(call))
        {
            var reading = call.ReadAsync(ended.Token);
            try
            {
                await call.SendAsync(ended.Token).ConfigureAwait(false);
            }
            finally
            {
                await ended.CancelAsync().ConfigureAwait(false);
                await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <inheritdoc/>
    public void OnResponse(WatchResponse response)
    {
        if (response.Created && createPlaces.CurrentCount < scope.Limits.WatchCreatesUnansweredMax) createPlaces.Release();
        var taken = outgoing.Writer.TryWrite(response);
        Invariant.Holds(taken || closed, "a watch session sent more responses than it had credits");
    }

    /// <inheritdoc/>
    public void OnClosed(EtcdError error)
    {
        closed = true;
        outgoing.Writer.TryComplete(new EtcdException(error));
    }

    private async Task ReadAsync(CancellationToken cancel)
    {
        try
        {
            while (await stream.ReadAsync(Shapes.Watch, cancel).ConfigureAwait(false) is { } request)
            {
                switch (request.RequestUnionCase)
                {
                    case WatchRequest.RequestUnionOneofCase.CreateRequest:
                        if (!createPlaces.Wait(0, CancellationToken.None))
                        {
                            CreatesHeldBack.Hit();
                            await createPlaces.WaitAsync(cancel).ConfigureAwait(false);
                        }

                        lock (sessionGate) session!.Create(request.CreateRequest);
                        break;
                    case WatchRequest.RequestUnionOneofCase.CancelRequest:
                        lock (sessionGate) session!.Cancel(request.CancelRequest.WatchId);
                        break;
                    case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                        lock (sessionGate) session!.RequestProgress();
                        break;
                }
            }
        }
        catch (Exception failure) when (failure is not InvariantBrokenException)
        {
            closed = true;
            outgoing.Writer.TryComplete(failure);
        }
    }

    private async Task SendAsync(CancellationToken cancel)
    {
        while (await outgoing.Reader.WaitToReadAsync(cancel).ConfigureAwait(false))
        {
            var sent = 0;
            while (outgoing.Reader.TryRead(out var response))
            {
                stream.Write(response);
                sent++;
            }

            await stream.FlushAsync(cancel).ConfigureAwait(false);
            lock (sessionGate) session!.AddCredits(sent);
        }
    }
}
