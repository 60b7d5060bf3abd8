using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A stream's bytes in snapshots: counters, nodes as they are, groups with what is pending and their consumers.</summary>
internal static class StreamCodec
{
    /// <summary>Bytes of a node beside its listpack.</summary>
    public const int NodeHeadBytes = 16 + 4;

    public static void WriteHead(StreamValue stream, SpanWriter writer)
    {
        WriteCounters(stream, writer);
        writer.WriteUInt32((uint)stream.Nodes);
    }

    public static void WriteCounters(StreamValue stream, SpanWriter writer)
    {
        writer.WriteUInt64((ulong)stream.Length);
        writer.WriteUInt64((ulong)stream.Added);
        foreach (var id in (ReadOnlySpan<StreamId>)[stream.Last, stream.First, stream.DeletedMax]) Write(id, writer);
    }

    public static void WriteNode(StreamId master, ReadOnlySpan<byte> pack, SpanWriter writer)
    {
        Write(master, writer);
        writer.WriteBlock(pack);
    }

    public static void WriteGroups(StreamValue stream, SpanWriter writer)
    {
        writer.WriteUInt32((uint)stream.Groups.Count);
        foreach (var (_, group) in stream.Groups)
        {
            WriteHead(group, writer);
            writer.WriteUInt32((uint)group.Consumers.Count);
            foreach (var (_, consumer) in group.Consumers)
            {
                WriteHead(consumer, writer);
                writer.WriteUInt32((uint)consumer.Pending.Count);
                for (var next = StreamId.Zero; consumer.Pending.TryAtLeast(next, out var id, out _);)
                {
                    WritePending(group, id, writer);
                    if (!id.TryNext(out next)) break;
                }
            }
        }
    }

    /// <summary>Writes what comes before a group's consumers, how many they are not included.</summary>
    public static void WriteHead(StreamGroup group, SpanWriter writer)
    {
        writer.WriteBlock(group.Name);
        Write(group.Last, writer);
        writer.WriteUInt64((ulong)group.Read);
    }

    /// <summary>Writes what comes before what a consumer has pending, how much that is not included.</summary>
    public static void WriteHead(StreamConsumer consumer, SpanWriter writer)
    {
        writer.WriteBlock(consumer.Name);
        writer.WriteUInt64((ulong)consumer.SeenAt);
    }

    public static void WritePending(StreamGroup group, StreamId id, SpanWriter writer)
    {
        group.Pending.TryFind(id, out var entry);
        WritePending(id, entry, writer);
    }

    public static void WritePending(StreamId id, in PendingEntry entry, SpanWriter writer)
    {
        Write(id, writer);
        writer.WriteUInt64((ulong)entry.DeliveredAt);
        writer.WriteUInt64((ulong)entry.Deliveries);
    }

    public static BigValue Read(ref SpanReader reader, Keyspace keyspace)
    {
        var stream = new StreamValue(keyspace)
        {
            Length = (long)reader.ReadUInt64(),
            Added = (long)reader.ReadUInt64(),
            Last = ReadId(ref reader),
            First = ReadId(ref reader),
            DeletedMax = ReadId(ref reader),
        };
        TryReadMore(stream, ref reader);
        return stream;
    }

    /// <summary>Reads nodes, and groups with what is pending, and adds them to what is there; false when the bytes are none.</summary>
    public static bool TryReadMore(StreamValue stream, ref SpanReader reader)
    {
        var nodesBefore = stream.Nodes;
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var master = ReadId(ref reader);
            var pack = reader.ReadBlock();
            if (Listpack.IsSound(pack, out _)) stream.AddNode(master, pack);
        }

        stream.TellAdded(stream.Nodes - nodesBefore);
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) ReadGroup(stream, ref reader);
        return reader.IsWhole;
    }

    private static void ReadGroup(StreamValue stream, ref SpanReader reader)
    {
        var name = reader.ReadBlock();
        var (last, read) = (ReadId(ref reader), (long)reader.ReadUInt64());
        if (stream.Find(name) is not { } group) stream.Add(group = new StreamGroup(name.ToArray(), last, read, stream.Arena));
        for (var consumers = reader.ReadUInt32(); consumers > 0 && reader.IsWhole; consumers--)
        {
            var consumerName = reader.ReadBlock();
            var seenAt = (long)reader.ReadUInt64();
            if (group.Find(consumerName) is not { } consumer) stream.Add(group, consumer = new StreamConsumer(consumerName.ToArray(), stream.Arena) { SeenAt = seenAt });
            for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
            {
                var id = ReadId(ref reader);
                stream.Keep(group, id);
                group.Give(id, new PendingEntry { DeliveredAt = (long)reader.ReadUInt64(), Deliveries = (long)reader.ReadUInt64() }, consumer);
            }
        }
    }

    private static void Write(StreamId id, SpanWriter writer)
    {
        writer.WriteUInt64(id.Milliseconds);
        writer.WriteUInt64(id.Sequence);
    }

    private static StreamId ReadId(ref SpanReader reader) => new(reader.ReadUInt64(), reader.ReadUInt64());
}
