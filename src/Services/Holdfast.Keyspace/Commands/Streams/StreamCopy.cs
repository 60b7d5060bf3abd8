namespace Holdfast.Keyspace;

/// <summary>The copy of a stream, a slice at a time: its nodes, then its groups with what is pending, then its counters. What is copied already tells where it goes on, so nothing else is kept.</summary>
internal static class StreamCopy
{
    /// <summary>Copies up to about so many elements and so many bytes; true when all is there.</summary>
    public static bool TryGoOn(StreamValue source, StreamValue copy, int elementsMax, int bytesMax)
    {
        while (copy.Nodes < source.Nodes)
        {
            if (elementsMax <= 0 || bytesMax <= 0) return false;
            var pack = source.PackOf(copy.Nodes);
            copy.AddNode(source.MasterOf(copy.Nodes), pack);
            (elementsMax, bytesMax) = (elementsMax - StreamValue.NodeEntriesMax, bytesMax - pack.Length);
        }

        foreach (var (name, group) in source.Groups)
        {
            if (!copy.Groups.TryGetValue(name, out var made)) copy.Groups[name] = made = new StreamGroup(name, group.Last, group.Read, copy.Arena);
            if (!TryGoOn(group, made, ref elementsMax)) return false;
        }

        (copy.Length, copy.Added, copy.Last, copy.First, copy.DeletedMax) = (source.Length, source.Added, source.Last, source.First, source.DeletedMax);
        return true;
    }

    private static bool TryGoOn(StreamGroup source, StreamGroup copy, ref int elementsMax)
    {
        foreach (var (name, consumer) in source.Consumers)
        {
            if (!copy.Consumers.TryGetValue(name, out var made))
            {
                if (elementsMax-- <= 0) return false;
                copy.TryAdd(made = new StreamConsumer(name, copy.Arena) { SeenAt = consumer.SeenAt });
            }

            if (!TryGoOn(source, consumer, made, copy, ref elementsMax)) return false;
        }

        return true;
    }

    private static bool TryGoOn(StreamGroup from, StreamConsumer source, StreamConsumer copy, StreamGroup group, ref int elementsMax)
    {
        var next = StreamId.Zero;
        if (copy.Pending.Count > 0 && !copy.Pending.Last.TryNext(out next)) return true;
        while (copy.Pending.Count < source.Pending.Count && source.Pending.TryAtLeast(next, out var id, out _))
        {
            if (elementsMax-- <= 0) return false;
            from.Pending.TryFind(id, out var entry);
            group.Give(id, entry, copy);
            if (!id.TryNext(out next)) return true;
        }

        return true;
    }
}
