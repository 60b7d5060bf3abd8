using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>What a node of a query asks for.</summary>
internal enum QueryKind : byte
{
    /// <summary>Points in the order of their names.</summary>
    Everything = 0,

    /// <summary>The closest to a vector.</summary>
    Nearest = 1,

    /// <summary>What the prefetched lists say together, by ranks.</summary>
    RankFusion = 2,

    /// <summary>What they say together, by the spread of their scores.</summary>
    DistributionFusion = 3,

    /// <summary>Scored by several examples.</summary>
    Examples = 4,

    /// <summary>In the order of a payload's values.</summary>
    OrderBy = 5,

    /// <summary>Drawn by lot.</summary>
    Sample = 6,

    /// <summary>What was prefetched, with scores computed from theirs and from payloads.</summary>
    Formula = 7,

    /// <summary>The closest to a vector that are not too close to one another.</summary>
    Diverse = 8,
}

/// <summary>
/// A query, with the queries that it rests on: these are answered first, and only what they find is asked about, or their answers are fused. Vectors are prepared; points that were named as examples have become
/// their vectors, and are left out by the filter.
/// </summary>
internal sealed record QueryNode
{
    /// <summary>Queries answered before this one.</summary>
    public IReadOnlyList<QueryNode> Prefetch { get; init; } = [];

    /// <summary>What is asked.</summary>
    public QueryKind Kind { get; init; }

    /// <summary>The column.</summary>
    public int Column { get; init; }

    /// <summary>The vector of a <see cref="QueryKind.Nearest"/> or <see cref="QueryKind.Diverse"/>.</summary>
    public NamedVector Vector { get; init; }

    /// <summary>Whether graphs are walked by full vectors although there are codes.</summary>
    public bool IgnoresCodes { get; init; }

    /// <summary>How many times the wanted rows are measured by full vectors; null for the codes' own measure.</summary>
    public double? Oversampling { get; init; }

    /// <summary>Of <see cref="QueryKind.Examples"/>, the examples and their rule; its limit, filter and content are this node's.</summary>
    public ExampleQuestion? Examples { get; init; }

    /// <summary>Of <see cref="QueryKind.OrderBy"/>.</summary>
    public ValueOrder Order { get; init; }

    /// <summary>Of <see cref="QueryKind.Formula"/>.</summary>
    public Formula? Formula { get; init; }

    /// <summary>Of <see cref="QueryKind.Diverse"/>: how much nearness to the query counts against nearness to what was chosen, 0 to 1.</summary>
    public float Relevance { get; init; }

    /// <summary>Of <see cref="QueryKind.Diverse"/>: among how many it is chosen.</summary>
    public int Candidates { get; init; }

    /// <summary>What a fusion by ranks adds to each.</summary>
    public int RankOffset { get; init; } = Fusion.RankOffset;

    /// <summary>What each list of a fusion by ranks counts; empty for the same.</summary>
    public IReadOnlyList<float> Weights { get; init; } = [];

    /// <summary>What must be true of the points; in the root also of what was prefetched.</summary>
    public Filter? Filter { get; init; }

    /// <summary>How many.</summary>
    public int Limit { get; init; } = 10;

    /// <summary>Worse ones are left out.</summary>
    public float? ScoreThreshold { get; init; }

    /// <summary>Candidates kept on a walk.</summary>
    public int? Ef { get; init; }

    /// <summary>Whether everything is measured.</summary>
    public bool IsExact { get; init; }
}
