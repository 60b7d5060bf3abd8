using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>The answers of the shards that came of one, as if it had answered.</summary>
internal static class AnswersMerged
{
    /// <summary>One answer. Of a page what lies behind the first end of a part's page is left out: it comes with the next one.</summary>
    public static ShardAnswer Of(IReadOnlyList<ShardAnswer> answers)
    {
        if (answers.Count == 1) return answers[0];
        PointId? next = null;
        foreach (var answer in answers)
            if (answer.Next is { } end && (next is null || end.CompareTo(next.Value) < 0)) next = end;
        return new ShardAnswer
        {
            Points = [.. answers.SelectMany(answer => answer.Points).Where(point => next is null || point.Id.CompareTo(next.Value) < 0)],
            Next = next,
            Count = answers.Sum(answer => answer.Count),
            Values = [.. answers.SelectMany(answer => answer.Values).GroupBy(each => each.Key, StringComparer.Ordinal).Select(each => new KeyValuePair<string, long>(each.Key, each.Sum(one => one.Value)))],
            Traces = [.. answers.SelectMany(answer => answer.Traces)],
            Facts = FactsOf([.. answers.Select(answer => answer.Facts).OfType<ShardFacts>()]),
            Applied = answers.Min(answer => answer.Applied),
            Committed = answers.Max(answer => answer.Committed),
            Node = answers[0].Node,
        };
    }

    private static ShardFacts? FactsOf(IReadOnlyList<ShardFacts> facts) => facts.Count == 0 ? null : new ShardFacts(
        facts.Sum(each => each.Points), facts.Sum(each => each.Indexed), facts.Sum(each => each.Segments), facts.All(each => each.IsGreen), facts[0].Indexes);
}
