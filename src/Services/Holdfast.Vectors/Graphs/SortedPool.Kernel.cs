using System.Runtime.CompilerServices;

namespace Holdfast.Vectors.Graphs;

/// <summary>Candidates in order, closest first, in memory of their owner's: one sorted run instead of a heap, because nearly all that comes is refused by one comparison with the last.</summary>
internal static unsafe class SortedPool
{
    /// <summary>Puts a candidate at its place in a sorted pool; the furthest falls out of a full one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Enter(Candidate* pool, ref int size, int ef, float distance, int row)
    {
        int low = 0, high = size;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (pool[middle].Distance <= distance) low = middle + 1;
            else high = middle;
        }

        var moved = (size < ef ? size++ : size - 1) - low;
        Buffer.MemoryCopy(pool + low, pool + low + 1, (long)moved * sizeof(Candidate), (long)moved * sizeof(Candidate));
        pool[low].Distance = distance;
        pool[low].Row = row;
        return low;
    }

    /// <summary>Sorts candidates whose distances changed a little.</summary>
    public static void Sort(Candidate* pool, int count)
    {
        if (count > 128)
        {
            new Span<Candidate>(pool, count).Sort(static (one, other) => one.Distance.CompareTo(other.Distance));
            return;
        }

        for (var at = 1; at < count; at++)
        {
            var moving = pool[at];
            var place = at - 1;
            for (; place >= 0 && pool[place].Distance > moving.Distance; place--) pool[place + 1] = pool[place];
            pool[place + 1] = moving;
        }
    }
}
