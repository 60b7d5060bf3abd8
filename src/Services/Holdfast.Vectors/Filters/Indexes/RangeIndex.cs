using System.Text.Json;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>
/// The numbers, or moments, that rows have, one behind another: a range is asked of every one. A million take about a millisecond, which is less than a walk among what they admit; a tree would be faster
/// only for ranges that admit nearly nothing.
/// </summary>
internal sealed class RangeIndex(PayloadPath path, int rowsMax, bool areMoments) : PayloadIndex(path, rowsMax)
{
    private readonly List<(int Row, double Number)> numbers = [];
    private readonly List<(int Row, long Moment)> moments = [];

    public override PayloadIndex Alike(int rowsMax) => new RangeIndex(Path, rowsMax, areMoments);

    protected override void Add(int row, JsonElement value)
    {
        if (areMoments)
        {
            if (value.ValueKind == JsonValueKind.String && Moments.TryParse(value.GetString()!, out var moment)) moments.Add((row, moment));
        }
        else if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number))
        {
            numbers.Add((row, number));
        }
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits)
    {
        if (predicate is NumberRange range)
            foreach (var (row, number) in numbers)
                if (row < visible && range.Contains(number)) bits[row >> 6] |= 1UL << row;
        if (predicate is MomentRange span)
            foreach (var (row, moment) in moments)
                if (row < visible && span.Contains(moment)) bits[row >> 6] |= 1UL << row;
    }
}

/// <summary>The places that rows have.</summary>
internal sealed class GeoIndex(PayloadPath path, int rowsMax) : PayloadIndex(path, rowsMax)
{
    private readonly List<(int Row, GeoPoint Place)> places = [];

    public override PayloadIndex Alike(int rowsMax) => new GeoIndex(Path, rowsMax);

    protected override void Add(int row, JsonElement value)
    {
        if (GeoPoint.TryRead(value, out var place)) places.Add((row, place));
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits)
    {
        if (predicate is not IGeoPredicate area) return;
        foreach (var (row, place) in places)
            if (row < visible && area.Contains(place)) bits[row >> 6] |= 1UL << row;
    }
}
