using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// The keys of slots that leave, as a stream of chunks: first a walk over all of them while they go on changing, then again and again those that changed meanwhile, and with the seal the last of them.
/// Lives on the source's leader, in memory; a new leader begins another. Everything here happens at append, so that a chunk shows the state after some entry. Large values are read a piece at a time (<see cref="PiecewiseCopy"/>);
/// the seal waits for them, unless they change without end.
/// </summary>
internal sealed unsafe class SlotStream : IChangeTracker
{
    /// <summary>Keys that are left for the seal: copied while nobody serves the slots, which is to be short.</summary>
    private const int TailKeysMax = 128;

    /// <summary>Rounds over keys that change faster than they are copied; after these the seal comes, with a longer tail.</summary>
    private const int RoundsMax = 32;

    private const int HomesPerRead = 4096;

    private static readonly Mark ChangedWhileCopied = new("keyspace: a key changed after it was copied, and was copied again");
    private static readonly Mark CopiedInPieces = new("keyspace: a large value was copied to another shard in pieces", elsewhere: "LargeMoveTests: the simulated clients use registers and transactions only");
    private static readonly Mark BrokenInPieces = new("keyspace: a large value changed in the midst of its copy to another shard", elsewhere: "LargeMoveTests: the simulated clients use registers and transactions only");

    private readonly ShardMachine shard;
    private readonly ShardState state;
    private readonly Term term;
    private readonly SlotRanges slots;
    private readonly int[] order;
    private readonly Queue<byte[]> chunks = new();
    private readonly ByteBuffer buffer = new();
    private readonly HashSet<byte[]> changed = new(ByteKey.Comparer);
    private readonly Queue<byte[]> large = new();
    private PiecewiseCopy? copy;
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
    public bool IsReadyForSeal => IsWalked && chunks.Count == 0 && (IsBetweenLarge || IsPartEnough) && (rounds >= RoundsMax || (changed.Count <= TailKeysMax && !changed.Any(IsLarge)));

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

    /// <summary>Whether no large value is under way.</summary>
    private bool IsBetweenLarge => copy is null && large.Count == 0;

    private bool IsPartEnough => copy is not null && shard.Call.Node.Bug == PlantedShardBug.LargeValueAdoptedInPart;

    public void OnChange(in KeyPlace place)
    {
        // What the walk has not reached it will meet as it is then.
        if (!slots.Contains(place.Slot) || (!IsWalked && place.Slot > order[at])) return;
        if (changed.Add(place.Key.ToArray())) ChangedWhileCopied.Hit();
        if (copy is null || !place.Key.SequenceEqual(copy.Key)) return;
        BrokenInPieces.Hit();
        copy = null;
    }

    public void OnFlushed() => isFlushed = true;

    /// <summary>Reads about a chunk more: of the walk, then of what changed.</summary>
    public void ReadMore()
    {
        if (IsBroken) return;
        WriteLarge(StageCodec.ChunkBytes);
        var visitor = new Visitor { Stream = this };
        for (var homes = HomesPerRead; at < order.Length && buffer.Length < StageCodec.ChunkBytes && homes > 0; homes--)
        {
            cursor = state.Keyspace.Table(order[at]).Walk(cursor, ref visitor);
            if (cursor == 0) at++;
        }

        if (IsWalked && buffer.Length < StageCodec.ChunkBytes && IsBetweenLarge)
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
        if (!IsPartEnough) WriteLarge(int.MaxValue);
        var fences = state.Fences;
        if (fences.Floor.Value > 0) StageCodec.WriteFence(new SpanWriter(buffer), [], fences.Floor);
        foreach (var (name, token) in fences.All) StageCodec.WriteFence(new SpanWriter(buffer), name, token);
        Cut();
    }

    private bool IsLarge(byte[] key) => shard.Call.Node.KnowsPieces() && state.Keyspace.Locate(key) is { Exists: true } place && PiecewiseCopy.Of(state.Keyspace, place.Record) is not null;

    /// <summary>Writes a key with its value; a large one later, in pieces.</summary>
    private void Write(byte* record, int slot)
    {
        if (shard.Call.Node.KnowsPieces() && PiecewiseCopy.Of(state.Keyspace, record) is not null) large.Enqueue(RecordHead.KeyOf(record).ToArray());
        else SnapshotCodec.WriteRecord(new SpanWriter(buffer), record, state.Keyspace, slot);
    }

    /// <summary>Writes pieces of large values until there are no more, or enough. One that is gone by now has changed, and that is sent with what has.</summary>
    private void WriteLarge(int bytesMax)
    {
        while (buffer.Length < bytesMax && (copy is not null || TryBeginLarge()))
            if (!copy!.WriteNext(buffer)) copy = null;
    }

    private bool TryBeginLarge()
    {
        while (large.TryDequeue(out var key))
        {
            var place = state.Keyspace.Locate(key);
            if (!place.Exists) continue;
            changed.Remove(key);
            if (PiecewiseCopy.Of(state.Keyspace, place.Record) is { } value)
            {
                CopiedInPieces.Hit();
                copy = new PiecewiseCopy(place.Record, value, place.Slot);
                return true;
            }

            SnapshotCodec.WriteRecord(new SpanWriter(buffer), place.Record, state.Keyspace, place.Slot);
        }

        return false;
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
            if (place.Exists) Write(place.Record, slot);
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

        public void Visit(byte* record) => Stream.Write(record, Stream.order[Stream.at]);
    }
}
