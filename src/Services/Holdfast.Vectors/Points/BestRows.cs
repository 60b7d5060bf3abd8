namespace Holdfast.Vectors.Points;

/// <summary>A row that was found. Smaller is closer.</summary>
internal readonly record struct FoundRow(float Distance, Segment Segment, int Row);

/// <summary>
/// The closest rows so far, in order: at most so many, one per row and in the end one per point. A limit that nobody can mean costs nothing: room grows with what is found. Equally close rows are in the order
/// of their ids, so that replicas answer alike.
/// </summary>
internal sealed class BestRows(int limit)
{
    private readonly List<FoundRow> rows = new(Math.Min(limit, 1024));

    /// <summary>Closest first.</summary>
    public IReadOnlyList<FoundRow> Rows => rows;

    /// <summary>Takes a row if it is close enough.</summary>
    public void Offer(float distance, Segment segment, int row)
    {
        if (rows.Count >= limit && (limit == 0 || distance > rows[^1].Distance)) return;
        int low = 0, high = rows.Count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (IsBefore(rows[middle], distance, segment, row)) low = middle + 1;
            else high = middle;
        }

        if (low < rows.Count && rows[low].Row == row && ReferenceEquals(rows[low].Segment, segment)) return;
        if (low >= limit) return;
        if (rows.Count == limit) rows.RemoveAt(rows.Count - 1);
        rows.Insert(low, new FoundRow(distance, segment, row));
    }

    private static bool IsBefore(in FoundRow known, float distance, Segment segment, int row)
    {
        if (known.Distance != distance) return known.Distance < distance;
        if (known.Row == row && ReferenceEquals(known.Segment, segment)) return false;
        return known.Segment.IdOf(known.Row).CompareTo(segment.IdOf(row)) < 0;
    }
}
