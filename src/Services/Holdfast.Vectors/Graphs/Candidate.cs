namespace Holdfast.Vectors.Graphs;

/// <summary>A row met on a search, and how far it is; smaller is closer.</summary>
internal struct Candidate
{
    /// <summary>How far.</summary>
    public float Distance;

    /// <summary>Which row.</summary>
    public int Row;
}
