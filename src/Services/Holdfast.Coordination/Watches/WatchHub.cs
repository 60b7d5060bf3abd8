using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Watches;

/// <summary>
/// All watches of one replica. A watcher is either synced, and then found by the key that changes, or it is behind, and then it reads the same
/// <see cref="RevisionLog"/> forward from its own revision. A synced watcher whose stream has no room simply falls behind: there is no queue of events
/// to overflow. Each watcher gets every change that it asked for once, in order, a revision never split unless it allows fragments.
/// Everything happens on the group's loop.
/// </summary>
internal sealed class WatchHub
{
    /// <summary>Bytes of events per response; what is above is split where the client allows it.</summary>
    public const int ResponseBytesMax = 1024 * 1024;

    /// <summary>Changes looked at per slice for watchers that are behind: well below a millisecond.</summary>
    private const int ChangesPerSlice = 4096;


    private static readonly Mark FellBehind = new("coordination: synced watcher fell behind");
    private static readonly Mark CompactedAway = new("coordination: watcher cancelled, its revision was compacted");
    private readonly SortedDictionary<long, WatchStream> streams = [];
    private readonly WatcherIndex synced = new();
    private readonly Queue<Watcher> lagging = new();
    private readonly List<Watcher> touched = [];
    private MvccStore store;
    private long dispatched, streamsOpened;
    private Instant nextProgress = Instant.Zero;

    /// <summary>Watches over a store.</summary>
    public WatchHub(MvccStore store)
    {
        this.store = store;
        dispatched = store.Log.End;
    }

    /// <summary>Asked before a watch is created. A watch that exists goes on when its user loses the permission, as in etcd.</summary>
    public Permissions.AuthGuard? Guard { get; set; }

    /// <summary>For response headers.</summary>
    public ulong ClusterId { get; set; }

    /// <summary>For response headers.</summary>
    public ulong MemberId { get; set; }

    /// <summary>For response headers.</summary>
    public Term Term { get; set; }

    /// <summary>The revision that the next change will have.</summary>
    public long NextRevision => store.Revision + 1;

    /// <summary>A mistake that the simulator plants.</summary>
    public PlantedKeyspaceBug Bug { get; set; }

    /// <summary>How often a watch that asked for it is told the revision while nothing happens. Set before anything runs.</summary>
    public TimeSpan ProgressInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Open streams.</summary>
    public int StreamCount => streams.Count;

    /// <summary>Watches, synced or not.</summary>
    public int WatcherCount { get; private set; }

    /// <summary>Watches that are behind and read forward from the history.</summary>
    public int LaggingCount => lagging.Count;

    /// <summary>Opens a stream.</summary>
    public WatchStream Open(IWatchSink sink, Permissions.Caller? caller = null)
    {
        var stream = new WatchStream(this, sink, streamsOpened++) { Caller = caller };
        streams.Add(stream.Number, stream);
        return stream;
    }

    /// <summary>Ends a stream and all its watches. Without an error its client is the one who went.</summary>
    public void Close(WatchStream stream, EtcdError? error = null)
    {
        if (stream.IsClosed) return;
        foreach (var watcher in stream.Watchers.Values) Detach(watcher);
        stream.Watchers.Clear();
        streams.Remove(stream.Number);
        stream.End(error);
    }

    /// <summary>Ends all streams.</summary>
    public void CloseAll(EtcdError error)
    {
        foreach (var stream in streams.Values.ToArray()) Close(stream, error);
    }

    /// <summary>A header that says how far the store is.</summary>
    public ResponseHeader Header(long? revision = null) =>
        new() { ClusterId = ClusterId, MemberId = MemberId, Revision = revision ?? store.Revision, RaftTerm = Term.Value };

    /// <summary>Creates a watch and answers.</summary>
    public void Create(WatchStream stream, WatchCreateRequest request)
    {
        if (stream.IsClosed) return;

        // etcd's ways to say "from the first key on" and "all keys".
        var key = request.Key.IsEmpty ? Google.Protobuf.ByteString.CopyFrom(0) : request.Key;
        var range = KeyRange.Of(key, request.RangeEnd);
        var answer = new WatchResponse { Header = Header(), WatchId = -1, Created = true };
        if ((AuthRefusal(stream, request) ?? Refusal(stream, request, range)) is { } reason)
        {
            (answer.Canceled, answer.CancelReason) = (true, reason);
            stream.Answer(answer);
            return;
        }

        var id = request.WatchId;
        if (id == 0)
        {
            while (stream.Watchers.ContainsKey(stream.NextId)) stream.NextId++;
            id = stream.NextId++;
        }

        var watcher = new Watcher(stream, id, range, request);
        stream.Watchers.Add(id, watcher);
        WatcherCount++;
        answer.WatchId = id;
        stream.Answer(answer);
        if (stream.IsClosed) return;
        watcher.NextRevision = request.StartRevision == 0 ? store.Revision + 1 : request.StartRevision;
        if (watcher.NextRevision > store.Revision) Sync(watcher);
        else FallBehind(watcher);
    }

