using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>Entries of a stream that stand together: a listpack as Redis lays it out (t_stream.c), whose numbers count from the first one's.</summary>
internal struct StreamNode
{
    public StreamId Master;
    public PackBlock Pack;
}

/// <summary>
/// A stream: its entries outside the managed heap, in listpacks as long as <c>stream-node-max-*</c> say, with fields that are the same as the first entry's written once; its counters as Redis
/// keeps them; and its consumer groups by name. Whoever changes a group, a consumer or what is pending says so beforehand (<see cref="Keep(StreamGroup)"/> and its like), so that it can be taken back.
/// </summary>
/// <param name="owner">Whose memory it takes, and who is told of its changes once a key holds it.</param>
internal sealed class StreamValue(Keyspace owner) : BlockValue(owner.Arena)
{
    /// <summary>Redis's default of stream-node-max-bytes. Replicas with other settings cut otherwise, and hold the same entries: what was trimmed approximately is logged as the length that is left.</summary>
    public const int NodeBytesMax = 4096;

    /// <summary>Redis's default of stream-node-max-entries.</summary>
    public const int NodeEntriesMax = 100;

    private readonly Row<StreamNode> nodes = new();
    private readonly LinkedList<StreamChange> changes = new();
    private long bytes;

    public override long Count => Length;

    public override long Bytes
    {
        get
        {
            var sum = bytes + 512;
            foreach (var (_, group) in Groups) sum += group.Bytes;
            return sum;
        }
    }

    /// <summary>Entries that are there.</summary>
    public long Length { get; set; }

    /// <summary>The greatest number that was ever given.</summary>
    public StreamId Last { get; set; }

    /// <summary>The first entry that is there; zero when there is none.</summary>
    public StreamId First { get; set; }

    /// <summary>The greatest number that was deleted by XDEL.</summary>
    public StreamId DeletedMax { get; set; }

    /// <summary>Entries that were ever added.</summary>
    public long Added { get; set; }

    public SortedDictionary<byte[], StreamGroup> Groups { get; } = new(ByteOrder.Comparer);

    public int Nodes => nodes.Count;

    public override int Blocks => nodes.Count;

    /// <summary>Somebody may want its changes back (S20).</summary>
    private bool Tells => IsKept && owner.Before is not null;

    public StreamGroup? Find(ReadOnlySpan<byte> group) => Groups.GetValueOrDefault(group.ToArray());

    public ReadOnlySpan<byte> PackOf(int node) => nodes[node].Pack.Bytes;

    public override StreamId MasterOf(int node) => nodes[node].Master;

