using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Filters;

/// <summary>Answers as much of a filter as a segment's payload indexes can.</summary>
internal readonly struct FilterByIndex(Segment segment, int visible, PointStore store)
{
    /// <summary>Clears the bits of rows that cannot pass. Returns what of the filter is still to be asked of those left; null for nothing.</summary>
    public Filter? Apply(Filter filter, ulong[] bits)
    {
        var must = new List<Condition>();
        foreach (var condition in filter.Must)
        {
            if (Answer(condition) is { } answer)
            {
                And(bits, answer);
                continue;
            }

            // A phrase's words are known; whether they stand behind one another is asked of the texts that have them all.
            if (condition is FieldCondition { Predicate: MatchText { Kind: TextMatch.Phrase } phrase } field && Answer(field with { Predicate = phrase with { Kind = TextMatch.AllWords } }) is { } candidates) And(bits, candidates);
            must.Add(condition);
        }

        var mustNot = new List<Condition>();
        foreach (var condition in filter.MustNot)
            if (Answer(condition) is { } answer) AndNot(bits, answer);
            else mustNot.Add(condition);
        var isShouldDone = filter.Should.Count == 0 || AnyOf(filter.Should, bits);
        return must.Count == 0 && mustNot.Count == 0 && isShouldDone && filter.MinShould.Count == 0
            ? null
            : new Filter { Must = must, MustNot = mustNot, Should = isShouldDone ? [] : filter.Should, MinShould = filter.MinShould, MinShouldCount = filter.MinShouldCount };
    }

    private bool AnyOf(IReadOnlyList<Condition> conditions, ulong[] bits)
    {
        var any = new ulong[bits.Length];
        foreach (var condition in conditions)
        {
            if (Answer(condition) is not { } answer) return false;
            for (var word = 0; word < any.Length; word++) any[word] |= answer[word];
        }

        And(bits, any);
        return true;
    }

    /// <summary>The rows for which a condition is true, if indexes know all of it.</summary>
    private ulong[]? Answer(Condition condition)
    {
        var bits = new ulong[(visible >> 6) + 1];
        switch (condition)
        {
            case FieldCondition { Predicate: MatchText { Kind: TextMatch.AllWords, Words.Count: > 1 } match } words:
                Array.Fill(bits, ulong.MaxValue);
                foreach (var word in match.Words)
                {
                    if (Answer(words with { Predicate = match with { Words = [word] } }) is not { } one) return null;
                    And(bits, one);
                }

                return bits;
            case FieldCondition field when segment.Indexes.For(field.Path, field.Predicate) is { } index:
                index.Answer(field.Predicate, segment, visible, bits);
                return bits;
            case IsEmptyCondition empty when segment.Indexes.For(empty.Path, new HasSomething()) is { } index:
                index.Answer(new HasSomething(), segment, visible, bits);
                for (var word = 0; word < bits.Length; word++) bits[word] = ~bits[word];
                return bits;
            case IsNullCondition nothing when segment.Indexes.For(nothing.Path, new HasNull()) is { } index:
                index.Answer(new HasNull(), segment, visible, bits);
                return bits;
            case HasVectorCondition vector:
                ReadVectors(vector.Name, bits);
                return bits;
            case HasIdCondition ids:
                for (var row = 0; row < visible; row++)
                    if (ids.Ids.Contains(segment.IdOf(row))) bits[row >> 6] |= 1UL << row;
                return bits;
            case FilterCondition inner:
                Array.Fill(bits, ulong.MaxValue);
                return Apply(inner.Filter, bits) is null ? bits : null;
            default:
                return null;
        }
    }

    private unsafe void ReadVectors(string name, ulong[] bits)
    {
        var number = store.ColumnOf(name);
        if (number < 0) return;
        var column = segment.Columns[number];
        for (var word = 0; word << 6 < visible; word++) bits[word] = Volatile.Read(ref column.Live[word]);
        GC.KeepAlive(column);
    }

    private static void And(ulong[] bits, ulong[] other)
    {
        for (var word = 0; word < bits.Length; word++) bits[word] &= other[word];
    }

    private static void AndNot(ulong[] bits, ulong[] other)
    {
        for (var word = 0; word < bits.Length; word++) bits[word] &= ~other[word];
    }
}
