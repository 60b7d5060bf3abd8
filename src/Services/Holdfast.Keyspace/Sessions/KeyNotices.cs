namespace Holdfast.Keyspace;

/// <summary>Classes of keyspace notifications (notify-keyspace-events).</summary>
[Flags]
internal enum KeyEvents
{
    None = 0,
    Generic = 1 << 2,
    String = 1 << 3,
    List = 1 << 4,
    Set = 1 << 5,
    Hash = 1 << 6,
    SortedSet = 1 << 7,
    Expired = 1 << 8,
    Evicted = 1 << 9,
    Stream = 1 << 10,
    New = 1 << 14,
}

/// <summary>Where events of keys go. Nobody listens yet: pub/sub comes with its family, and hooks in here.</summary>
internal sealed class KeyNotices(KeyspaceNode node)
{
    /// <summary>Something happened to a key, on the leader, while its entry is being executed: whatever goes out must wait for the entry's commit (S18).</summary>
    public void OnEvent(CommandCall call, ReadOnlySpan<byte> key, KeyEvents events, ReadOnlySpan<byte> name)
    {
        _ = (node, call, events);
        _ = key;
        _ = name;
    }
}