    /// <summary>The node that would hold a number: the last one that begins at or before it; -1 when it is before all.</summary>
    public int NodeOf(StreamId id)
    {
        var (low, high) = (0, nodes.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (nodes[middle].Master <= id) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }

    /// <summary>Adds an entry behind all others; the fields and values stand in the call from an argument on.</summary>
    public void Append(StreamId id, CommandCall call, int fieldsAt)
    {
        var fields = (call.Count - fieldsAt) / 2;
        var size = 0L;
        for (var i = fieldsAt; i < call.Count; i++) size += call[i].Length;
        if (Tells) Tell(new EntryAdded(Last, First, nodes.Count));
        if (nodes.Count == 0 || IsFull(nodes[nodes.Count - 1].Pack.Bytes, size, call.Node.Settings.Collections)) Begin(id, call, fieldsAt, fields);
        ref var node = ref Mine(nodes.Count - 1);
        bytes -= node.Pack.Length;
        var master = StreamPack.MasterOf(node.Pack.Bytes);
        var isSame = master.HasFields(node.Pack.Bytes, call, fieldsAt, fields);
        Put(ref node, isSame ? StreamPack.SameFields : 0);
        Put(ref node, (long)(id.Milliseconds - node.Master.Milliseconds));
        Put(ref node, (long)(id.Sequence - node.Master.Sequence));
        if (!isSame) Put(ref node, fields);
        for (var i = 0; i < fields; i++)
        {
            if (!isSame) node.Pack.Insert(Arena, -1, call[fieldsAt + (2 * i)]);
            node.Pack.Insert(Arena, -1, call[fieldsAt + (2 * i) + 1]);
        }

        Put(ref node, isSame ? fields + 3 : (2 * fields) + 4);
        SetCounts(ref node, master.Live + 1, master.Deleted);
        bytes += node.Pack.Length;
        Added++;
        Length++;
        Last = id;
        if (Length == 1) First = id;
    }

    public override void TakeBack(in ElementImage image)
    {
        var last = changes.Last!.Value;
        changes.RemoveLast();
        last.TakeBack(this);
    }

    public override void Forget(in ElementImage image)
    {
        var first = changes.First!.Value;
        changes.RemoveFirst();
        first.Forget(Arena);
    }

    /// <summary>The counters are about to change.</summary>
    public void KeepCounters()
    {
        if (Tells) Tell(new CountersBefore(this));
    }

    /// <summary>How far a group has read is about to change.</summary>
    public void Keep(StreamGroup group)
    {
        if (Tells) Tell(new GroupBefore(group));
    }

    /// <summary>A consumer is about to be seen.</summary>
    public void Keep(StreamConsumer consumer)
    {
        if (Tells) Tell(new ConsumerBefore(consumer));
    }

    /// <summary>What a group has pending of a number is about to change.</summary>
    public void Keep(StreamGroup group, StreamId id)
    {
        if (Tells) Tell(new PendingBefore(group, id));
    }

    /// <summary>Adds a group that is not there yet.</summary>
    public void Add(StreamGroup group)
    {
        Groups.Add(group.Name, group);
        if (Tells) Tell(new GroupMade(group));
    }

    /// <summary>Removes a group.</summary>
    public void Remove(StreamGroup group)
    {
        Groups.Remove(group.Name);
        if (Tells) Tell(new GroupGone(group));
        else FreeAll(group);
    }

    /// <summary>Adds a consumer that is not there yet.</summary>
    public void Add(StreamGroup group, StreamConsumer consumer)
    {
        group.TryAdd(consumer);
        if (Tells) Tell(new ConsumerMade(group, consumer));
    }

    /// <summary>Removes a consumer with what it has pending.</summary>
    public void Remove(StreamGroup group, StreamConsumer consumer)
    {
        while (consumer.Pending.TryAtLeast(StreamId.Zero, out var id, out _))
        {
            Keep(group, id);
            group.Release(id);
        }

        group.Remove(consumer);
        if (Tells) Tell(new ConsumerGone(group, consumer));
    }

    /// <summary>Takes the last entry back: the counters, and how many nodes there were.</summary>
    public void RemoveLast(StreamId last, StreamId first, int nodesBefore)
    {
        (Last, First) = (last, first);
        Length--;
        Added--;
        if (nodes.Count > nodesBefore)
        {
            DropNode(nodes.Count - 1);
            return;
        }

        ref var node = ref Mine(nodes.Count - 1);
        bytes -= node.Pack.Length;
        var master = StreamPack.MasterOf(node.Pack.Bytes);
        var (at, elements) = StreamPack.LastAt(node.Pack.Bytes);
        node.Pack.Remove(Arena, at, node.Pack.Length - 1, elements);
        SetCounts(ref node, master.Live - 1, master.Deleted);
        bytes += node.Pack.Length;
    }

    /// <summary>A node's entries become what they were.</summary>
    public void PutBack(int index, PackBlock pack)
    {
        ref var node = ref nodes[index];
        bytes += pack.Length - node.Pack.Length;
        Free(ref node.Pack);
        node.Pack = pack;
    }

    /// <summary>A node is there again.</summary>
    public void PutBack(int index, in StreamNode node)
    {
        nodes.Insert(index, node);
        bytes += node.Pack.Length;
    }

    /// <summary>Removes the entry of a number; false when there is none.</summary>
    public bool Delete(StreamId id)
    {
        var walk = new StreamWalk(this, id, id);
        if (!walk.TryNext(out var entry)) return false;
        KeepCounters();
        var master = StreamPack.MasterOf(nodes[entry.Node].Pack.Bytes);
        Length--;
        if (master.Live == 1)
        {
            RemoveNode(entry.Node);
            return true;
        }

        KeepNode(entry.Node);
        ref var node = ref Mine(entry.Node);
        bytes -= node.Pack.Length;
        node.Pack.Replace(Arena, entry.At, Number(entry.Flags | StreamPack.IsDeleted, stackalloc byte[24]));
        SetCounts(ref node, master.Live - 1, master.Deleted + 1);
        bytes += node.Pack.Length;
        return true;
    }

    /// <summary>Finds the first entry anew, after some were removed.</summary>
    public void RenewFirst()
    {
        var walk = new StreamWalk(this, StreamId.Zero, StreamId.Max);
        First = walk.TryNext(out var entry) ? entry.Id : StreamId.Zero;
    }

    /// <summary>Whether trimming would remove anything; nothing is changed.</summary>
    public bool WouldTrim(in StreamTrim trim)
    {
        if (nodes.Count == 0 || (trim.IsByLength && Length <= trim.LengthMax)) return false;
        var master = StreamPack.MasterOf(nodes[0].Pack.Bytes);
        if (trim.Limit > 0 && master.Live > trim.Limit) return false;
        return IsWholly(nodes[0], master, trim) || (!trim.IsApproximate && (trim.IsByLength || First < trim.IdMin));
    }

    /// <summary>Removes the oldest entries: those beyond a length, or below a number. Whole nodes only when that is enough (~), and no more than a limit, if there is one.</summary>
    /// <returns>How many.</returns>
    public long Trim(in StreamTrim trim)
    {
        var removed = 0L;
        KeepCounters();
        while (nodes.Count > 0 && !(trim.IsByLength && Length <= trim.LengthMax))
        {
            ref var node = ref nodes[0];
            var master = StreamPack.MasterOf(node.Pack.Bytes);
            if (trim.Limit > 0 && removed + master.Live > trim.Limit) break;
            if (IsWholly(node, master, trim))
            {
                RemoveNode(0);
                Length -= master.Live;
                removed += master.Live;
                continue;
            }

            if (!trim.IsApproximate) removed += TrimWithin(master, trim);
            break;
        }

        if (Length == 0) First = StreamId.Zero;
        else if (removed > 0) RenewFirst();
        return removed;
    }

    /// <summary>The last entry that is there; zero when there is none.</summary>
    public StreamId LastValid()
    {
        for (var node = nodes.Count - 1; node >= 0; node--)
        {
            var found = StreamId.Zero;
            var walk = new StreamWalk(this, nodes[node].Master, node + 1 < nodes.Count ? nodes[node + 1].Master : StreamId.Max);
            while (walk.TryNext(out var entry) && entry.Node == node) found = entry.Id;
            if (!found.IsZero) return found;
        }

        return StreamId.Zero;
    }

    /// <summary>Whether an entry of this number is there.</summary>
    public bool Has(StreamId id) => new StreamWalk(this, id, id).TryNext(out _);

    /// <summary>Adds a whole node behind the others, for whoever reads a stream back.</summary>
    public void AddNode(StreamId master, ReadOnlySpan<byte> pack)
    {
        nodes.Add(new StreamNode { Master = master, Pack = PackBlock.Of(Arena, pack, Listpack.Count(pack)) });
        bytes += pack.Length;
    }

    /// <summary>So many nodes were added whole, the last ones.</summary>
    public void TellAdded(int count)
    {
        if (count > 0 && Tells) Tell(new NodesAdded(count));
    }

    /// <summary>The last nodes are there no more.</summary>
    public void DropLastNodes(int count)
    {
        for (; count > 0; count--) DropNode(nodes.Count - 1);
    }

    public override void WriteHead(SpanWriter writer) => StreamCodec.WriteHead(this, writer);

    public override void WriteBlock(SpanWriter writer, in LentBlock block) => StreamCodec.WriteNode(block.Master, block.Pack.Bytes, writer);

    public override void WriteTail(SpanWriter writer) => StreamCodec.WriteGroups(this, writer);

    public override ILentTail LendTail() => new LentGroups(this);

    public override int BytesOf(in LentBlock block) => StreamCodec.NodeHeadBytes + block.Pack.Length;

    public override IValuePieces ToPieces() => new StreamPieces(this);

    public override bool TryReadMore(ref SpanReader reader) => StreamCodec.TryReadMore(this, ref reader);

    public override BigValue MakeEmpty() => new StreamValue(owner);

    public override ulong CopySome(BigValue source, ulong cursor, int elementsMax, int bytesMax) => StreamCopy.TryGoOn((StreamValue)source, this, elementsMax, bytesMax) ? 0UL : 1;

    public override void Abandon() => owner.Discard(this);

    public override long Free(int elementsMax)
    {
        while (elementsMax > 0 && nodes.Count > 0)
        {
            elementsMax -= NodeEntriesMax;
            DropNode(nodes.Count - 1);
        }

        while (nodes.Count == 0 && elementsMax > 0 && Groups.Count > 0)
        {
            var (name, group) = Groups.First();
            elementsMax--;
            if (group.Free(ref elementsMax)) Groups.Remove(name);
        }

        return nodes.Count + Groups.Count;
    }

    /// <summary>Frees a group that no stream has any more.</summary>
    public static void FreeAll(StreamGroup group)
    {
        var all = int.MaxValue;
        group.Free(ref all);
    }

    /// <summary>Whether a node goes as a whole.</summary>
    private bool IsWholly(in StreamNode node, in StreamPack.Master master, in StreamTrim trim) =>
        trim.IsByLength ? Length - master.Live >= trim.LengthMax : StreamPack.LastOf(node.Pack.Bytes, node.Master) < trim.IdMin;

    protected override ref PackBlock BlockAt(int block) => ref nodes[block].Pack;

    /// <summary>A node that is about to be changed.</summary>
    private ref StreamNode Mine(int index)
    {
        Own(index);
        return ref nodes[index];
    }

    private void Tell(StreamChange change)
    {
        changes.AddLast(change);
        if (owner.OnElement(new ElementImage(this, 0, 0, 0))) return;
        changes.RemoveLast();
        change.Forget(Arena);
    }

    private void KeepNode(int index)
    {
        if (Tells) Tell(new NodeBefore(index, PackBlock.Of(Arena, nodes[index].Pack.Bytes, nodes[index].Pack.Count)));
    }

    private static bool IsFull(ReadOnlySpan<byte> pack, long more, CollectionLimits limits)
    {
        var master = StreamPack.MasterOf(pack);
        return pack.Length + more >= limits.StreamNodeBytes || master.Live + master.Deleted >= limits.StreamNodeEntries;
    }

    private void Begin(StreamId id, CommandCall call, int fieldsAt, int fields)
    {
        var node = new StreamNode { Master = id, Pack = PackBlock.Make(Arena, 512) };
        Put(ref node, 0);
        Put(ref node, 0);
        Put(ref node, fields);
        for (var i = 0; i < fields; i++) node.Pack.Insert(Arena, -1, call[fieldsAt + (2 * i)]);
        Put(ref node, 0);
        bytes += node.Pack.Length;
        nodes.Add(node);
    }

    private long TrimWithin(in StreamPack.Master master, in StreamTrim trim)
    {
        var removed = 0L;
        Span<byte> text = stackalloc byte[24];
        KeepNode(0);
        ref var node = ref Mine(0);
        bytes -= node.Pack.Length;
        for (var at = master.EntriesAt; at >= 0;)
        {
            var entry = StreamPack.EntryAt(node.Pack.Bytes, at, node.Master, master);
            if (trim.IsByLength ? Length <= trim.LengthMax : entry.Id >= trim.IdMin) break;
            if ((entry.Flags & StreamPack.IsDeleted) == 0)
            {
                node.Pack.Replace(Arena, at, Number(entry.Flags | StreamPack.IsDeleted, text));
                removed++;
                Length--;
            }

            at = StreamPack.Behind(node.Pack.Bytes, StreamPack.EntryAt(node.Pack.Bytes, at, node.Master, master));
        }

        SetCounts(ref node, master.Live - removed, master.Deleted + removed);
        bytes += node.Pack.Length;
        if (removed == master.Live) RemoveNode(0);
        return removed;
    }

    private void RemoveNode(int index)
    {
        if (!Tells)
        {
            DropNode(index);
            return;
        }

        var gone = Mine(index);
        bytes -= gone.Pack.Length;
        nodes.RemoveAt(index);
        Tell(new NodeGone(index, gone));
    }

    private void DropNode(int index)
    {
        bytes -= nodes[index].Pack.Length;
        Free(ref nodes[index].Pack);
        nodes.RemoveAt(index);
    }

    private void SetCounts(ref StreamNode node, long live, long deleted)
    {
        Span<byte> text = stackalloc byte[24];
        node.Pack.Replace(Arena, Listpack.Head, Number(live, text));
        node.Pack.Replace(Arena, Listpack.Next(node.Pack.Bytes, Listpack.Head), Number(deleted, text));
    }

    private void Put(ref StreamNode node, long number) => node.Pack.Insert(Arena, -1, Number(number, stackalloc byte[24]));

    private static ReadOnlySpan<byte> Number(long number, Span<byte> text) => text[..Wire.Resp.RespNumber.Format(number, text)];
}

/// <summary>What a stream is trimmed to.</summary>
internal readonly record struct StreamTrim(bool IsByLength, long LengthMax, StreamId IdMin, bool IsApproximate, long Limit);
