using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Watches;

/// <summary>Where a watcher stands.</summary>
internal enum WatcherState : byte
{
    /// <summary>Has been told all that happened; new changes come to it as they happen.</summary>
    Synced,

    /// <summary>Behind, and in the hub's queue to be read forward.</summary>
    Lagging,

    /// <summary>Behind, and its stream has no room. It costs nothing until there is some.</summary>
    Parked,

    /// <summary>Gone.</summary>
    Cancelled,
}

/// <summary>One watch: which keys, from which revision, and how its events are shown. Its whole memory of what it has sent is one revision.</summary>
internal sealed class Watcher(WatchStream stream, long id, KeyRange range, WatchCreateRequest request)
{
    /// <summary>The stream that it belongs to.</summary>
    public WatchStream Stream { get; } = stream;

    /// <summary>Its id on the stream.</summary>
    public long Id { get; } = id;

    /// <summary>Which keys.</summary>
    public KeyRange Range { get; } = range;

    /// <summary>Whether events carry what stood there before.</summary>
    public bool WantsPrevious { get; } = request.PrevKv;

    /// <summary>Whether large revisions may be split.</summary>
    public bool AllowsFragments { get; } = request.Fragment;

    /// <summary>Whether it is told the revision from time to time while nothing happens.</summary>
    public bool WantsProgress { get; } = request.ProgressNotify;

    /// <summary>Whether puts are of interest.</summary>
    public bool WantsPuts { get; } = !request.Filters.Contains(WatchCreateRequest.Types.FilterType.Noput);

    /// <summary>Whether deletions are of interest.</summary>
    public bool WantsDeletes { get; } = !request.Filters.Contains(WatchCreateRequest.Types.FilterType.Nodelete);

    /// <summary>The first revision not yet dealt with. May lie ahead of the store.</summary>
    public long NextRevision { get; set; }

    /// <summary>Where it stands.</summary>
    public WatcherState State { get; set; } = WatcherState.Cancelled;

    /// <summary>Its place in the index of synced watchers.</summary>
    public int Place { get; set; }

    /// <summary>Whether it was told something since the last round of progress notices.</summary>
    public bool WasTold { get; set; }

    /// <summary>Events of the revision that is being handed out; empty between revisions.</summary>
    public List<Event> Gathered { get; } = [];

    /// <summary>Whether a change is of interest.</summary>
    public bool Wants(in Change change, in KeyVersion version) =>
        change.Mod >= NextRevision && (version.IsLive ? WantsPuts : WantsDeletes) && Range.Contains(change.Record.Key);
}
