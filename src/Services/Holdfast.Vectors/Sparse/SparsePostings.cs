using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Sparse;

/// <summary>
/// Who has something at a place, and how much: the inverted index of a sparse column of one segment. Derived, and filled behind the log: rows that it does not hold yet are the searcher's to look at one by one.
/// The dead stay in it until their segment is merged.
/// </summary>
internal sealed class SparsePostings(int rowsMax)
{
    private readonly ReaderWriterLockSlim gate = new();
    private readonly Dictionary<uint, PostingList> places = [];
    private int covered;

    /// <summary>All rows before this one are in it, or have no vector here.</summary>
    public int Covered => Volatile.Read(ref covered);

    /// <summary>Takes in rows, up to a bound.</summary>
    public void Extend(VectorColumn column, int to)
    {
        gate.EnterWriteLock();
        try
        {
            for (var row = covered; row < Math.Min(to, rowsMax); row++)
            {
                if (!column.IsLive(row)) continue;
                var (indices, values) = Read(column, row);
                for (var at = 0; at < indices.Length; at++)
                {
                    ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(places, indices[at], out _);
                    (list ??= new PostingList()).Add(row, values[at]);
                }
            }

            Volatile.Write(ref covered, to);
        }
        finally
        {
            gate.ExitWriteLock();
        }
    }

    /// <summary>How many living rows have something at each of these places.</summary>
    public void CountAt(VectorColumn column, int visible, ReadOnlySpan<uint> wanted, Span<int> counts)
    {
        gate.EnterReadLock();
        try
        {
            for (var at = 0; at < wanted.Length; at++)
                if (places.TryGetValue(wanted[at], out var list))
                    foreach (var row in list.Rows) counts[at] += column.IsLive(row) ? 1 : 0;
            for (var row = covered; row < visible; row++)
            {
                if (!column.IsLive(row)) continue;
                var (indices, _) = Read(column, row);
                for (var at = 0; at < wanted.Length; at++) counts[at] += indices.BinarySearch(wanted[at]) >= 0 ? 1 : 0;
            }
        }
        finally
        {
            gate.ExitReadLock();
        }
    }

    /// <summary>
    /// Offers all rows that share a place with the query, by their dot product with it. Exact: what a place adds is added row by row. Returns how many entries were read, and how many rows of the tail were.
    /// </summary>
    public (int Read, int Scanned) Search(Segment segment, VectorColumn column, int visible, ReadOnlySpan<uint> wanted, ReadOnlySpan<float> weights, ReadOnlySpan<ulong> admitted, BestRows best)
    {
        var scores = ArrayPool<float>.Shared.Rent(Math.Max(1, visible));
        var seen = new ulong[(visible >> 6) + 1];
        Array.Clear(scores, 0, visible);
        var (read, scanned) = (0, 0);
        gate.EnterReadLock();
        try
        {
            for (var at = 0; at < wanted.Length; at++)
            {
                if (!places.TryGetValue(wanted[at], out var list)) continue;
                var rows = list.Rows;
                var values = list.Values;
                read += rows.Length;
                for (var each = 0; each < rows.Length && rows[each] < visible; each++)
                {
                    scores[rows[each]] += weights[at] * values[each];
                    seen[rows[each] >> 6] |= 1UL << rows[each];
                }
            }

            for (var row = covered; row < visible; row++)
            {
                if (!column.IsLive(row)) continue;
                scanned++;
                if (TryScore(column, row, wanted, weights, out scores[row])) seen[row >> 6] |= 1UL << row;
            }
        }
        finally
        {
            gate.ExitReadLock();
        }

        for (var word = 0; word << 6 < visible; word++)
            for (var bits = admitted.Length > 0 ? seen[word] & admitted[word] : seen[word]; bits != 0; bits &= bits - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                if (column.IsLive(row)) best.Offer(-scores[row], segment, row);
            }

        ArrayPool<float>.Shared.Return(scores);
        return (read, scanned);
    }

    /// <summary>A row's dot product with a query; false when they share no place.</summary>
    public static bool TryScore(VectorColumn column, int row, ReadOnlySpan<uint> wanted, ReadOnlySpan<float> weights, out float score)
    {
        var (indices, values) = Read(column, row);
        score = 0;
        var isShared = false;
        for (int at = 0, other = 0; at < wanted.Length && other < indices.Length;)
        {
            if (wanted[at] < indices[other]) at++;
            else if (wanted[at] > indices[other]) other++;
            else
            {
                score += weights[at++] * values[other++];
                isShared = true;
            }
        }

        return isShared;
    }

    private static Pair Read(VectorColumn column, int row)
    {
        var bytes = column.Blobs.Of(row);
        return new Pair(MemoryMarshal.Cast<byte, uint>(bytes[..(bytes.Length / 2)]), MemoryMarshal.Cast<byte, float>(bytes[(bytes.Length / 2)..]));
    }

    private readonly ref struct Pair(ReadOnlySpan<uint> indices, ReadOnlySpan<float> values)
    {
        private readonly ReadOnlySpan<uint> indices = indices;
        private readonly ReadOnlySpan<float> values = values;

        public void Deconstruct(out ReadOnlySpan<uint> places, out ReadOnlySpan<float> components) 
        {
            places = indices;
            components = values;
        }
    }

    private sealed class PostingList
    {
        private int[] rows = new int[4];
        private float[] values = new float[4];
        private int count;

        public ReadOnlySpan<int> Rows => rows.AsSpan(0, count);

        public ReadOnlySpan<float> Values => values.AsSpan(0, count);

        public void Add(int row, float value)
        {
            if (count == rows.Length)
            {
                Array.Resize(ref rows, count * 2);
                Array.Resize(ref values, count * 2);
            }

            (rows[count], values[count++]) = (row, value);
        }
    }
}