    /// <summary>Cancels a watch and answers. etcd does not answer for an id that it does not know.</summary>
    public void Cancel(WatchStream stream, long id)
    {
        if (!stream.Watchers.Remove(id, out var watcher)) return;
        Detach(watcher);
        stream.Answer(new WatchResponse { Header = Header(), WatchId = id, Canceled = true });
        stream.TellProgress();
    }

    /// <summary>The store may have changed: hands the new revisions to the synced watchers.</summary>
    public void OnChanged()
    {
        while (dispatched < store.Log.End)
        {
            var mod = store.Log[dispatched].Mod;
            while (dispatched < store.Log.End && store.Log[dispatched].Mod == mod)
            {
                ref readonly var change = ref store.Log[dispatched++];
                if (WatcherCount > 0) Gather(change);
            }

            foreach (var watcher in touched) HandOut(watcher, mod);
            touched.Clear();
        }
    }

    /// <summary>Reads watchers that are behind forward, a slice's worth. True when there is more to do.</summary>
    public bool Pump()
    {
        var budget = ChangesPerSlice;
        for (var turns = lagging.Count; turns > 0 && budget > 0; turns--)
        {
            var watcher = lagging.Dequeue();
            if (watcher.State != WatcherState.Lagging) continue;
            Advance(watcher, ref budget);
            if (watcher.State == WatcherState.Lagging) lagging.Enqueue(watcher);
        }

        return lagging.Count > 0;
    }

    /// <summary>Sends progress notices that are due.</summary>
    public void Tick(Instant now)
    {
        if (now < nextProgress) return;
        var isFirst = nextProgress == Instant.Zero;
        nextProgress = now + ProgressInterval;
        if (isFirst) return;
        foreach (var stream in streams.Values)
            foreach (var watcher in stream.Watchers.Values) Notify(watcher);
    }

    /// <summary>A stream has room again: its watchers that are behind go on.</summary>
    public void Unpark(WatchStream stream)
    {
        foreach (var watcher in stream.Watchers.Values)
        {
            if (watcher.State != WatcherState.Parked) continue;
            watcher.State = WatcherState.Lagging;
            lagging.Enqueue(watcher);
        }
    }

    /// <summary>A snapshot replaced the store. Each watcher goes on from its own revision in the new history, or learns that it is compacted there.</summary>
    public void OnReplaced(MvccStore replacement)
    {
        store = replacement;
        dispatched = store.Log.End;
        if (Bug == PlantedKeyspaceBug.WatchMissesRestored) return;
        foreach (var stream in streams.Values)
        {
            foreach (var watcher in stream.Watchers.Values)
            {
                if (watcher.State != WatcherState.Synced || watcher.NextRevision > store.Revision) continue;
                synced.Remove(watcher);
                FallBehind(watcher);
            }
        }
    }

    /// <summary>etcd 3.6 sends the text of the gRPC error here, code and all.</summary>
    private string? AuthRefusal(WatchStream stream, WatchCreateRequest request)
    {
        if (Guard is not { IsOn: true } guard) return null;
        var refused = guard.Resolve(stream.Caller, out var who) ?? guard.RefusalOf(who, request);
        return refused is null ? null : $"rpc error: code = {refused.Code} desc = {refused.Message}";
    }

    private static string? Refusal(WatchStream stream, WatchCreateRequest request, in KeyRange range)
    {
        if (request.StartRevision < 0) return EtcdErrors.Compacted.Message;
        if (range.IsEmpty) return EtcdErrors.EmptyWatcherRange;
        if (request.WatchId != 0 && stream.Watchers.ContainsKey(request.WatchId)) return EtcdErrors.DuplicateWatchId;
        return stream.Watchers.Count >= WatchStream.WatchesMax ? EtcdErrors.TooManyRequests.Message : null;
    }

    private void Gather(in Change change)
    {
        var place = change.Record.PlaceOf(change.Mod, change.Sub);
        Invariant.Holds(place >= 0, "a change in the log has lost its version");
        ref readonly var version = ref change.Record[place];
        WatchEvent shared = default;
        foreach (var watcher in synced.Ranges) Offer(watcher, ref shared, change, version);
        if (synced.Of(change.Record.Key) is not { } exact) return;
        foreach (var watcher in exact) Offer(watcher, ref shared, change, version);
    }

    private void Offer(Watcher watcher, ref WatchEvent shared, in Change change, in KeyVersion version)
    {
        if (!watcher.Wants(change, version)) return;
        if (watcher.Gathered.Count == 0) touched.Add(watcher);
        watcher.Gathered.Add(shared.For(watcher, store, change, version));
    }

