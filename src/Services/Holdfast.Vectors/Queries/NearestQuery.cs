using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Queries;

/// <summary>The points closest to a vector.</summary>
internal sealed record NearestQuery
{
    /// <summary>The column.</summary>
    public required int Column { get; init; }

    /// <summary>The vector, of length one where the column's distance wants it.</summary>
    public required float[] Vector { get; init; }

    /// <summary>The places of a sparse vector's components, rising; null for a dense one. Of a multi-vector <see cref="Vector"/> holds all, one behind another.</summary>
    public uint[]? Indices { get; init; }

    /// <summary>What must be true of them.</summary>
    public Filter? Filter { get; init; }

    /// <summary>How many, those that are skipped included.</summary>
    public required int Limit { get; init; }

    /// <summary>Worse ones are left out; a score, not an inner distance.</summary>
    public float? ScoreThreshold { get; init; }

    /// <summary>Candidates kept on a walk; null takes the column's default.</summary>
    public int? Ef { get; init; }

    /// <summary>Whether everything is measured.</summary>
    public bool IsExact { get; init; }

    /// <summary>Whether graphs are walked by full vectors although there are codes.</summary>
    public bool IgnoresCodes { get; init; }

    /// <summary>How many times the wanted rows are measured by full vectors; 1 for a query that wants no rescoring; null for the codes' own measure.</summary>
    public double? Oversampling { get; init; }

    /// <summary>Microseconds of a clock that only goes forward, for explain; null to measure no time.</summary>
    public Func<long>? Clock { get; init; }
}

/// <summary>A point that was found. Its row is read while its segment is held; a point that is changed meanwhile shows the payload of the moment.</summary>
/// <param name="Score">As clients see it.</param>
/// <param name="Segment">Where it lies.</param>
/// <param name="Row">Where it lies there.</param>
internal readonly record struct ScoredRow(float Score, Points.Segment Segment, int Row)
{
    /// <summary>Its name.</summary>
    public Points.PointId Id => Segment.IdOf(Row);
}
