using System.Runtime.InteropServices;

namespace Holdfast.Keyspace;

/// <summary>
/// Things by the numbers of a stream's entries, in order, outside the managed heap: sorted blocks of at most <see cref="ChunkMax"/>, so that adding at the end and removing anywhere cost little. A million of them are blocks of the
/// arena and a short list here, not a million objects for the collector to walk. Empty, it holds nothing. A snapshot borrows the blocks as they are (<see cref="Lend"/>): one that is lent is copied before it is changed.
/// </summary>
/// <param name="arena">Where its memory comes from.</param>
internal sealed unsafe class IdMap<T>(NativeArena arena)
    where T : unmanaged
{
    private const int ChunkMax = 128;
    private const int RoomAtFirst = 4;

    private readonly List<IdChunk<T>> chunks = [];
    private readonly List<IdChunk<T>> givenUp = []; // Lent, and needed here no more.
    private int loans;
    private bool isLent;

    public int Count { get; private set; }

    /// <summary>The last number; the map must not be empty.</summary>
    public StreamId Last => chunks[^1].Last;

    private Span<IdChunk<T>> Chunks => CollectionsMarshal.AsSpan(chunks);

    public bool Has(StreamId id) => Seek(id).IsThere;

    public bool TryFind(StreamId id, out T value)
    {
        var (chunk, at, isThere) = Seek(id);
        value = isThere ? chunks[chunk].Values[at] : default;
        return isThere;
    }

    /// <summary>The first one that is not below a number.</summary>
    public bool TryAtLeast(StreamId from, out StreamId id, out T value)
    {
        var (chunk, at, _) = Seek(from);
        (id, value) = chunk < chunks.Count ? (chunks[chunk].Ids[at], chunks[chunk].Values[at]) : default;
        return chunk < chunks.Count;
    }

    /// <summary>Adds or replaces.</summary>
    public void Set(StreamId id, T value)
    {
        var (index, at, isThere) = Seek(id);
        if (isThere)
        {
            Own(index).Values[at] = value;
            return;
        }

        if (index == chunks.Count && index > 0) (index, at) = (index - 1, chunks[index - 1].Count);
        if (chunks.Count == 0) chunks.Add(default);
        ref var chunk = ref Own(index);
        if (chunk.Count == ChunkMax)
        {
            // At the end a new chunk begins; elsewhere the full one is halved.
            var isEnd = index == chunks.Count - 1 && at == ChunkMax;
            var kept = isEnd ? ChunkMax : ChunkMax / 2;
            var tail = chunk.Split(arena, kept, ChunkMax);
            chunks.Insert(index + 1, tail);
            if (at >= kept && (isEnd || at > kept)) (index, at) = (index + 1, at - kept);
            chunk = ref Chunks[index];
        }
        else if (chunk.Count == chunk.Room)
        {
            var wider = chunk.Copy(arena, Math.Max(RoomAtFirst, chunk.Room * 2));
            chunk.Free(arena);
            chunk = wider;
        }

        chunk.Insert(at, id, value);
        Count++;
    }

    public bool Remove(StreamId id)
    {
        var (index, at, isThere) = Seek(id);
        if (!isThere) return false;
        Count--;
        if (chunks[index].Count > 1) Own(index).RemoveAt(at);
        else Close(index);
        return true;
    }

    /// <summary>Frees up to so many, from the end on; how many are left. Nobody looks at it any more but whoever borrowed it.</summary>
    public long Free(ref int elementsMax)
    {
        while (chunks.Count > 0 && elementsMax > 0)
        {
            var count = chunks[^1].Count;
            (elementsMax, Count) = (elementsMax - count, Count - count);
            Close(chunks.Count - 1);
        }

        return Count;
    }

    /// <summary>Lends what it holds, as it is now, to one borrower at a time, until <see cref="EndLoan"/>.</summary>
    public LentIds<T> Lend()
    {
        Primitives.Invariant.Holds(!isLent, "what is pending was lent twice");
        (loans, isLent) = (loans + 1, true);
        foreach (ref var chunk in Chunks) chunk.Loan = loans;
        return new LentIds<T>([.. chunks], Count);
    }

    /// <summary>The borrower is done.</summary>
    public void EndLoan()
    {
        isLent = false;
        foreach (var chunk in givenUp) chunk.Free(arena);
        givenUp.Clear();
    }

    private (int Chunk, int At, bool IsThere) Seek(StreamId id) => IdChunk<T>.Seek(Chunks, id);

    /// <summary>A chunk that is about to be changed: the copy of one that is lent.</summary>
    private ref IdChunk<T> Own(int index)
    {
        ref var chunk = ref Chunks[index];
        if (!isLent || chunk.Loan != loans) return ref chunk;
        givenUp.Add(chunk);
        chunk = chunk.Copy(arena, chunk.Room);
        return ref chunk;
    }

    private void Close(int index)
    {
        if (isLent && chunks[index].Loan == loans) givenUp.Add(chunks[index]);
        else chunks[index].Free(arena);
        chunks.RemoveAt(index);
    }
}

/// <summary>What an <see cref="IdMap{T}"/> held when it was lent.</summary>
internal sealed unsafe class LentIds<T>(IdChunk<T>[] chunks, int count)
    where T : unmanaged
{
    private int chunk;
    private int at;

    public int Count => count;

    public bool TryFind(StreamId id, out T value)
    {
        var (index, place, isThere) = IdChunk<T>.Seek(chunks, id);
        value = isThere ? chunks[index].Values[place] : default;
        return isThere;
    }

    /// <summary>The next number, in order; false at the end.</summary>
    public bool TryNext(out StreamId id)
    {
        id = default;
        if (chunk == chunks.Length) return false;
        id = chunks[chunk].Ids[at++];
        if (at == chunks[chunk].Count) (chunk, at) = (chunk + 1, 0);
        return true;
    }
}
