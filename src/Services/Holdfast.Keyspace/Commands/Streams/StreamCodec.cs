using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A stream's bytes in snapshots: counters, nodes as they are, groups with what is pending and their consumers.</summary>
internal static class StreamCodec
{
    /// <summary>Bytes of a node beside its listpack.</summary>
    public const int NodeHeadBytes = 16 + 4;

    public static void WriteHead(StreamValue stream, SpanWriter writer)
    {
        writer.WriteUInt64((ulong)stream.Length);
        writer.WriteUInt64((ulong)stream.Added);
        foreach (var id in (ReadOnlySpan<StreamId>)[stream.Last, stream.First, stream.DeletedMax]) Write(id, writer);
        writer.WriteUInt32((uint)stream.Nodes);
    }

    public static void WriteNode(in LentBlock node, SpanWriter writer)
    {
        Write(node.Master, writer);
        writer.WriteBlock(node.Pack.Bytes);
    }

    public static void WriteGroups(StreamValue stream, SpanWriter writer)
    {
        writer.WriteUInt32((uint)stream.Groups.Count);
        foreach (var (_, group) in stream.Groups) Write(group, writer);
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
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var master = ReadId(ref reader);
            var pack = reader.ReadBlock();
            if (Listpack.IsSound(pack, out _)) stream.AddNode(master, pack);
        }

        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var group = ReadGroup(ref reader);
            stream.Groups[group.Name] = group;
        }

        return stream;
    }

    private static void Write(StreamGroup group, SpanWriter writer)
    {
        writer.WriteBlock(group.Name);
        Write(group.Last, writer);
        writer.WriteUInt64((ulong)group.Read);
        writer.WriteUInt32((uint)group.Consumers.Count);
        foreach (var (name, consumer) in group.Consumers)
        {
            writer.WriteBlock(name);
            writer.WriteUInt64((ulong)consumer.SeenAt);
            writer.WriteUInt32((uint)consumer.Pending.Count);
            for (var next = StreamId.Zero; consumer.Pending.TryAtLeast(next, out var id, out var entry);)
            {
                Write(id, writer);
                writer.WriteUInt64((ulong)entry.DeliveredAt);
                writer.WriteUInt64((ulong)entry.Deliveries);
                if (!id.TryNext(out next)) break;
            }
        }
    }

    private static StreamGroup ReadGroup(ref SpanReader reader)
    {
        var group = new StreamGroup(reader.ReadBlock().ToArray(), ReadId(ref reader), (long)reader.ReadUInt64());
        for (var consumers = reader.ReadUInt32(); consumers > 0 && reader.IsWhole; consumers--)
        {
            var consumer = new StreamConsumer(reader.ReadBlock().ToArray()) { SeenAt = (long)reader.ReadUInt64() };
            group.Consumers[consumer.Name] = consumer;
            for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
            {
                var id = ReadId(ref reader);
                var entry = new PendingEntry(consumer) { DeliveredAt = (long)reader.ReadUInt64(), Deliveries = (long)reader.ReadUInt64() };
                group.Pending.Set(id, entry);
                consumer.Pending.Set(id, entry);
            }
        }

        return group;
    }

    private static void Write(StreamId id, SpanWriter writer)
    {
        writer.WriteUInt64(id.Milliseconds);
        writer.WriteUInt64(id.Sequence);
    }

    private static StreamId ReadId(ref SpanReader reader) => new(reader.ReadUInt64(), reader.ReadUInt64());
}
