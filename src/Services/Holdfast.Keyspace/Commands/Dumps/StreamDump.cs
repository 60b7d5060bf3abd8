namespace Holdfast.Keyspace;

/// <summary>Streams in RDB payloads: their listpacks as they are, counters, groups. The second form is written, all three are read.</summary>
internal sealed class StreamDump : IDumpForm
{
    public ValueKind Kind => ValueKind.Stream;

    public ReadOnlySpan<RdbType> Types => [RdbType.StreamFirst, RdbType.StreamSecond, RdbType.StreamThird];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        var stream = StreamCommands.Of(call, place);
        Span<byte> raw = stackalloc byte[StreamId.Bytes];
        writer.Byte((byte)RdbType.StreamSecond);
        writer.Length((ulong)stream.Nodes);
        for (var i = 0; i < stream.Nodes; i++)
        {
            stream.MasterOf(i).Write(raw);
            writer.String(raw);
            writer.String(stream.PackOf(i));
        }

        writer.Length((ulong)stream.Length);
        foreach (var id in (ReadOnlySpan<StreamId>)[stream.Last, stream.First, stream.DeletedMax]) WriteId(writer, id);
        writer.Length((ulong)stream.Added);
        writer.Length((ulong)stream.Groups.Count);
        foreach (var (name, group) in stream.Groups) WriteGroup(writer, name, group);
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var stream = new StreamValue(call.Keyspace);
        if (!TryReadEntries(ref reader, stream, type) || !TryReadGroups(ref reader, stream, type))
        {
            stream.Free(int.MaxValue);
            return false;
        }

        call.Keyspace.SetBig(ref place, ValueKind.Stream, ValueEncoding.Stream, stream, expiry);
        return true;
    }

    private static void WriteGroup(RdbWriter writer, byte[] name, StreamGroup group)
    {
        writer.String(name);
        WriteId(writer, group.Last);
        writer.Length((ulong)group.Read);
        WritePending(writer, group, group.Pending, isWhole: true);
        writer.Length((ulong)group.Consumers.Count);
        foreach (var (consumerName, consumer) in group.Consumers)
        {
            writer.String(consumerName);
            writer.Long(consumer.SeenAt);
            WritePending(writer, group, consumer.Pending, isWhole: false);
        }
    }

    private static void WritePending<T>(RdbWriter writer, StreamGroup group, IdMap<T> pending, bool isWhole)
        where T : unmanaged
    {
        Span<byte> raw = stackalloc byte[StreamId.Bytes];
        writer.Length((ulong)pending.Count);
        for (var next = StreamId.Zero; pending.TryAtLeast(next, out var id, out _);)
        {
            id.Write(raw);
            writer.Raw(raw);
            if (isWhole && group.Pending.TryFind(id, out var entry))
            {
                writer.Long(entry.DeliveredAt);
                writer.Length((ulong)entry.Deliveries);
            }

            if (!id.TryNext(out next)) return;
        }
    }

    private static bool TryReadEntries(ref RdbReader reader, StreamValue stream, RdbType type)
    {
        var last = StreamId.Zero;
        var live = 0L;
        for (var left = reader.Count(); left > 0 && reader.IsWhole; left--)
        {
            var key = reader.String();
            var pack = reader.String();
            if (!reader.IsWhole || key.Length != StreamId.Bytes || !StreamPack.IsSound(pack, StreamId.Read(key), out var liveHere)) return false;
            var master = StreamId.Read(key);
            if (stream.Nodes > 0 && master <= last) return false;
            stream.AddNode(master, pack);
            last = StreamPack.LastOf(pack, master);
            live += liveHere;
        }

        stream.Length = (long)reader.Length();
        stream.Last = ReadId(ref reader);
        if (type == RdbType.StreamFirst)
        {
            stream.Added = stream.Length;
            stream.RenewFirst();
        }
        else
        {
            (stream.First, stream.DeletedMax) = (ReadId(ref reader), ReadId(ref reader));
            stream.Added = (long)reader.Length();
        }

        return reader.IsWhole && stream.Length == live && last <= stream.Last && stream.Added >= 0;
    }

    private static bool TryReadGroups(ref RdbReader reader, StreamValue stream, RdbType type)
    {
        for (var groups = reader.Count(); groups > 0 && reader.IsWhole; groups--)
        {
            var name = reader.String().ToArray();
            var last = ReadId(ref reader);
            var read = type == RdbType.StreamFirst ? StreamProgress.Distance(stream, last) : (long)reader.Length();
            var group = new StreamGroup(name, last, read, stream.Arena);
            if (!stream.Groups.TryAdd(name, group)) return false;
            for (var left = reader.Count(StreamId.Bytes + 9); left > 0 && reader.IsWhole; left--)
            {
                var raw = reader.Raw(StreamId.Bytes);
                if (!reader.IsWhole) return false;
                group.Pending.Set(StreamId.Read(raw), new PendingEntry { Consumer = PendingEntry.Nobody, DeliveredAt = reader.Long(), Deliveries = (long)reader.Length() });
            }

            if (!TryReadConsumers(ref reader, group, type)) return false;
        }

        return reader.IsWhole;
    }

    /// <summary>Every entry that is pending is somebody's, and only one's.</summary>
    private static bool TryReadConsumers(ref RdbReader reader, StreamGroup group, RdbType type)
    {
        var owned = 0;
        for (var consumers = reader.Count(); consumers > 0 && reader.IsWhole; consumers--)
        {
            var consumer = new StreamConsumer(reader.String().ToArray(), group.Arena) { SeenAt = reader.Long() };
            if (type == RdbType.StreamThird) reader.Long();
            if (!group.TryAdd(consumer)) return false;
            for (var left = reader.Count(StreamId.Bytes); left > 0 && reader.IsWhole; left--, owned++)
            {
                var raw = reader.Raw(StreamId.Bytes);
                if (!reader.IsWhole || !group.Pending.TryFind(StreamId.Read(raw), out var entry) || entry.Consumer != PendingEntry.Nobody) return false;
                group.Give(StreamId.Read(raw), entry, consumer);
            }
        }

        return reader.IsWhole && owned == group.Pending.Count;
    }

    private static void WriteId(RdbWriter writer, StreamId id)
    {
        writer.Length(id.Milliseconds);
        writer.Length(id.Sequence);
    }

    private static StreamId ReadId(ref RdbReader reader) => new(reader.Length(), reader.Length());
}
