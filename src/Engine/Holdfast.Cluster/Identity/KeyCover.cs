namespace Holdfast.Cluster;

/// <summary>
/// Which byte keys some grants cover: their ranges, merged and in order, so that a question is one binary search. Two ranges that touch cover what
/// crosses their border (etcd's rule).
/// </summary>
public sealed class KeyCover
{
    private static readonly byte[] Endless = [0];
    private readonly List<(byte[] Start, byte[]? End)> spans = []; // No end: to the last key.

    /// <summary>The keys that the grants of one face and access cover.</summary>
    public KeyCover(IEnumerable<Grant> grants, Face face, Access access)
    {
        ArgumentNullException.ThrowIfNull(grants);
        var given = new List<(byte[] Start, byte[]? End)>();
        foreach (var grant in grants)
            if (grant.Face == face && grant.Kind == ScopeKind.KeyRange && (grant.Access & access) == access)
                given.Add((grant.Start, EndOf(grant.Start, grant.End)));
        given.Sort(static (left, right) => left.Start.AsSpan().SequenceCompareTo(right.Start));
        foreach (var next in given) Merge(next);
    }

    /// <summary>Whether the key is covered.</summary>
    public bool Covers(ReadOnlySpan<byte> key) => Find(key) is { } span && (span.End is null || key.SequenceCompareTo(span.End) < 0);

    /// <summary>Whether a range is covered whole, in etcd's notation: no end means the key alone, an end of one zero byte means from the key on.</summary>
    public bool Covers(ReadOnlySpan<byte> key, ReadOnlySpan<byte> end)
    {
        if (end.IsEmpty) return Covers(key);
        if (Find(key) is not { } span) return false;
        if (span.End is null) return true;
        return !end.SequenceEqual(Endless) && key.SequenceCompareTo(span.End) < 0 && end.SequenceCompareTo(span.End) <= 0;
    }

    private static byte[]? EndOf(byte[] start, byte[] end)
    {
        if (end.Length == 0) return [.. start, 0];
        return end.AsSpan().SequenceEqual(Endless) ? null : end;
    }

    private void Merge((byte[] Start, byte[]? End) next)
    {
        // A range whose end lies before its start covers nothing.
        if (next.End is not null && next.End.AsSpan().SequenceCompareTo(next.Start) <= 0) return;
        if (spans.Count > 0 && (spans[^1].End is null || next.Start.AsSpan().SequenceCompareTo(spans[^1].End) <= 0))
        {
            var last = spans[^1];
            if (last.End is not null && (next.End is null || next.End.AsSpan().SequenceCompareTo(last.End) > 0)) spans[^1] = (last.Start, next.End);
            return;
        }

        spans.Add(next);
    }

    /// <summary>The last span that does not begin behind the key.</summary>
    private (byte[] Start, byte[]? End)? Find(ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, spans.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (key.SequenceCompareTo(spans[middle].Start) >= 0) low = middle + 1;
            else high = middle - 1;
        }

        return high < 0 ? null : spans[high];
    }
}
