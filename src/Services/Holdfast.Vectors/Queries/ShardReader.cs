using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Queries;

/// <summary>Answers what is asked of a shard from its state, on any thread; what walks over the list of ids is <see cref="RowLookup"/>'s.</summary>
internal static class ShardReader
{
    private static readonly IndexWorkerOptions Usual = new();

    /// <summary>The answer.</summary>
    public static ShardAnswer Answer(ShardState state, ShardQuestion question)
    {
        question = question with { Wanted = question.Wanted.Known(state.Store) };
        RequireColumn(state, question switch { NearestQuestion nearest => nearest.Query.Column, ExampleQuestion examples => examples.Column, SampleQuestion sample => sample.Column, _ => -1 });
        switch (question)
        {
            case NearestQuestion nearest: return Nearest(state, nearest);
            case ExampleQuestion examples: return new ShardAnswer { Points = ExampleScan.Run(state, examples) };
            case OrderedQuestion ordered: return new ShardAnswer { Points = PayloadScan.InOrder(state, ordered) };
            case SampleQuestion sample: return new ShardAnswer { Points = PayloadScan.Sample(state, sample) };
            case FacetQuestion facet: return new ShardAnswer { Values = PayloadScan.Facets(state, facet) };
            case CountQuestion count: return new ShardAnswer { Count = CountOf(state, count.Filter) };
            case NamesQuestion names: return new ShardAnswer { Points = [.. PayloadScan.Rows(state, names.Filter).Select(each => each.Segment.IdOf(each.Row)).Distinct().Select(id => new FoundPoint(id))] };
            case FactsQuestion: return new ShardAnswer { Facts = FactsOf(state), Count = state.Store.PayloadBytes };
            default: throw VectorFault.NotHere(question.GetType().Name);
        }
    }

    /// <summary>A vector may have been made a moment ago, through another node, or deleted.</summary>
    private static void RequireColumn(ShardState state, int column)
    {
        var columns = state.Store.Columns;
        if (column >= columns.Count) throw VectorFault.Unavailable("this replica does not know the vector yet");
        if (column >= 0 && columns[column].IsGone) throw VectorFault.BadInput("Not existing vector name error: its name was deleted");
    }

    private static ShardAnswer Nearest(ShardState state, NearestQuestion question)
    {
        var traces = new List<SegmentTrace>();
        var rows = ShardSearch.Nearest(state, question.Query with { Filter = question.Filter }, traces);
        return new ShardAnswer { Points = [.. rows.Select(row => FoundPoint.Of(row.Segment, row.Row, question.Wanted) with { Score = row.Score })], Traces = traces };
    }

    private static long CountOf(ShardState state, Filter? filter) =>
        filter is null ? state.Store.Count : state.Store.Segments.Sum(segment => (long)AdmittedRows.Of(filter, segment, state).Count);

    private static ShardFacts FactsOf(ShardState state) => new(
        state.Store.Count,
        state.Store.Segments.Sum(segment => KnownColumns(state, segment).Sum(column => (long)Math.Min(column.Index?.Indexed ?? 0, column.LiveCount))),
        Math.Max(1, state.Store.Segments.Length),
        state.Store.Segments.All(segment => KnownColumns(state, segment).All(column => HasItsGraph(state, segment, column))),
        [.. state.Indexes]);

    /// <summary>Whether nothing of a column waits for a graph: one that has none yet waits as soon as it is to have one.</summary>
    private static bool HasItsGraph(ShardState state, Segment segment, VectorColumn column) => column.Index is { } index
        ? index.Indexed >= segment.Visible
        : column.Params.Kind != VectorKind.Dense || column.Params.Graph.M == 0 || column.LiveCount < Usual.RowsMinOf(state.Config.Optimizers, column.Params) || Usual.Under(state.Config).IsOff;

    private static IEnumerable<VectorColumn> KnownColumns(ShardState state, Segment segment) => segment.Columns.Where((_, number) => (state.Store.Known & (1UL << number)) != 0);
}

/// <summary>Rows that the list of ids named, and where the next page begins.</summary>
internal sealed record RowsFound(ShardState State, List<(Segment Segment, int Row)> Rows, PointId? Next);

/// <summary>What walks over the list of ids: looked up where nothing is applied meanwhile, and short; looked at afterwards, on any thread.</summary>
internal static class RowLookup
{
    /// <summary>Ids that one turn of the loop looks at.</summary>
    private const int IdsPerTurn = 1024;

    /// <summary>Whether the question is one of these.</summary>
    public static bool Serves(ShardQuestion question) => question is RetrieveQuestion or PageQuestion or PartQuestion;

    /// <summary>The rows. On the group's loop.</summary>
    public static RowsFound Find(ShardState state, ShardQuestion question)
    {
        var rows = new List<(Segment Segment, int Row)>();
        if (question is RetrieveQuestion retrieve)
        {
            foreach (var id in retrieve.Ids)
                if (state.Store.TryFind(id, out var segment, out var row)) rows.Add((segment, row));
            return new RowsFound(state, rows, null);
        }

        if (question is PartQuestion part) return FindPart(state, part);
        var page = (PageQuestion)question;
        var wanted = question.Filter is null ? Math.Min(page.Limit, IdsPerTurn) : IdsPerTurn;
        var found = state.Store.Ids.From(page.From, wanted + 1);
        for (var at = 0; at < Math.Min(wanted, found.Count); at++) rows.Add((state.Store.SegmentOf(found[at].Value), found[at].Value.Row));
        return new RowsFound(state, rows, found.Count > wanted ? found[wanted].Key : null);
    }

    /// <summary>Ids that one turn looks at for a split, most of which are only hashed.</summary>
    private const int IdsPerPartTurn = 8192;

    /// <summary>One turn looks at so many ids, however few of them are of the part and new.</summary>
    private static RowsFound FindPart(ShardState state, PartQuestion part)
    {
        var rows = new List<(Segment Segment, int Row)>();
        var looked = state.Store.Ids.From(part.From, IdsPerPartTurn + 1);
        for (var at = 0; at < Math.Min(looked.Count, IdsPerPartTurn); at++)
        {
            if (!part.Of.Has(looked[at].Key)) continue;
            var (segment, row) = (state.Store.SegmentOf(looked[at].Value), looked[at].Value.Row);
            if (part.After.Value > 0 && segment.Head(row).Version <= part.After.Value) continue;
            if (rows.Count == part.Limit) return new RowsFound(state, rows, looked[at].Key);
            rows.Add((segment, row));
        }

        return new RowsFound(state, rows, looked.Count > IdsPerPartTurn ? looked[IdsPerPartTurn].Key : null);
    }

    /// <summary>The answer: at most so many points that pass; fewer when a turn's rows are used up, and then the next id says where to go on.</summary>
    public static ShardAnswer Look(RowsFound found, ShardQuestion question)
    {
        var filter = question.Filter?.AsDeclared(found.State.Declared);
        var limit = question is PageQuestion page ? page.Limit : int.MaxValue;
        var points = new List<FoundPoint>(Math.Min(found.Rows.Count, limit));
        var wanted = question.Wanted.Known(found.State.Store);
        foreach (var (segment, row) in found.Rows)
        {
            if (filter is not null && !AdmittedRows.Passes(filter, segment, row, found.State)) continue;
            if (points.Count == limit) return new ShardAnswer { Points = points, Next = segment.IdOf(row) };
            points.Add(FoundPoint.Of(segment, row, wanted));
        }

        return new ShardAnswer { Points = points, Next = found.Next };
    }
}
