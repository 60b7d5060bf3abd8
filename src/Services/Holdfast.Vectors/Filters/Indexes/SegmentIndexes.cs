using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>
/// The payload indexes of a segment: one for each key and kind of question that was asked, made by the first who asks. At most so many: beyond that, questions about new keys are asked of the payloads.
/// </summary>
internal sealed class SegmentIndexes(int rowsMax)
{
    private const int IndexesMax = 64;

    private readonly Lock gate = new();
    private (string Key, PayloadIndex Index)[] all = [];

    /// <summary>A row's payload is about to be replaced. The writer's.</summary>
    public void MarkChanged(int row)
    {
        foreach (var (_, index) in Volatile.Read(ref all)) index.MarkChanged(row);
    }

    /// <summary>The index that answers such a question about a key; null when none can.</summary>
    public PayloadIndex? For(PayloadPath path, ValuePredicate predicate)
    {
        if (KindOf(predicate) is not { } kind) return null;
        var key = $"{kind}:{path.Text}";
        return Made(kind, path, key);
    }

    private PayloadIndex? Made(string kind, PayloadPath path, string key)
    {
        if (Find(key) is { IsWorn: false } known) return known;
        lock (gate)
        {
            if (Find(key) is { IsWorn: false } meanwhile) return meanwhile;
            var others = all.Where(each => each.Key != key).ToArray();
            if (others.Length >= IndexesMax) return null;

            // In the list before its first row is read: whatever is changed from now on is marked.
            PayloadIndex made = kind switch
            {
                "value" => new ValueIndex(path, rowsMax),
                "number" => new RangeIndex(path, rowsMax, areMoments: false),
                "moment" => new RangeIndex(path, rowsMax, areMoments: true),
                "word" => new WordIndex(path, rowsMax),
                _ => new GeoIndex(path, rowsMax),
            };
            Volatile.Write(ref all, [.. others, (key, made)]);
            return made;
        }
    }

    /// <summary>Has the indexes that another segment's have, made from a segment's own rows: so that the first question after a merge does not wait for them.</summary>
    public void TakeAfter(SegmentIndexes other, Segment segment)
    {
        foreach (var (key, index) in Volatile.Read(ref other.all))
            if (Made(key[..key.IndexOf(':')], index.Path, key) is { } made) made.Cover(segment, segment.Visible);
    }

    private static string? KindOf(ValuePredicate predicate) => predicate switch
    {
        MatchAny => "value",
        NumberRange => "number",
        MomentRange => "moment",
        IGeoPredicate => "geo",
        MatchText { Kind: TextMatch.AnyWord } => "word",
        MatchText { Kind: TextMatch.AllWords, Words.Count: 1 } => "word",
        _ => null,
    };

    private PayloadIndex? Find(string key)
    {
        foreach (var (known, index) in Volatile.Read(ref all))
            if (known == key) return index;
        return null;
    }
}
