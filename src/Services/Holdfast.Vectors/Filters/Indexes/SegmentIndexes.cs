using Holdfast.Vectors.Points;
using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>
/// The payload indexes of a segment: one for each key and kind of question that was asked, made by the first who asks. At most so many: beyond that, questions about new keys are asked of the payloads.
/// </summary>
internal sealed class SegmentIndexes(int rowsMax)
{
    private const int IndexesMax = 64;
    private const string Value = "value";
    private const string Uuid = "uuid";
    private const string Number = "number";
    private const string Moment = "moment";
    private const string Word = "word";
    private const string Presence = "presence";
    private const string Geo = "geo";

    private readonly Lock gate = new();
    private (string Key, PayloadIndex Index)[] all = [];

    /// <summary>A row's payload is about to be replaced. The writer's.</summary>
    public void MarkChanged(int row)
    {
        foreach (var (_, index) in Volatile.Read(ref all)) index.MarkChanged(row);
    }

    /// <summary>The index that answers such a question about a key; null when none can.</summary>
    public PayloadIndex? For(PayloadPath path, ValuePredicate predicate) => KindOf(predicate) is { } kind ? Made(kind, path, (predicate as MatchText)?.Analyser) : null;

    /// <summary>The indexes that a declared type asks for, made and filled a little: true when there was something to fill. So the first question does not wait for them.</summary>
    /// <param name="path">The key.</param>
    /// <param name="type">Qdrant's name of the type.</param>
    /// <param name="analyser">Of text, what makes its words.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="rows">How many rows to take in at most.</param>
    public bool Fill(PayloadPath path, string type, TextAnalyser? analyser, Segment segment, int rows)
    {
        string[] kinds = type switch
        {
            "integer" => [Value, Number],
            "float" => [Number],
            "datetime" => [Moment],
            "geo" => [Geo],
            "text" => [Word],
            "uuid" => [Uuid],
            _ => [Value],
        };
        foreach (var kind in kinds)
            if (Made(kind, path, analyser) is { } index && index.Covered < segment.Visible)
            {
                index.Cover(segment, Math.Min(segment.Visible, index.Covered + rows));
                return true;
            }

        return false;
    }

    /// <summary>Has the indexes that another segment's have, made from a segment's own rows: so that the first question after a merge does not wait for them.</summary>
    public void TakeAfter(SegmentIndexes other, Segment segment)
    {
        foreach (var (key, index) in Volatile.Read(ref other.all))
            if (Made(key, () => index.Alike(rowsMax)) is { } made) made.Cover(segment, segment.Visible);
    }

    private PayloadIndex? Made(string kind, PayloadPath path, TextAnalyser? analyser) => Made($"{kind}:{analyser?.Name}:{path.Text}", () => kind switch
    {
        Value => new ValueIndex(path, rowsMax),
        Uuid => new ValueIndex(path, rowsMax, areUuids: true),
        Number => new RangeIndex(path, rowsMax, areMoments: false),
        Moment => new RangeIndex(path, rowsMax, areMoments: true),
        Word => new WordIndex(path, rowsMax, analyser ?? TextAnalyser.Plain),
        Presence => new PresenceIndex(path, rowsMax),
        _ => new GeoIndex(path, rowsMax),
    });

    private PayloadIndex? Made(string key, Func<PayloadIndex> make)
    {
        if (Find(key) is { IsWorn: false } known) return known;
        lock (gate)
        {
            if (Find(key) is { IsWorn: false } meanwhile) return meanwhile;
            var others = all.Where(each => each.Key != key).ToArray();
            if (others.Length >= IndexesMax) return null;

            // In the list before its first row is read: whatever is changed from now on is marked.
            var made = make();
            Volatile.Write(ref all, [.. others, (key, made)]);
            return made;
        }
    }

    private static string? KindOf(ValuePredicate predicate) => predicate switch
    {
        MatchAny { AreUuids: true } or MatchExcept { Excepted.AreUuids: true } => Uuid,
        MatchAny or MatchExcept => Value,
        HasSomething or HasNull => Presence,
        NumberRange => Number,
        MomentRange => Moment,
        IGeoPredicate => Geo,
        MatchText { Kind: TextMatch.AnyWord } => Word,
        MatchText { Kind: TextMatch.AllWords, Words.Count: 1 } => Word,
        _ => null,
    };

    private PayloadIndex? Find(string key)
    {
        foreach (var (known, index) in Volatile.Read(ref all))
            if (known == key) return index;
        return null;
    }
}
