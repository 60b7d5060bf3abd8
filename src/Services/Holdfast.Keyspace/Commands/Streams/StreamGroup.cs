namespace Holdfast.Keyspace;

/// <summary>An entry that was delivered to a consumer and is not yet acknowledged.</summary>
internal sealed class PendingEntry(StreamConsumer? owner)
{
    /// <summary>Whose it is; null only while XCLAIM makes it.</summary>
    public StreamConsumer? Owner { get; set; } = owner;

    /// <summary>When it was last delivered, ms since the Unix epoch.</summary>
    public long DeliveredAt { get; set; }

    public long Deliveries { get; set; } = 1;
}

/// <summary>A consumer of a group.</summary>
internal sealed class StreamConsumer(byte[] name)
{
    public byte[] Name { get; } = name;

    /// <summary>When it last asked for something, ms since the Unix epoch.</summary>
    public long SeenAt { get; set; }

    public IdMap<PendingEntry> Pending { get; } = new();
}

/// <summary>A consumer group: how far it has read, what is pending, and its consumers by name.</summary>
internal sealed class StreamGroup(byte[] name, StreamId last, long read)
{
    /// <summary>It is not known how many entries the group has read.</summary>
    public const long ReadUnknown = -1;

    public byte[] Name { get; } = name;

    public StreamId Last { get; set; } = last;

    /// <summary>How many entries of all that ever were it has read.</summary>
    public long Read { get; set; } = read;

    public IdMap<PendingEntry> Pending { get; } = new();

    public SortedDictionary<byte[], StreamConsumer> Consumers { get; } = new(ByteOrder.Comparer);

    public StreamConsumer? Find(ReadOnlySpan<byte> consumer) => Consumers.GetValueOrDefault(consumer.ToArray());

    /// <summary>An entry is a consumer's now, whoever had it before.</summary>
    public void Give(StreamId id, PendingEntry entry, StreamConsumer consumer)
    {
        if (entry.Owner == consumer) return;
        entry.Owner?.Pending.Remove(id);
        entry.Owner = consumer;
        consumer.Pending.Set(id, entry);
    }

    /// <summary>Nobody waits for an entry's acknowledgement any more; false when nobody did.</summary>
    public bool Release(StreamId id)
    {
        if (Pending.Find(id) is not { } entry) return false;
        Pending.Remove(id);
        entry.Owner?.Pending.Remove(id);
        return true;
    }
}

/// <summary>The order of bytes.</summary>
internal sealed class ByteOrder : IComparer<byte[]>
{
    public static readonly ByteOrder Comparer = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}