    private void HandOut(Watcher watcher, long revision)
    {
        // An answer that could not be queued may have closed the stream meanwhile.
        if (watcher.State != WatcherState.Synced)
        {
            watcher.Gathered.Clear();
            return;
        }

        if (watcher.Stream.HasRoom && watcher.Stream.Credits >= WatchDelivery.ResponsesFor(watcher))
        {
            WatchDelivery.Send(watcher, Header(revision));
            watcher.NextRevision = Math.Max(watcher.NextRevision, revision + 1);
            return;
        }

        FellBehind.Hit();
        watcher.Gathered.Clear();
        watcher.NextRevision = Math.Max(watcher.NextRevision, Bug == PlantedKeyspaceBug.WatchSkipsRevision ? revision + 1 : revision);
        synced.Remove(watcher);
        FallBehind(watcher);
    }

    private void Advance(Watcher watcher, ref int budget)
    {
        if (watcher.NextRevision < store.Compacted && Bug != PlantedKeyspaceBug.WatchSkipsCompacted)
        {
            CancelCompacted(watcher);
            return;
        }

        var position = store.Log.PositionOf(watcher.NextRevision);
        var bytes = 0;
        budget--;
        while (position < store.Log.End && budget > 0 && bytes < ResponseBytesMax)
        {
            if (!watcher.Stream.HasRoom)
            {
                watcher.State = WatcherState.Parked;
                break;
            }

            var mod = store.Log[position].Mod;
            var before = watcher.Gathered.Count;
            var begin = position;
            for (; position < store.Log.End && store.Log[position].Mod == mod; position++, budget--) bytes += GatherOne(watcher, store.Log[position]);

            // A revision too large for one response goes out alone, so that all its fragments have room at once or none is begun.
            if (before > 0 && bytes >= ResponseBytesMax)
            {
                watcher.Gathered.RemoveRange(before, watcher.Gathered.Count - before);
                position = begin;
                break;
            }

            watcher.NextRevision = mod + 1;
        }

        Deliver(watcher, position);
    }

    private int GatherOne(Watcher watcher, in Change change)
    {
        var place = change.Record.PlaceOf(change.Mod, change.Sub);
        Invariant.Holds(place >= 0, "a change in the log has lost its version");
        ref readonly var version = ref change.Record[place];
        if (!watcher.Wants(change, version)) return 0;
        WatchEvent shared = default;
        var made = shared.For(watcher, store, change, version);
        watcher.Gathered.Add(made);
        return made.CalculateSize();
    }

    private void Deliver(Watcher watcher, long position)
    {
        if (watcher.Gathered.Count > 0)
        {
            if (watcher.Stream.Credits < WatchDelivery.ResponsesFor(watcher))
            {
                // Not all fragments fit: read again when there is room for them. The first event's revision is where to begin.
                watcher.NextRevision = watcher.Gathered[0].Kv.ModRevision;
                watcher.Gathered.Clear();
                watcher.State = WatcherState.Parked;
                return;
            }

            WatchDelivery.Send(watcher, Header());
        }

        if (position < store.Log.End || watcher.State != WatcherState.Lagging) return;
        watcher.Stream.Behind--;
        watcher.NextRevision = Math.Max(watcher.NextRevision, store.Revision + 1);
        Sync(watcher);
        watcher.Stream.TellProgress();
    }

    private void CancelCompacted(Watcher watcher)
    {
        CompactedAway.Hit();
        var stream = watcher.Stream;
        stream.Watchers.Remove(watcher.Id);
        Detach(watcher);
        stream.Answer(new WatchResponse { Header = Header(), WatchId = watcher.Id, Canceled = true, CompactRevision = store.Compacted });
    }

    /// <summary>A watch that begins in the future is told nothing: its client would resume below where it asked to begin (etcd #20221).</summary>
    private void Notify(Watcher watcher)
    {
        var isDue = watcher.WantsProgress && !watcher.WasTold && watcher.State == WatcherState.Synced;
        if (isDue && watcher.NextRevision <= NextRevision && watcher.Stream.HasRoom)
            watcher.Stream.Send(new WatchResponse { Header = Header(), WatchId = watcher.Id });
        watcher.WasTold = false;
    }

    private void Sync(Watcher watcher)
    {
        watcher.State = WatcherState.Synced;
        synced.Add(watcher);
    }

    private void FallBehind(Watcher watcher)
    {
        watcher.Stream.Behind++;
        if (watcher.Stream.HasRoom)
        {
            watcher.State = WatcherState.Lagging;
            lagging.Enqueue(watcher);
        }
        else
        {
            watcher.State = WatcherState.Parked;
        }
    }

    private void Detach(Watcher watcher)
    {
        if (watcher.State == WatcherState.Synced) synced.Remove(watcher);
        if (watcher.State is WatcherState.Lagging or WatcherState.Parked) watcher.Stream.Behind--;
        watcher.State = WatcherState.Cancelled;
        WatcherCount--;
    }
}
