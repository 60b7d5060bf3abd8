using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Watches;

/// <summary>
/// One client's watches and its outlet. Every response costs a credit, and the sink gives credits back as it sends. Without credit, answers to the
/// client's own requests wait in a bounded queue, and events wait in the history, where they cost nothing more.
/// </summary>
internal sealed class WatchStream(WatchHub hub, IWatchSink sink, long number)
{
    /// <summary>Answers that may wait. A client that asks for more without reading is cut off.</summary>
    public const int AnswersMax = 4096;

    /// <summary>Watches on one stream.</summary>
    public const int WatchesMax = 65536;

    private static readonly Mark CutOff = new("coordination: watch stream cut off, its client does not read", elsewhere: "WatchTests: simulated watchers read what they are sent");
    private readonly BoundedQueue<WatchResponse> answers = new(AnswersMax);
    private bool wantsProgress;

    /// <summary>The watches by id, in the order of their ids.</summary>
    public SortedDictionary<long, Watcher> Watchers { get; } = [];

    /// <summary>Whose stream it is; null for nobody. Asked for each watch that is created, while auth is on.</summary>
    public Permissions.Caller? Caller { get; init; }

    /// <summary>Which of the hub's streams.</summary>
    public long Number { get; } = number;

    /// <summary>Responses that the sink can hold when it is empty.</summary>
    public int RoomMax { get; } = Math.Max(1, sink.InitialCredits);

    /// <summary>Responses that the sink still has room for.</summary>
    public long Credits { get; private set; } = Math.Max(1, sink.InitialCredits);

    /// <summary>Watches that are behind.</summary>
    public int Behind { get; set; }

    /// <summary>Whether it has ended.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The id that the next watch without a wish gets.</summary>
    public long NextId { get; set; }

    /// <summary>Whether events may be sent: there is room, and no answer waits before them.</summary>
    public bool HasRoom => Credits > 0 && answers.Count == 0 && !IsClosed;

    /// <summary>Sends the answer to a request, or queues it.</summary>
    public void Answer(WatchResponse response)
    {
        if (IsClosed) return;
        if (HasRoom)
        {
            Send(response);
            return;
        }

        if (answers.TryEnqueue(response)) return;
        CutOff.Hit();
        hub.Close(this, EtcdErrors.TooManyRequests);
    }

    /// <summary>Sends events; the caller has seen that there is room.</summary>
    public void Send(WatchResponse response)
    {
        Invariant.Holds(Credits > 0, "a watch response was sent without room for it");
        Credits--;
        sink.OnResponse(response);
    }

    /// <summary>The sink has room again.</summary>
    public void AddCredits(int responses)
    {
        Credits += responses;
        while (Credits > 0 && answers.TryDequeue(out var answer)) Send(answer);
        if (HasRoom && Behind > 0) hub.Unpark(this);
        TellProgress();
    }

    /// <summary>The client asks how far this stream is; one that is behind is told when it has caught up (etcd tells it nothing).</summary>
    public void AskProgress()
    {
        wantsProgress = true;
        TellProgress();
    }

    /// <summary>
    /// Tells the revision if the client asked and nothing before it is still owed. As in etcd 3.6 a stream without watches, or with one that begins in the
    /// future, has nothing to tell. That is looked at now and not when the client asked: a watch that was cancelled since because its revision was compacted
    /// leaves changes untold, and whoever hears of progress after that would resume behind them.
    /// </summary>
    public void TellProgress()
    {
        if (!wantsProgress || (Behind > 0 && hub.Bug != PlantedKeyspaceBug.ProgressToldWhileBehind) || !HasRoom) return;
        wantsProgress = false;
        if (Watchers.Count == 0 || Watchers.Values.Any(watcher => watcher.NextRevision > hub.NextRevision)) return;
        Send(new WatchResponse { Header = hub.Header(), WatchId = -1 });
    }

    /// <summary>Ends the stream; the sink is told unless the client itself went.</summary>
    public void End(EtcdError? error)
    {
        IsClosed = true;
        while (answers.TryDequeue(out _))
        {
            // Nobody reads them any more.
        }

        if (error is not null) sink.OnClosed(error);
    }
}
