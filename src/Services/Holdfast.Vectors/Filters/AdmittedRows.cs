using System.Numerics;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Filters;

/// <summary>The rows of a segment that pass a filter, as bits, and how that was found out.</summary>
/// <param name="Bits">A bit per row.</param>
/// <param name="Count">How many are set.</param>
/// <param name="Strategy">For explain: by indexes, by payloads, or both.</param>
internal readonly record struct AdmittedRows(ulong[] Bits, int Count, string Strategy)
{
    /// <summary>
    /// Asks the payload indexes what they can answer, and the payloads of the rows that are left about the rest. The bits are of the moment: a row that dies afterwards is the caller's to leave out.
    /// </summary>
    public static AdmittedRows Of(Filter filter, Segment segment, ShardState state)
    {
        var visible = segment.Visible;
        var bits = new ulong[(visible >> 6) + 1];
        for (var word = 0; word << 6 < visible; word++) bits[word] = segment.LiveWord(word);
        if ((visible & 63) != 0) bits[visible >> 6] &= (1UL << visible) - 1;
        var rest = new FilterByIndex(segment, visible).Apply(filter.WithWordsWhere(state.TextKeys), bits);
        var asked = rest is null ? 0 : AskPayloads(rest, segment, state, bits);
        var count = 0;
        foreach (var word in bits) count += BitOperations.PopCount(word);
        return new AdmittedRows(bits, count, rest is null ? "payload index" : asked == segment.LiveCount ? "payload scan" : "payload index, then payloads");
    }

    /// <summary>Whether one row passes.</summary>
    public static bool Passes(Filter filter, Segment segment, int row, ShardState state)
    {
        using var payload = segment.PayloadOf(row).Parse();
        return filter.Passes(new FilterSubject(segment.IdOf(row), payload.RootElement, name => state.Store.ColumnOf(name) is >= 0 and var column && segment.Columns[column].IsLive(row)));
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
