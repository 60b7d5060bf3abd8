using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>What is asked of one shard. Complete in itself: names have become numbers, examples have become vectors, so that any replica on any node answers it.</summary>
internal abstract record ShardQuestion
{
    /// <summary>Which content the points of the answer carry.</summary>
    public ContentWanted Wanted { get; init; }

    /// <summary>What must be true of the points.</summary>
    public Filter? Filter { get; init; }

    /// <summary>The ids that the asker believes the shard to have: a shard that has others says so instead of answering.</summary>
    public HashPart Part { get; init; }

    /// <summary>Whether it is answered whatever the shard has: what a split, and who counts, needs to know.</summary>
    public virtual bool IsOfAnyPart => false;
}

/// <summary>The points closest to a vector.</summary>
internal sealed record NearestQuestion(NearestQuery Query) : ShardQuestion;

/// <summary>Points scored by several examples at once; every admitted point is measured.</summary>
/// <param name="Column">The column.</param>
/// <param name="Rule">How the likenesses become a score.</param>
/// <param name="Positive">What is wanted to be near; of discovery and context the first halves of the pairs.</param>
/// <param name="Negative">What is wanted to be far; of discovery and context the second halves.</param>
/// <param name="Target">Of discovery, what is looked for.</param>
/// <param name="Limit">How many.</param>
/// <param name="ScoreThreshold">Worse ones are left out.</param>
internal sealed record ExampleQuestion(int Column, ExampleRule Rule, IReadOnlyList<NamedVector> Positive, IReadOnlyList<NamedVector> Negative, NamedVector? Target, int Limit, float? ScoreThreshold) : ShardQuestion
{
    /// <summary>Of feedback: what closeness to the target counts, and then each pair's lead.</summary>
    public IReadOnlyList<float> Weights { get; init; } = [];
}

/// <summary>Points by their names; those that are not there are left out.</summary>
internal sealed record RetrieveQuestion(IReadOnlyList<PointId> Ids) : ShardQuestion;

/// <summary>Points in the order of their names, from one on.</summary>
internal sealed record PageQuestion(PointId? From, int Limit) : ShardQuestion;

/// <summary>Points in the order of a payload's values.</summary>
internal sealed record OrderedQuestion(ValueOrder Order, int Limit) : ShardQuestion;

/// <summary>So many points, drawn by lot.</summary>
internal sealed record SampleQuestion(int Limit, ulong Seed) : ShardQuestion
{
    /// <summary>Only points that have a vector in this column; -1 for all.</summary>
    public int Column { get; init; } = -1;
}

/// <summary>How many points pass.</summary>
internal sealed record CountQuestion : ShardQuestion;

/// <summary>The names of all points that pass.</summary>
internal sealed record NamesQuestion : ShardQuestion;

/// <summary>Which values there are at a key, and at how many points each.</summary>
internal sealed record FacetQuestion(string Key) : ShardQuestion;

/// <summary>The shard's counters; the answer's <see cref="ShardAnswer.Count"/> are the bytes of all payloads.</summary>
internal sealed record FactsQuestion : ShardQuestion
{
    /// <inheritdoc/>
    public override bool IsOfAnyPart => true;
}

/// <summary>Of one part, points in the order of their names from one on that were written after an entry: what a split copies.</summary>
/// <param name="Of">The part.</param>
/// <param name="After">The entry.</param>
/// <param name="From">Where to begin; null for the first.</param>
/// <param name="Limit">How many at most.</param>
internal sealed record PartQuestion(HashPart Of, LogIndex After, PointId? From, int Limit) : ShardQuestion
{
    /// <inheritdoc/>
    public override bool IsOfAnyPart => true;
}

/// <summary>How far a shard is in a split, and what a part of it amounts to: how many points, and the sum of their hashes. See <see cref="SplitAnswer"/>.</summary>
/// <param name="Of">The part; null for no counting.</param>
internal sealed record SplitQuestion(HashPart? Of) : ShardQuestion
{
    /// <inheritdoc/>
    public override bool IsOfAnyPart => true;
}

/// <summary>How likenesses to examples become one score.</summary>
internal enum ExampleRule : byte
{
    /// <summary>The best positive example, unless the best negative one is closer.</summary>
    BestScore = 0,

    /// <summary>All positive ones less all negative ones.</summary>
    SumScores = 1,

    /// <summary>How many pairs it stands on the right side of, then how close to the target.</summary>
    Discover = 2,

    /// <summary>How far on the wrong side of pairs it stands.</summary>
    Context = 3,

    /// <summary>How close to the target, and how much closer to each pair's positive example than to its negative one, weighed.</summary>
    Feedback = 4,
}

/// <summary>An order by a payload's values.</summary>
/// <param name="Key">The key.</param>
/// <param name="IsDescending">Largest first.</param>
/// <param name="StartFrom">Values before this one are left out; NaN for none.</param>
internal readonly record struct ValueOrder(string Key, bool IsDescending, double StartFrom);

/// <summary>A shard's counters.</summary>
/// <param name="Points">Points there are.</param>
/// <param name="Indexed">Vectors that a graph holds.</param>
/// <param name="Segments">Segments.</param>
/// <param name="IsGreen">Whether every graph holds all it should.</param>
/// <param name="Indexes">Payload keys that are indexed, and how.</param>
internal sealed record ShardFacts(long Points, long Indexed, int Segments, bool IsGreen, IReadOnlyList<KeyValuePair<string, string>> Indexes);

/// <summary>A shard's answer.</summary>
internal sealed record ShardAnswer
{
    /// <summary>The points, best or first first.</summary>
    public IReadOnlyList<FoundPoint> Points { get; init; } = [];

    /// <summary>Of a page, where the next begins; null at the end.</summary>
    public PointId? Next { get; init; }

    /// <summary>How many.</summary>
    public long Count { get; init; }

    /// <summary>Values and how many points have each.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Values { get; init; } = [];

    /// <summary>The counters, if they were asked for.</summary>
    public ShardFacts? Facts { get; init; }

    /// <summary>How each segment was searched, in words for explain.</summary>
    public IReadOnlyList<SegmentTrace> Traces { get; init; } = [];

    /// <summary>The entry that the replica had applied, at least.</summary>
    public ulong Applied { get; init; }

    /// <summary>The entry that the replica knew to be committed.</summary>
    public ulong Committed { get; init; }

    /// <summary>The name of the node that answered; 0 for this process without a cluster.</summary>
    public ulong Node { get; init; }
}
