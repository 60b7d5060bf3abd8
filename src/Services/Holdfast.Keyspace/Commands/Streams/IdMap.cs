namespace Holdfast.Keyspace;

/// <summary>Things by the numbers of a stream's entries, in order: sorted arrays of at most <see cref="ChunkMax"/>, so that adding at the end and removing anywhere cost little.</summary>
internal sealed class IdMap<T>
    where T : class
{
    private const int ChunkMax = 128;

    private readonly List<Chunk> chunks = [];

    public int Count { get; private set; }

    public T? Find(StreamId id)
    {
        var (chunk, at, isThere) = Seek(id);
        return isThere ? chunks[chunk].Values[at] : null;
    }

    /// <summary>The first one that is not below a number.</summary>
    public bool TryAtLeast(StreamId from, out StreamId id, out T value)
    {
        var (chunk, at, _) = Seek(from);
        if (chunk < chunks.Count && at == chunks[chunk].Count) (chunk, at) = (chunk + 1, 0);
        (id, value) = chunk < chunks.Count ? (chunks[chunk].Ids[at], chunks[chunk].Values[at]) : (default, null!);
        return chunk < chunks.Count;
    }

    /// <summary>The last number; the map must not be empty.</summary>
    public StreamId Last => chunks[^1].Ids[chunks[^1].Count - 1];

    /// <summary>Adds or replaces.</summary>
    public void Set(StreamId id, T value)
    {
        var (index, at, isThere) = Seek(id);
        if (isThere)
        {
            chunks[index].Values[at] = value;
            return;
        }

        if (index == chunks.Count && index > 0) (index, at) = (index - 1, chunks[index - 1].Count);
        if (chunks.Count == 0) chunks.Add(new Chunk());
        var chunk = chunks[index];
        if (chunk.Count == ChunkMax)
        {
            // At the end a new chunk begins; elsewhere the full one is halved.
            var isEnd = index == chunks.Count - 1 && at == ChunkMax;
            var tail = chunk.Split(isEnd ? ChunkMax : ChunkMax / 2);
            chunks.Insert(index + 1, tail);
            if (at >= chunk.Count && (isEnd || at > chunk.Count)) (chunk, at) = (tail, at - chunk.Count);
        }

        chunk.Insert(at, id, value);
        Count++;
    }

    public bool Remove(StreamId id)
    {
        var (index, at, isThere) = Seek(id);
        if (!isThere) return false;
        chunks[index].RemoveAt(at);
        if (chunks[index].Count == 0) chunks.RemoveAt(index);
        Count--;
        return true;
    }

    /// <summary>The chunk whose last number is not below, and the place in it.</summary>
    private (int Chunk, int At, bool IsThere) Seek(StreamId id)
    {
        var (low, high) = (0, chunks.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (chunks[middle].Ids[chunks[middle].Count - 1] < id) low = middle + 1;
            else high = middle;
        }

        if (low == chunks.Count) return (low, 0, false);
        var at = Array.BinarySearch(chunks[low].Ids, 0, chunks[low].Count, id);
        return at >= 0 ? (low, at, true) : (low, ~at, false);
    }

    private sealed class Chunk
    {
        public StreamId[] Ids { get; private set; } = new StreamId[4];

        public T[] Values { get; private set; } = new T[4];

        public int Count { get; private set; }

        public void Insert(int at, StreamId id, T value)
        {
            if (Count == Ids.Length) Resize(Count * 2);
            Array.Copy(Ids, at, Ids, at + 1, Count - at);
            Array.Copy(Values, at, Values, at + 1, Count - at);
            (Ids[at], Values[at]) = (id, value);
            Count++;
        }

        public void RemoveAt(int at)
        {
            Count--;
            Array.Copy(Ids, at + 1, Ids, at, Count - at);
            Array.Copy(Values, at + 1, Values, at, Count - at);
            Values[Count] = null!;
        }

        public Chunk Split(int at)
        {
            var tail = new Chunk { Count = Count - at };
            tail.Resize(ChunkMax);
            Array.Copy(Ids, at, tail.Ids, 0, tail.Count);
            Array.Copy(Values, at, tail.Values, 0, tail.Count);
            Array.Clear(Values, at, tail.Count);
            Count = at;
            return tail;
        }

        private void Resize(int size)
        {
            var (ids, values) = (new StreamId[size], new T[size]);
            Array.Copy(Ids, ids, Math.Min(Ids.Length, size));
            Array.Copy(Values, values, Math.Min(Values.Length, size));
            (Ids, Values) = (ids, values);
        }
    }
}
