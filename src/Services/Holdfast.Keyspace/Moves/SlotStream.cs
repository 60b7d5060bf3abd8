using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// The keys of slots that leave, as a stream of chunks: first a walk over all of them while they go on changing, then again and again those that changed meanwhile, and with the seal the last of them.
/// Lives on the source's leader, in memory; a new leader begins another. Everything here happens at append, so that a chunk shows the state after some entry.
/// </summary>
internal sealed unsafe class SlotStream : IChangeTracker
{
    /// <summary>Keys that are left for the seal: copied while nobody serves the slots, which is to be short.</summary>
    private const int TailKeysMax = 128;

    /// <summary>Rounds over keys that change faster than they are copied; after these the seal comes, with a longer tail.</summary>
    private const int RoundsMax = 32;

    private const int HomesPerRead = 4096;

    private static readonly Mark ChangedWhileCopied = new("keyspace: a key changed after it was copied, and was copied again");

    private readonly ShardMachine shard;
    private readonly ShardState state;
    private readonly Term term;
    private readonly SlotRanges slots;
    private readonly int[] order;
    private readonly Queue<byte[]> chunks = new();
    private readonly ByteBuffer buffer = new();
    private readonly HashSet<byte[]> changed = new(ByteKey.Comparer);
    private int at;
    private ulong cursor;
    private int rounds;
    private ulong first;
    private bool isFlushed;

    public SlotStream(ShardMachine shard, SlotRanges slots, ulong attempt)
    {
        (this.shard, state, term) = (shard, shard.State, shard.Role.Term);
        (this.slots, Attempt) = (slots, attempt);
        order = [.. slots.Slots()];
    }

    public ulong Attempt { get; }

    /// <summary>Whether changes may have been missed: all keys are gone, the state is another, or another term has begun. The attempt is over.</summary>
    public bool IsBroken => isFlushed || shard.State != state || (shard.Role.Term != term && shard.Call.Node.Bug != PlantedShardBug.CopyOutlivesTerm);

    /// <summary>Whether every key was copied once.</summary>
    public bool IsWalked => at == order.Length;

    /// <summary>Whether what is left is short enough to be copied with the seal.</summary>
    public bool IsReadyForSeal => IsWalked && chunks.Count == 0 && (changed.Count <= TailKeysMax || rounds >= RoundsMax);

    /// <summary>The number of the chunk that is due.</summary>
    public ulong Due => first;

    /// <summary>The chunk that is due; null when there is none.</summary>
    public byte[]? Chunk => chunks.TryPeek(out var chunk) ? chunk : null;

    /// <summary>Chunks so far, and the chain over them.</summary>
    public ulong Chunks { get; private set; }

    public ulong Hash { get; private set; }

    /// <summary>The chunk that was due has arrived.</summary>
    public void Pass()
    {
        chunks.Dequeue();
        first++;
    }

    public void OnChange(in KeyPlace place)
    {
        // What the walk has not reached it will meet as it is then.
        if (!slots.Contains(place.Slot) || (!IsWalked && place.Slot > order[at])) return;
        if (changed.Add(place.Key.ToArray())) ChangedWhileCopied.Hit();
    }

    public void OnFlushed() => isFlushed = true;

    /// <summary>Reads about a chunk more: of the walk, then of what changed.</summary>
    public void ReadMore()
    {
        if (IsBroken) return;
        var visitor = new Visitor { Stream = this };
        for (var homes = HomesPerRead; at < order.Length && buffer.Length < StageCodec.ChunkBytes && homes > 0; homes--)
        {
            cursor = state.Keyspace.Table(order[at]).Walk(cursor, ref visitor);
            if (cursor == 0) at++;
        }

        if (IsWalked && buffer.Length < StageCodec.ChunkBytes)
        {
            rounds++;
            WriteChanged(StageCodec.ChunkBytes);
        }

        Cut();
    }

    /// <summary>Reads all that is left; with this the stream is whole.</summary>
    public void ReadRest()
    {
        Invariant.Holds(IsWalked, "slots are sealed that were not copied");
        if (shard.Call.Node.Bug != PlantedShardBug.SealWithoutTail) WriteChanged(int.MaxValue);
        var fences = state.Fences;
        if (fences.Floor.Value > 0) StageCodec.WriteFence(new SpanWriter(buffer), [], fences.Floor);
        foreach (var (name, token) in fences.All) StageCodec.WriteFence(new SpanWriter(buffer), name, token);
        Cut();
    }

    private void WriteChanged(int bytesMax)
    {
        var done = new List<byte[]>();
        foreach (var key in changed)
        {
            if (buffer.Length >= bytesMax) break;
            done.Add(key);
            var slot = KeySlot.Of(key);
            var place = state.Keyspace.Locate(key, slot);
            if (place.Exists) SnapshotCodec.WriteRecord(new SpanWriter(buffer), place.Record, state.Keyspace, slot);
            else StageCodec.WriteAbsent(new SpanWriter(buffer), key, slot);
        }

        foreach (var key in done) changed.Remove(key);
    }

    private void Cut()
    {
        for (var from = 0; from < buffer.Length; from += StageCodec.ChunkBytes)
        {
            var chunk = buffer.Written[from..Math.Min(from + StageCodec.ChunkBytes, buffer.Length)].ToArray();
            chunks.Enqueue(chunk);
            Chunks++;
            Hash = StageCodec.Chain(Hash, chunk);
        }

        buffer.Clear();
    }

    private readonly struct Visitor : IRecordVisitor
    {
        public SlotStream Stream { get; init; }

        public void Visit(byte* record) => SnapshotCodec.WriteRecord(new SpanWriter(Stream.buffer), record, Stream.state.Keyspace, Stream.order[Stream.at]);
    }
}
