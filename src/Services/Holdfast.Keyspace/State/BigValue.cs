using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A value that is too large for one run of bytes: a large hash, list, set, sorted set or a stream. Its owner keeps the content outside the managed heap
/// (<see cref="NativeArena"/>, <see cref="RecordTable"/>); the object itself is only the handle. A family registers how its kind is read back in <see cref="BigValues"/>.
/// </summary>
internal abstract class BigValue
{
    /// <summary>Elements in it; zero means that the key is to be removed.</summary>
    public abstract long Count { get; }

    /// <summary>Bytes it takes, about.</summary>
    public abstract long Bytes { get; }

    /// <summary>Its content, for snapshots and DUMP of our own form; <see cref="BigValues.Read"/> is the way back.</summary>
    public abstract void Write(SpanWriter writer);

    /// <summary>Its content a piece at a time, for as long as it is not changed.</summary>
    public abstract IValuePieces ToPieces();

    /// <summary>Adds what a piece behind the first holds; false when the bytes are none.</summary>
    public abstract bool TryReadMore(ref SpanReader reader);

    /// <summary>Frees up to so many elements and returns how many are left: a large value dies in slices. Nobody looks at it any more.</summary>
    public abstract long Free(int elementsMax);

    /// <summary>An empty one of the same kind, which no key holds.</summary>
    public abstract BigValue MakeEmpty();

    /// <summary>Adds copies of what another of the same kind holds, from a cursor on (zero at first), up to about so many elements and so many bytes; where it goes on, and zero at the end. Holds as long as the other is not changed.</summary>
    public abstract ulong CopySome(BigValue source, ulong cursor, int elementsMax, int bytesMax);

    /// <summary>No key will hold it: it is freed in slices, as what a key held is.</summary>
    public abstract void Abandon();

    /// <summary>Whether a key holds it. Before that it is nobody's but its maker's, and its changes are not told.</summary>
    public bool IsKept { get; set; }

    /// <summary>How many are looking at it: while there are any, it is not freed.</summary>
    public int Holders { get; set; }

    /// <summary>Takes a change of an element back, as it was told (<see cref="IBeforeChange.OnElement"/>); later ones were taken back before (S20).</summary>
    public abstract void TakeBack(in ElementImage image);

    /// <summary>A change is for good: what was kept for undoing it is freed.</summary>
    public virtual void Forget(in ElementImage image)
    {
        // Nothing was kept.
    }
}

/// <summary>How big values are read back. Families add their kinds when the command table is built.</summary>
internal static class BigValues
{
    /// <summary>Builds a value from what <see cref="BigValue.Write"/> wrote.</summary>
    public delegate BigValue? Reader(ref SpanReader reader, Keyspace keyspace);

    private static readonly Reader?[] Readers = new Reader?[256];

    /// <summary>Makes an encoding of a kind known.</summary>
    public static void Register(ValueKind kind, ValueEncoding encoding, Reader reader) => Readers[Place(kind, encoding)] = reader;

    /// <summary>Reads a value back; null for an encoding that nobody registered.</summary>
    public static BigValue? Read(ValueKind kind, ValueEncoding encoding, ref SpanReader reader, Keyspace keyspace) => Readers[Place(kind, encoding)]?.Invoke(ref reader, keyspace);

    private static int Place(ValueKind kind, ValueEncoding encoding) => ((int)kind << 4) | (int)encoding;
}
