using System.Numerics;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Queries;

/// <summary>What is found by looking at the payloads of admitted rows one by one: orders, facets, samples.</summary>
internal static class PayloadScan
{
    /// <summary>Points in the order of the values at a key; a point with several values stands there several times, one without any nowhere.</summary>
    public static List<FoundPoint> InOrder(ShardState state, OrderedQuestion question)
    {
        var path = PayloadPath.Parse(question.Order.Key) ?? throw VectorFault.BadJson($"\"{question.Order.Key}\" is not a payload key");
        var first = new SortedSet<(double Value, PointId Id, bool IsWhole, Segment Segment, int Row)>(Comparer<(double Value, PointId Id, bool IsWhole, Segment Segment, int Row)>.Create((one, other) =>
        {
            var byValue = question.Order.IsDescending ? other.Value.CompareTo(one.Value) : one.Value.CompareTo(other.Value);
            return byValue != 0 ? byValue : one.Id.CompareTo(other.Id);
        }));
        foreach (var (segment, row) in Rows(state, question.Filter))
        {
            using var payload = segment.PayloadOf(row).Parse();
            foreach (var value in path.Values(payload.RootElement))
            {
                if (!TryNumber(value, out var number, out var isWhole)) continue;
                if (question.Order.IsDescending ? number > question.Order.StartFrom : number < question.Order.StartFrom) continue;
                first.Add((number, segment.IdOf(row), isWhole, segment, row));
                if (first.Count > question.Limit) first.Remove(first.Max);
            }
        }

        return [.. first.Select(each => FoundPoint.Of(each.Segment, each.Row, question.Wanted) with { Order = new OrderValue(each.Value, each.IsWhole) })];
    }

    /// <summary>How many points have each value at a key: text, whole numbers and truths, as JSON.</summary>
    public static List<KeyValuePair<string, long>> Facets(ShardState state, FacetQuestion question)
    {
        var path = PayloadPath.Parse(question.Key) ?? throw VectorFault.BadJson($"\"{question.Key}\" is not a payload key");
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (segment, row) in Rows(state, question.Filter))
        {
            using var payload = segment.PayloadOf(row).Parse();
            seen.Clear();
            foreach (var value in path.Values(payload.RootElement))
            {
                var isValue = value.ValueKind is JsonValueKind.String or JsonValueKind.True or JsonValueKind.False || (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _));
                if (isValue && seen.Add(value.GetRawText())) counts[value.GetRawText()] = counts.GetValueOrDefault(value.GetRawText()) + 1;
            }
        }

        return [.. counts];
    }

    /// <summary>So many points, each as likely as any other (Vitter's algorithm R).</summary>
    public static List<FoundPoint> Sample(ShardState state, SampleQuestion question)
    {
        var dice = new SeededRandom(question.Seed);
        var (drawn, seen) = (new List<(Segment Segment, int Row)>(), 0);
        foreach (var each in Rows(state, question.Filter))
        {
            if (question.Column >= 0 && !each.Segment.Columns[question.Column].IsLive(each.Row)) continue;
            seen++;
            if (drawn.Count < question.Limit) drawn.Add(each);
            else if (dice.Next(seen) is var place && place < question.Limit) drawn[place] = each;
        }

        for (var at = drawn.Count - 1; at > 0; at--)
        {
            var other = dice.Next(at + 1);
            (drawn[at], drawn[other]) = (drawn[other], drawn[at]);
        }

        return [.. drawn.Select(each => FoundPoint.Of(each.Segment, each.Row, question.Wanted)).DistinctBy(point => point.Id)];
    }

    /// <summary>A number, or a moment in microseconds.</summary>
    public static bool TryNumber(JsonElement value, out double number, out bool isWhole)
    {
        (number, isWhole) = (0, true);
        if (value.ValueKind == JsonValueKind.Number)
        {
            isWhole = value.TryGetInt64(out _);
            return value.TryGetDouble(out number);
        }

        if (value.ValueKind != JsonValueKind.String || !Moments.TryParse(value.GetString()!, out var micros)) return false;
        number = micros;
        return true;
    }

    /// <summary>The rows that live and pass, of the moment.</summary>
    public static IEnumerable<(Segment Segment, int Row)> Rows(ShardState state, Filter? filter)
    {
        foreach (var segment in state.Store.Segments)
        {
            var visible = segment.Visible;
            var admitted = filter is null ? null : AdmittedRows.Of(filter, segment, state).Bits;
            for (var word = 0; word << 6 < visible; word++)
            {
                var bits = admitted is null ? segment.LiveWord(word) : admitted[word];
                for (; bits != 0; bits &= bits - 1)
                {
                    var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                    if (row < visible) yield return (segment, row);
                }
            }
        }
    }
}
