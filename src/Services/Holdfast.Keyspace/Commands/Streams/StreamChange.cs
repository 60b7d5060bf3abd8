namespace Holdfast.Keyspace;

/// <summary>
/// A change of a stream, kept so that it can be taken back (S20): what stood there before. The stream keeps them in the order in which they were made; they are taken back newest first and forgotten oldest first, as the undo
/// log asks.
/// </summary>
internal abstract class StreamChange
{
    /// <summary>Makes it undone; later changes were taken back before.</summary>
    public abstract void TakeBack(StreamValue stream);

    /// <summary>It is for good: what was kept is freed.</summary>
    public virtual void Forget(NativeArena arena)
    {
        // Most keep nothing outside the managed heap.
    }
}

/// <summary>An entry was added behind all others.</summary>
internal sealed class EntryAdded(StreamId last, StreamId first, int nodes) : StreamChange
{
    public override void TakeBack(StreamValue stream) => stream.RemoveLast(last, first, nodes);
}

/// <summary>Counters were changed.</summary>
internal sealed class CountersBefore(StreamValue before) : StreamChange
{
    private readonly (long Length, long Added, StreamId Last, StreamId First, StreamId DeletedMax) counters = (before.Length, before.Added, before.Last, before.First, before.DeletedMax);

    public override void TakeBack(StreamValue stream) => (stream.Length, stream.Added, stream.Last, stream.First, stream.DeletedMax) = counters;
}

/// <summary>Entries of a node were marked as deleted.</summary>
internal sealed class NodeBefore(int index, PackBlock pack) : StreamChange
{
    public override void TakeBack(StreamValue stream) => stream.PutBack(index, pack);

    public override void Forget(NativeArena arena) => pack.Free(arena);
}

/// <summary>A node was removed.</summary>
internal sealed class NodeGone(int index, StreamNode node) : StreamChange
{
    public override void TakeBack(StreamValue stream) => stream.PutBack(index, node);

    public override void Forget(NativeArena arena) => node.Pack.Free(arena);
}

/// <summary>Nodes were added whole, by a piece of a stream that comes from another shard.</summary>
internal sealed class NodesAdded(int count) : StreamChange
{
    public override void TakeBack(StreamValue stream) => stream.DropLastNodes(count);
}

/// <summary>A group was made.</summary>
internal sealed class GroupMade(StreamGroup group) : StreamChange
{
    public override void TakeBack(StreamValue stream) => stream.Groups.Remove(group.Name);
}

/// <summary>A group was removed.</summary>
internal sealed class GroupGone(StreamGroup group) : StreamChange
{
    public override void TakeBack(StreamValue stream) => stream.Groups.Add(group.Name, group);

    public override void Forget(NativeArena arena) => StreamValue.FreeAll(group);
}

/// <summary>A group has read on, or was set elsewhere.</summary>
internal sealed class GroupBefore(StreamGroup group) : StreamChange
{
    private readonly (StreamId Last, long Read) before = (group.Last, group.Read);

    public override void TakeBack(StreamValue stream) => (group.Last, group.Read) = before;
}

/// <summary>A consumer was made.</summary>
internal sealed class ConsumerMade(StreamGroup group, StreamConsumer consumer) : StreamChange
{
    public override void TakeBack(StreamValue stream) => group.Remove(consumer);
}

/// <summary>A consumer was removed, after what it had pending.</summary>
internal sealed class ConsumerGone(StreamGroup group, StreamConsumer consumer) : StreamChange
{
    public override void TakeBack(StreamValue stream) => group.TryAdd(consumer);
}

/// <summary>A consumer was seen.</summary>
internal sealed class ConsumerBefore(StreamConsumer consumer) : StreamChange
{
    private readonly long seenAt = consumer.SeenAt;

    public override void TakeBack(StreamValue stream) => consumer.SeenAt = seenAt;
}

/// <summary>An entry became pending, was pending no more, was given to another or delivered again.</summary>
internal sealed class PendingBefore : StreamChange
{
    private readonly StreamGroup group;
    private readonly StreamId id;
    private readonly StreamConsumer? owner; // Itself: a consumer that comes back may have another number then.
    private readonly PendingEntry entry;

    public PendingBefore(StreamGroup group, StreamId id)
    {
        (this.group, this.id) = (group, id);
        if (group.Pending.TryFind(id, out entry)) owner = group.OwnerOf(entry);
    }

    public override void TakeBack(StreamValue stream)
    {
        group.Release(id);
        if (owner is not null) group.Give(id, entry, owner);
    }
}
