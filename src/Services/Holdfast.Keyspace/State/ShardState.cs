using Holdfast.Cluster;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>Everything that a shard replicates: keys, the slots it owns, and a rolling hash over all effects.</summary>
internal sealed class ShardState : IBeforeChange, IDisposable
{
    private readonly List<Keyspace> retired = [];
    private bool isUndoOn;

    public ShardState()
    {
        Undo = new UndoLog(this);
        WatchChanges();
    }

    public Keyspace Keyspace { get; private set; } = new();

    public SlotOwnership Slots { get; private set; } = new();

    /// <summary>A planted bug: what a lost tail did to the ownership stays.</summary>
    public bool KeepsLostOwnership { get; set; }

    /// <summary>The highest token of each lock that was declared here (S22).</summary>
    public FenceTable Fences { get; private set; } = new();

    /// <summary>Who is told which keys change, because slots are copied away; null while none are. Not part of the state.</summary>
    public IChangeTracker? Tracker { get; set; }

    /// <summary>Keys in the slots that are served here.</summary>
    public long ServedKeys
    {
        get
        {
            var keys = Keyspace.KeyCount;
            foreach (var (_, move) in Slots.Outgoing)
                if (move.Phase != DeparturePhase.Open) keys -= CountIn(move.Slots);
            foreach (var (_, move) in Slots.Incoming) keys -= CountIn(move.Slots);
            return keys;
        }
    }

    /// <summary>Over all effects in order, those of other terms included.</summary>
    public ulong Hash { get; set; }

    /// <summary>What takes executed entries back.</summary>
    public UndoLog Undo { get; }

    /// <summary>The snapshot that is being walked; null when none is.</summary>
    public SnapshotWalk? Walk
    {
        get;
        set
        {
            field = value;
            WatchChanges();
        }
    }

    /// <summary>Whether changes are remembered, so that they can be taken back: while executing at append, not while applying what is committed.</summary>
    public bool IsUndoOn
    {
        get => isUndoOn;
        set
        {
            if (isUndoOn == value) return;
            isUndoOn = value;
            WatchChanges();
        }
    }

    /// <summary>Keys in some slots.</summary>
    public long CountIn(SlotRanges slots)
    {
        var keys = 0L;
        foreach (var slot in slots.Slots()) keys += Keyspace.CountIn(slot);
        return keys;
    }

    /// <summary>The ownership, to be changed; what it was can be brought back when the change is taken back.</summary>
    public SlotOwnership ChangeSlots()
    {
        if (!isUndoOn) return Slots;
        Undo.Save(Slots);
        return Slots = Slots.Copy();
    }

    /// <summary>The fences, to be changed. That is not taken back: a declaration in a lost tail means to rebuild.</summary>
    public FenceTable ChangeFences()
    {
        if (isUndoOn) Undo.CannotTakeBack();
        return Fences;
    }

    /// <summary>Reads the fences of a snapshot; false when they are of another format.</summary>
    public bool TryReadFences(ref SpanReader reader)
    {
        if (FenceTable.Read(ref reader) is not { } read) return false;
        Fences = read;
        return true;
    }

    /// <summary>The ownership becomes what it was.</summary>
    public void Bring(SlotOwnership before) => Slots = before;

    /// <summary>Removes every key: an empty keyspace takes the place of the old one, which undoing can bring back.</summary>
    public void Flush()
    {
        var old = Keyspace;
        Tracker?.OnFlushed();
        if (!Slots.Incoming.IsEmpty) ChangeSlots().OnFlushed();
        Keyspace = old.Emptied();
        WatchChanges();
        old.Before = null;
        if (isUndoOn) Undo.SaveAll(old);
        else retired.Add(old);
    }

    /// <summary>A keyspace that was flushed comes back; the present one goes.</summary>
    public void Bring(Keyspace old)
    {
        Keyspace.Before = null;
        retired.Add(Keyspace);
        Keyspace = old;
        WatchChanges();
    }

    /// <summary>A flushed keyspace will never come back.</summary>
    public void Retire(Keyspace old) => retired.Add(old);

    /// <summary>Hands over keyspaces that will never come back, to be freed in slices once nobody walks them.</summary>
    public void TakeRetired(Queue<Keyspace> target)
    {
        foreach (var keyspace in retired) target.Enqueue(keyspace);
        retired.Clear();
    }

    bool IBeforeChange.BeforeChange(in KeyPlace place, bool isReplaced)
    {
        Tracker?.OnChange(place);
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(place);
        return isUndoOn && Undo.Save(place, isReplaced);
    }

    bool IBeforeChange.BeforeOverwrite(in KeyPlace place)
    {
        if (isUndoOn && !Undo.TrySaveBytes(place)) return false;
        Tracker?.OnChange(place);
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(place);
        return true;
    }

    void IBeforeChange.BeforeElements(in KeyPlace place)
    {
        Tracker?.OnChange(place);
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(place);
    }

    void IBeforeChange.BeforeElement(TableValue value, uint hash)
    {
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(value, hash);
    }

    bool IBeforeChange.OnElement(in ElementImage image)
    {
        if (isUndoOn) Undo.Save(image);
        return isUndoOn;
    }

    void IBeforeChange.BeforeMove(in KeyPlace source, in KeyPlace target)
    {
        Tracker?.OnChange(source);
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(source);
        if (isUndoOn) Undo.SaveMove(source, target);
    }

    public void Dispose() => Keyspace.Dispose();

    private void WatchChanges() => Keyspace.Before = isUndoOn || Walk is not null ? this : null;
}

/// <summary>Learns which keys are about to change.</summary>
internal interface IChangeTracker
{
    void OnChange(in KeyPlace place);

    /// <summary>All of them go.</summary>
    void OnFlushed();
}
