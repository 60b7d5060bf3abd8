using System.Numerics;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Filters;

/// <summary>The rows of a segment that pass a filter, as bits, and how that was found out.</summary>
/// <param name="Bits">A bit per row.</param>
/// <param name="Count">How many are set.</param>
/// <param name="Strategy">For explain.</param>
internal readonly record struct AdmittedRows(ulong[] Bits, int Count, string Strategy)
{
    /// <summary>
    /// Asks every living row. This is the seam for payload indexes: what they can answer replaces a part of the filter by bits, and only the rest is asked row by row.
    /// </summary>
    public static AdmittedRows Of(Filter filter, Segment segment, ShardState state)
    {
        var visible = segment.Visible;
        var bits = new ulong[(visible >> 6) + 1];
        var count = 0;
        for (var word = 0; word << 6 < visible; word++)
            for (var live = segment.LiveWord(word); live != 0; live &= live - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(live);
                if (row >= visible || !Passes(filter, segment, row, state)) continue;
                bits[word] |= 1UL << row;
                count++;
            }

        return new AdmittedRows(bits, count, "payload scan");
    }

    /// <summary>Whether one row passes.</summary>
    public static bool Passes(Filter filter, Segment segment, int row, ShardState state)
    {
        using var payload = segment.PayloadOf(row).Parse();
        return filter.Passes(new FilterSubject(segment.IdOf(row), payload.RootElement, name => state.Store.ColumnOf(name) is >= 0 and var column && segment.Columns[column].IsLive(row)));
    }
}
