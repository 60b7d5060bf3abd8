using System.Runtime.InteropServices;

namespace Holdfast.Keyspace;

/// <summary>An entry that was delivered to a consumer and is not yet acknowledged.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct PendingEntry
{
    /// <summary>The number of nobody: only while a group is read back.</summary>
    public const int Nobody = -1;

    /// <summary>When it was last delivered, ms since the Unix epoch.</summary>
    public long DeliveredAt;

    public long Deliveries;

    /// <summary>Whose it is (<see cref="StreamConsumer.Number"/>).</summary>
    public int Consumer;
}

/// <summary>That an entry is a consumer's; what else there is of it the group knows.</summary>
internal struct Owned;

/// <summary>A consumer of a group.</summary>
internal sealed class StreamConsumer(byte[] name, NativeArena arena)
{
    public byte[] Name { get; } = name;

    /// <summary>What pending entries name it by, as long as it belongs to its group.</summary>
    public int Number { get; set; } = PendingEntry.Nobody;

    /// <summary>When it last asked for something, ms since the Unix epoch.</summary>
    public long SeenAt { get; set; }

    /// <summary>The numbers of what it has pending.</summary>
    public IdMap<Owned> Pending { get; } = new(arena);
}

/// <summary>A consumer group: how far it has read, what is pending, and its consumers by name.</summary>
internal sealed class StreamGroup(byte[] name, StreamId last, long read, NativeArena arena)
{
    /// <summary>It is not known how many entries the group has read.</summary>
    public const long ReadUnknown = -1;

    /// <summary>Bytes of a pending entry: its number in the group and at its consumer, and what is known of it.</summary>
    private const int BytesPerPending = 16 + 20 + 16 + 1;

    private readonly List<StreamConsumer?> byNumber = [];
    private readonly Stack<int> freeNumbers = new();

    public byte[] Name { get; } = name;

    public NativeArena Arena => arena;

    public StreamId Last { get; set; } = last;

    /// <summary>How many entries of all that ever were it has read.</summary>
    public long Read { get; set; } = read;

    public IdMap<PendingEntry> Pending { get; } = new(arena);

    public SortedDictionary<byte[], StreamConsumer> Consumers { get; } = new(ByteOrder.Comparer);

    /// <summary>Bytes that what is pending takes, about.</summary>
    public long Bytes => (long)Pending.Count * BytesPerPending;

    public StreamConsumer? Find(ReadOnlySpan<byte> consumer) => Consumers.GetValueOrDefault(consumer.ToArray());

    /// <summary>Whose a pending entry is; null only while the group is read back.</summary>
    public StreamConsumer? OwnerOf(in PendingEntry entry) => entry.Consumer == PendingEntry.Nobody ? null : byNumber[entry.Consumer];

    /// <summary>Adds a consumer who has nothing pending; false when there is one of the name.</summary>
    public bool TryAdd(StreamConsumer consumer)
    {
        if (!Consumers.TryAdd(consumer.Name, consumer)) return false;
        if (freeNumbers.TryPop(out var number))
        {
            byNumber[number] = consumer;
        }
        else
        {
            number = byNumber.Count;
            byNumber.Add(consumer);
        }

        consumer.Number = number;
        return true;
    }

    /// <summary>Removes a consumer who has nothing pending any more.</summary>
    public void Remove(StreamConsumer consumer)
    {
        Consumers.Remove(consumer.Name);
        byNumber[consumer.Number] = null;
        freeNumbers.Push(consumer.Number);
        consumer.Number = PendingEntry.Nobody;
    }

    /// <summary>An entry is a consumer's from now on, whoever had it before.</summary>
    public void Give(StreamId id, PendingEntry entry, StreamConsumer consumer)
    {
        var isPending = Pending.TryFind(id, out var before);
        if (!isPending || before.Consumer != consumer.Number)
        {
            if (isPending) OwnerOf(before)?.Pending.Remove(id);
            consumer.Pending.Set(id, default);
        }

        entry.Consumer = consumer.Number;
        Pending.Set(id, entry);
    }

    /// <summary>Nobody waits for an entry's acknowledgement any more; false when nobody did.</summary>
    public bool Release(StreamId id)
    {
        if (!Pending.TryFind(id, out var entry)) return false;
        Pending.Remove(id);
        OwnerOf(entry)?.Pending.Remove(id);
        return true;
    }

    /// <summary>Frees what is pending, up to so many; true when nothing is left. Nobody looks at it any more.</summary>
    public bool Free(ref int elementsMax)
    {
        if (Pending.Free(ref elementsMax) > 0) return false;
        foreach (var (_, consumer) in Consumers)
            if (consumer.Pending.Free(ref elementsMax) > 0) return false;
        return true;
    }
}

/// <summary>The order of bytes.</summary>
internal sealed class ByteOrder : IComparer<byte[]>
{
    public static readonly ByteOrder Comparer = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}
