using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Walks through a graph: one sorted pool instead of two heaps; the links of a row are gathered and their vectors asked into the cache before the first distance is computed. Reads without locks:
/// a block that changes meanwhile shows old links, new ones or some of each, all of them rows that are there. (bench/peers/vectors.sh)
/// </summary>
internal static unsafe class HnswWalk<TMetric>
    where TMetric : struct, IWalkMetric
{
    private const int Expanded = int.MinValue;
    private const int NotAdmitted = 1 << 30;
    private const int RowBits = ~(Expanded | NotAdmitted);
    private const int PrefetchBytesMax = 512;

    /// <summary>Goes down from level to level, always to the closest, and ends with the closest row met above <paramref name="to"/>.</summary>
    public static Candidate Descend(RowMemory rows, LinkTable links, byte* query, Candidate from, int top, int to)
    {
        for (var level = top; level > to; level--)
            for (var moved = true; moved;)
            {
                moved = false;
                var block = links.Of(from.Row, level);
                for (var at = 0; at < links.M && block[at] >= 0; at++)
                {
                    var row = block[at];
                    var distance = TMetric.Of(query, rows.Row(row), rows.RowBytes);
                    if (distance >= from.Distance) continue;
                    from = new Candidate { Distance = distance, Row = row };
                    moved = true;
                }
            }

        return from;
    }

    /// <summary>
    /// Searches one level from <paramref name="seeds"/> rows that stand in the scratch's pool. Where the gate keeps a row out, the rows that it links to are looked at in its stead, so that the
    /// walk goes on through what may be returned (Patel et al., "ACORN"). Returns how many candidates the pool holds, closest first, admitted ones only.
    /// </summary>
    public static int Level<TGate>(RowMemory rows, LinkTable links, byte* query, int seeds, int ef, int level, SearchScratch scratch, TGate gate)
        where TGate : struct, IRowGate
    {
        var pool = scratch.Pool.First;
        var fresh = scratch.Fresh.First;
        var marks = scratch.BeginWalk(out var version);
        var linksMax = links.LinksMax(level);
        for (var seed = 0; seed < seeds; seed++)
        {
            marks[pool[seed].Row] = version;
            if (!TGate.IsOpen && !gate.Admits(pool[seed].Row)) pool[seed].Row |= NotAdmitted;
        }

        int size = seeds, next = 0, visited = seeds;
        while (next < size)
        {
            var word = pool[next].Row;
            if (word < 0)
            {
                next++;
                continue;
            }

            pool[next].Row = word | Expanded;
            var count = Gather(rows, links, links.Of(word & RowBits, level), linksMax, level, marks, version, fresh, gate);
            visited += count;
            var lowest = next + 1;
            var worst = size < ef ? float.MaxValue : pool[size - 1].Distance;
            for (var at = 0; at < count; at++)
            {
                var distance = TMetric.Of(query, rows.Row(fresh[at]), rows.RowBytes);
                if (distance >= worst) continue;
                var place = SortedPool.Enter(pool, ref size, ef, distance, fresh[at]);
                if (place < lowest) lowest = place;
                if (size == ef) worst = pool[size - 1].Distance;
            }

            next = lowest <= next ? lowest : next + 1;
        }

        scratch.Visited += visited;
        return Settle(pool, size);
    }

    /// <summary>
    /// The links of a block that were not met yet, marked, and asked into the cache. For each that the gate keeps out, about one is taken from beyond such rows: so a walk through a part of the rows
    /// measures as many as one through all of them, where all within two links would be up to ten times as many. Those that were not gone beyond are not marked, and another row may lead to them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Gather<TGate>(RowMemory rows, LinkTable links, int* block, int linksMax, int level, ushort* marks, ushort version, int* fresh, TGate gate)
        where TGate : struct, IRowGate
    {
        var (count, refused) = (0, SearchScratch.FreshMax);
        for (var at = 0; at < linksMax; at++)
        {
            var row = block[at];
            if (row < 0) break;
            if (marks[row] == version) continue;
            if (TGate.IsOpen || gate.Admits(row))
            {
                marks[row] = version;
                Prefetch(rows.Row(row), rows.RowBytes);
                fresh[count++] = row;
            }
            else
            {
                if (Sse.IsSupported) Sse.Prefetch0(links.Of(row, level));
                fresh[--refused] = row;
            }
        }

        if (TGate.IsOpen) return count;
        var wanted = count + SearchScratch.FreshMax - refused;
        for (var at = SearchScratch.FreshMax - 1; at >= refused && count < wanted; at--)
        {
            marks[fresh[at]] = version;
            count = GatherBeyond(rows, links.Of(fresh[at], level), linksMax, marks, version, fresh, count, gate);
        }

        return count;
    }

    private static int GatherBeyond<TGate>(RowMemory rows, int* block, int linksMax, ushort* marks, ushort version, int* fresh, int count, TGate gate)
        where TGate : struct, IRowGate
    {
        for (var at = 0; at < linksMax; at++)
        {
            var row = block[at];
            if (row < 0) break;
            if (marks[row] == version || !gate.Admits(row)) continue;
            marks[row] = version;
            Prefetch(rows.Row(row), rows.RowBytes);
            fresh[count++] = row;
        }

        return count;
    }

    private static int Settle(Candidate* pool, int size)
    {
        var kept = 0;
        for (var at = 0; at < size; at++)
            if ((pool[at].Row & NotAdmitted) == 0) pool[kept++] = new Candidate { Distance = pool[at].Distance, Row = pool[at].Row & RowBits };
        return kept;
    }

    /// <summary>Asks a row into the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* row, int bytes)
    {
        if (!Sse.IsSupported) return;
        var end = Math.Min(bytes, PrefetchBytesMax);
        for (var at = 0; at < end; at += RowMemory.LineBytes) Sse.Prefetch0(row + at);
    }
}
