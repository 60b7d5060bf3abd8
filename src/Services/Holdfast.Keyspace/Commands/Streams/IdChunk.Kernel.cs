using System.Runtime.CompilerServices;

namespace Holdfast.Keyspace;

/// <summary>A block of an <see cref="IdMap{T}"/>: numbers in order, and behind the room for them the things that go with them.</summary>
internal unsafe struct IdChunk<T>
    where T : unmanaged
{
    public StreamId* Ids;
    public int Count;
    public int Room;

    /// <summary>The loan in which it was lent to a snapshot; 0 for none.</summary>
    public int Loan;

    public readonly T* Values => (T*)(Ids + Room);

    public readonly StreamId Last => Ids[Count - 1];

    /// <summary>The chunk whose last number is not below, and the place in it.</summary>
    public static (int Chunk, int At, bool IsThere) Seek(ReadOnlySpan<IdChunk<T>> chunks, StreamId id)
    {
        var (low, high) = (0, chunks.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (chunks[middle].Last < id) low = middle + 1;
            else high = middle;
        }

        if (low == chunks.Length) return (low, 0, false);
        var at = new ReadOnlySpan<StreamId>(chunks[low].Ids, chunks[low].Count).BinarySearch(id);
        return at >= 0 ? (low, at, true) : (low, ~at, false);
    }

    /// <summary>The same in a block of its own.</summary>
    public readonly IdChunk<T> Copy(NativeArena arena, int room)
    {
        var copy = new IdChunk<T> { Ids = (StreamId*)arena.Take(BytesOf(room)), Count = Count, Room = room };
        new Span<StreamId>(Ids, Count).CopyTo(new Span<StreamId>(copy.Ids, room));
        new Span<T>(Values, Count).CopyTo(new Span<T>(copy.Values, room));
        return copy;
    }

    public readonly void Free(NativeArena arena)
    {
        if (Ids is not null) arena.Give((byte*)Ids, BytesOf(Room));
    }

    public void Insert(int at, StreamId id, T value)
    {
        var behind = Count - at;
        new Span<StreamId>(Ids + at, behind).CopyTo(new Span<StreamId>(Ids + at + 1, behind));
        new Span<T>(Values + at, behind).CopyTo(new Span<T>(Values + at + 1, behind));
        (Ids[at], Values[at]) = (id, value);
        Count++;
    }

    public void RemoveAt(int at)
    {
        var behind = Count - at - 1;
        new Span<StreamId>(Ids + at + 1, behind).CopyTo(new Span<StreamId>(Ids + at, behind));
        new Span<T>(Values + at + 1, behind).CopyTo(new Span<T>(Values + at, behind));
        Count--;
    }

    /// <summary>Cuts off what stands behind so many, into a block of its own.</summary>
    public IdChunk<T> Split(NativeArena arena, int kept, int room)
    {
        var tail = default(IdChunk<T>).Copy(arena, room);
        tail.Count = Count - kept;
        new Span<StreamId>(Ids + kept, tail.Count).CopyTo(new Span<StreamId>(tail.Ids, tail.Count));
        new Span<T>(Values + kept, tail.Count).CopyTo(new Span<T>(tail.Values, tail.Count));
        Count = kept;
        return tail;
    }

    private static int BytesOf(int room) => room * (sizeof(StreamId) + Unsafe.SizeOf<T>());
}
