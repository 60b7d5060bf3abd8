namespace Holdfast.Vectors.Kernels;

/// <summary>How close two vectors are. The names are the protocol's; the numbers are part of the log's format: never renumber.</summary>
public enum Distance : byte
{
    /// <summary>The angle: vectors are brought to length one before they are proposed, and then compared by their dot product.</summary>
    Cosine = 0,

    /// <summary>The dot product; larger is closer.</summary>
    Dot = 1,

    /// <summary>The straight line; smaller is closer. Inside, its square is compared.</summary>
    Euclid = 2,

    /// <summary>The sum of the differences; smaller is closer.</summary>
    Manhattan = 3,
}

/// <summary>What the rooms need to know of a distance besides its arithmetic.</summary>
public static class DistanceRules
{
    /// <summary>Whether a larger score is closer.</summary>
    public static bool IsSimilarity(this Distance distance) => distance is Distance.Cosine or Distance.Dot;

    /// <summary>Whether codes must keep zero where it is: a dot product changes when components are moved.</summary>
    public static bool IsCentred(this Distance distance) => distance.IsSimilarity();

    /// <summary>A client's score, from what the kernels compute, where smaller is always closer.</summary>
    public static float ScoreOf(this Distance distance, float inner) => distance switch
    {
        Distance.Euclid => MathF.Sqrt(MathF.Max(inner, 0)),
        Distance.Manhattan => inner,
        _ => -inner,
    };
}
