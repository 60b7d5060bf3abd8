using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Watches;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>
/// A client's watch stream seen from outside the loop. What the client asks is queued here in order, and one read at a time carries the queue to the
/// loop and then lets watches that are behind catch up, slice by slice.
/// </summary>
internal sealed class WatchSession(IKeyspaceGroup group, IWatchSink sink, CoordinationIdentity identity, Permissions.Caller? caller = null) : IWatchSession
{
    /// <summary>Requests that may wait for the loop. More than that and the client is cut off.</summary>
    private const int RequestsMax = 4096;

    private readonly Lock gate = new();
    private readonly BoundedQueue<Request> requests = new(RequestsMax);
    private WatchStream? stream; // the loop's own
    private long credits;
    private bool isScheduled, isOver;

    /// <inheritdoc/>
    public void Create(WatchCreateRequest request) => Add(new Request(request, 0));

    /// <inheritdoc/>
    public void Cancel(long watchId) => Add(new Request(null, watchId));

    /// <inheritdoc/>
    public void RequestProgress() => Add(new Request(null, Request.Progress));

    /// <inheritdoc/>
    public void AddCredits(int responses)
    {
        lock (gate) credits += responses;
        Schedule();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate) isOver = true;
        Schedule();
    }

    private void Add(in Request request)
    {
        bool isFull;
        lock (gate)
        {
            if (isOver) return;
            isFull = !requests.TryEnqueue(request);
            if (isFull) isOver = true;
        }

        Schedule();
        if (isFull) sink.OnClosed(EtcdErrors.TooManyRequests);
    }

    private void Schedule()
    {
        lock (gate)
        {
            if (isScheduled) return;
            isScheduled = true;
        }

        _ = CarryAsync();
    }

    private async Task CarryAsync()
    {
        try
        {
            await group.ReadAsync(new Carry(this), false, CancellationToken.None);
        }
        catch (EtcdException failure)
        {
            // The group is gone, and with it the loop that would have told the sink.
            lock (gate) isOver = true;
            sink.OnClosed(failure.Error);
        }
    }

    private readonly record struct Request(WatchCreateRequest? Create, long Id)
    {
        /// <summary>No watch has this id.</summary>
        public const long Progress = long.MinValue;
    }

    private sealed class Carry(WatchSession session) : KeyspaceRead<bool>
    {
        public override bool Run(CoordinationStateMachine machine, Instant now)
        {
            var hub = machine.Watches;
            session.Introduce(hub);
            while (session.Next(out var request, out var credits, out var isOver))
            {
                if (isOver)
                {
                    if (session.stream is not null) hub.Close(session.stream);
                    return true;
                }

                session.stream ??= session.Open(hub);
                Execute(hub, session.stream, request, credits);
            }

            return !hub.Pump();
        }

        private static void Execute(WatchHub hub, WatchStream stream, Request? request, long credits)
        {
            if (credits > 0) stream.AddCredits((int)credits);
            if (request is not { } wish) return;
            if (wish.Create is not null) hub.Create(stream, wish.Create);
            else if (wish.Id == Request.Progress) stream.AskProgress();
            else hub.Cancel(stream, wish.Id);
        }
    }

    private void Introduce(WatchHub hub) => (hub.ClusterId, hub.MemberId) = (identity.ClusterId, identity.MemberId);

    private WatchStream Open(WatchHub hub) => hub.Open(sink, caller);

    /// <summary>Takes what waits, in order. False when nothing does; then the next wish schedules anew.</summary>
    private bool Next(out Request? request, out long freed, out bool over)
    {
        lock (gate)
        {
            (request, freed, over) = (null, credits, isOver);
            credits = 0;
            if (over) return true;
            if (requests.TryDequeue(out var next)) request = next;
            if (request is not null || freed > 0) return true;
            isScheduled = false;
            return false;
        }
    }
}
