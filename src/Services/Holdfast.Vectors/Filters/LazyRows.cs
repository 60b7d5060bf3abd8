using System.Numerics;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Filters;

/// <summary>A filter that payloads are asked about only when a row is met, each at most once. For one search, on one thread.</summary>
/// <param name="filter">What indexes could not answer.</param>
/// <param name="segment">Whose rows.</param>
/// <param name="state">The shard.</param>
/// <param name="bits">Rows that may pass, as far as indexes know.</param>
internal sealed class LazyRows(Filter filter, Segment segment, ShardState state, ulong[] bits)
{
    private readonly ulong[] asked = new ulong[bits.Length];
    private readonly ulong[] passing = new ulong[bits.Length];

    /// <summary>What payloads are asked.</summary>
    public Filter Filter => filter;

    /// <summary>Whether a row passes.</summary>
    public bool Admits(int row)
    {
        var (word, bit) = (row >> 6, 1UL << row);
        if (word >= bits.Length || (bits[word] & bit) == 0) return false;
        if ((asked[word] & bit) != 0) return (passing[word] & bit) != 0;
        asked[word] |= bit;
        if (!AdmittedRows.Passes(filter, segment, row, state)) return false;
        passing[word] |= bit;
        return true;
    }

    /// <summary>The share of the rows that pass, from so many of them, spread over all.</summary>
    public double EstimateShare(int sample)
    {
        var (met, passed) = (0, 0);
        var step = Math.Max(1, bits.Length / sample);
        for (var word = 0; word < bits.Length; word += step)
        {
            if (bits[word] == 0) continue;
            met++;
            if (Admits((word << 6) + BitOperations.TrailingZeroCount(bits[word]))) passed++;
        }

        return met == 0 ? 0 : (double)passed / met;
    }
}
