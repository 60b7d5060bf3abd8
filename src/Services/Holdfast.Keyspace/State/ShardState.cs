namespace Holdfast.Keyspace;

/// <summary>Everything that a shard replicates: keys, the slots it owns, and a rolling hash over all effects.</summary>
internal sealed class ShardState : IBeforeChange, IDisposable
{
    private bool isUndoOn;

    public ShardState()
    {
        Undo = new UndoLog(Keyspace);
        WatchChanges();
    }

    public Keyspace Keyspace { get; } = new();

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

    /// <summary>Removes every key, each as DEL does.</summary>
    public unsafe void Flush()
    {
        var visitor = new Collecting { Records = [] };
        for (var slot = 0; slot < KeySlot.Count; slot++)
        {
            if (Keyspace.CountIn(slot) == 0) continue;
            visitor.Records.Clear();
            Keyspace.Table(slot).WalkAll(ref visitor);
            foreach (var address in visitor.Records)
            {
                var record = (byte*)address;
                var place = new KeyPlace(RecordHead.KeyOf(record), RecordHead.Hash(record), slot, record);
                Keyspace.Remove(ref place);
            }
        }
    }

    private unsafe struct Collecting : IRecordVisitor
    {
        public List<nint> Records;

        public readonly void Visit(byte* record) => Records.Add((nint)record);
    }

    bool IBeforeChange.BeforeChange(in KeyPlace place, bool isReplaced)
    {
        Walk?.Save(place);
        return isUndoOn && Undo.Save(place, isReplaced);
    }

    public void Dispose() => Keyspace.Dispose();

    private void WatchChanges() => Keyspace.Before = isUndoOn || Walk is not null ? this : null;
}
