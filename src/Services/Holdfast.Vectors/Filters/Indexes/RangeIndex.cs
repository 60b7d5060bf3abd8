using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>
/// The numbers, or moments, that rows have, one behind another: a range is asked of every one. A million take less than a millisecond, which is less than a walk among what they admit; a tree would be faster
/// only for ranges that admit nearly nothing.
/// </summary>
internal sealed class RangeIndex(PayloadPath path, int rowsMax, bool areMoments) : PayloadIndex(path, rowsMax)
{
    private readonly RowValues<double> numbers = new();
    private readonly RowValues<long> moments = new();

    public override PayloadIndex Alike(int rowsMax) => new RangeIndex(Path, rowsMax, areMoments);

    protected override void Add(int row, JsonElement value)
    {
        if (areMoments)
        {
            if (value.ValueKind == JsonValueKind.String && Moments.TryParse(value.GetString()!, out var moment)) moments.Add(row, moment);
        }
        else if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number))
        {
            numbers.Add(row, number);
        }
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits)
    {
        if (predicate is NumberRange range && range.Bounds is { } bounds) numbers.Collect(bounds.Low, bounds.High, visible, bits);
        if (predicate is MomentRange span && span.Bounds is { } limits) moments.Collect(limits.Low, limits.High, visible, bits);
    }

    /// <summary>Values by row, in the order of the rows.</summary>
    private sealed class RowValues<T>
        where T : unmanaged, INumber<T>
    {
        private readonly List<int> rows = [];
        private readonly List<T> values = [];
        private bool isOneEach = true;

        public void Add(int row, T value)
        {
            isOneEach &= row == rows.Count;
            rows.Add(row);
            values.Add(value);
        }

        public void Collect(T low, T high, int visible, ulong[] bits)
        {
            var count = rows.Count;
            while (count > 0 && rows[count - 1] >= visible) count--;
            var known = CollectionsMarshal.AsSpan(values)[..count];
            if (isOneEach) RangeBits.OfAll(known, low, high, bits);
            else RangeBits.OfSome(CollectionsMarshal.AsSpan(rows)[..count], known, low, high, bits);
        }
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
