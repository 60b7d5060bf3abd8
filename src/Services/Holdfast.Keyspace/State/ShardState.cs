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

    public SlotOwnership Slots { get; } = new();

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

    /// <summary>Removes every key: an empty keyspace takes the place of the old one, which undoing can bring back.</summary>
    public void Flush()
    {
        var old = Keyspace;
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
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(place);
        return isUndoOn && Undo.Save(place, isReplaced);
    }

    void IBeforeChange.BeforeElements(in KeyPlace place)
    {
        if (Walk is { } walk && walk.Keyspace == Keyspace) walk.Save(place);
        if (isUndoOn) Undo.SaveElements(place);
    }

    bool IBeforeChange.OnElement(in ElementImage image)
    {
        if (isUndoOn) Undo.Save(image);
        return isUndoOn;
    }

    public void Dispose() => Keyspace.Dispose();

    private void WatchChanges() => Keyspace.Before = isUndoOn || Walk is not null ? this : null;
}
