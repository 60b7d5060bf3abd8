using System.Numerics;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Filters;

/// <summary>The rows of a segment that pass a filter, as bits, and how that was found out.</summary>
/// <param name="Bits">A bit per row.</param>
/// <param name="Count">How many are set.</param>
/// <param name="Strategy">For explain: by indexes, by payloads, or both.</param>
/// <param name="Rest">What payloads are yet to be asked about these rows, when they are met; null for nothing. <see cref="Count"/> is then an estimate.</param>
internal readonly record struct AdmittedRows(ulong[] Bits, int Count, string Strategy, LazyRows? Rest = null)
{
    /// <summary>Rows from which on payloads are asked only about those that a walk meets.</summary>
    private const int LazyRowsMin = 5000;

    /// <summary>Payloads asked to estimate how many pass.</summary>
    private const int SampleRows = 256;

    /// <summary>One in so many must pass for a walk to find its way; else every payload is asked.</summary>
    private const int LazyShare = 16;

    /// <summary>
    /// For a search through a graph: what indexes cannot answer is estimated from a sample, and where enough rows pass it is asked only about the rows that the walk meets.
    /// </summary>
    public static AdmittedRows ForWalk(Filter filter, Segment segment, ShardState state)
    {
        var bits = LiveBits(segment, out var visible);
        var rest = new FilterByIndex(segment, visible, state.Store).Apply(filter.AsDeclared(state.Declared), bits);
        var count = CountOf(bits);
        if (rest is null || count < LazyRowsMin) return Finish(rest, segment, state, bits);
        var lazy = new LazyRows(rest, segment, state, bits);
        var passing = lazy.EstimateShare(SampleRows);
        return passing * LazyShare < 1 ? Finish(rest, segment, state, bits) : new AdmittedRows(bits, (int)(count * passing), "payload index, then payloads of the rows met", lazy);
    }

    /// <summary>The same with every payload asked.</summary>
    public AdmittedRows Whole(Segment segment, ShardState state) => Rest is null ? this : Finish(Rest.Filter, segment, state, Bits);

    /// <summary>
    /// Asks the payload indexes what they can answer, and the payloads of the rows that are left about the rest. The bits are of the moment: a row that dies afterwards is the caller's to leave out.
    /// </summary>
    public static AdmittedRows Of(Filter filter, Segment segment, ShardState state)
    {
        var bits = LiveBits(segment, out var visible);
        return Finish(new FilterByIndex(segment, visible, state.Store).Apply(filter.AsDeclared(state.Declared), bits), segment, state, bits);
    }

    /// <summary>Whether one row passes.</summary>
    public static bool Passes(Filter filter, Segment segment, int row, ShardState state)
    {
        using var payload = segment.PayloadOf(row).Parse();
        return filter.Passes(new FilterSubject(segment.IdOf(row), payload.RootElement, name => state.Store.ColumnOf(name) is >= 0 and var column && segment.Columns[column].IsLive(row)));
    }

    private static ulong[] LiveBits(Segment segment, out int visible)
    {
        visible = segment.Visible;
        var bits = new ulong[(visible >> 6) + 1];
        for (var word = 0; word << 6 < visible; word++) bits[word] = segment.LiveWord(word);
        if ((visible & 63) != 0) bits[visible >> 6] &= (1UL << visible) - 1;
        return bits;
    }

    private static AdmittedRows Finish(Filter? rest, Segment segment, ShardState state, ulong[] bits)
    {
        var asked = rest is null ? 0 : AskPayloads(rest, segment, state, bits);
        return new AdmittedRows(bits, CountOf(bits), rest is null ? "payload index" : asked == segment.LiveCount ? "payload scan" : "payload index, then payloads");
    }

    private static int CountOf(ulong[] bits)
    {
        var count = 0;
        foreach (var word in bits) count += BitOperations.PopCount(word);
        return count;
    }

    private static int AskPayloads(Filter rest, Segment segment, ShardState state, ulong[] bits)
    {
        var asked = 0;
        for (var word = 0; word < bits.Length; word++)
            for (var left = bits[word]; left != 0; left &= left - 1)
            {
                asked++;
                var row = (word << 6) + BitOperations.TrailingZeroCount(left);
                if (!Passes(rest, segment, row, state)) bits[word] &= ~(1UL << row);
            }

        return asked;
    }
}
