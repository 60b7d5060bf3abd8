namespace Holdfast.Vectors.Graphs;

/// <summary>How a graph is built (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small world graphs").</summary>
internal sealed record GraphOptions
{
    /// <summary>Links per row and level, twice as many on level 0; zero for no graph at all. Qdrant's default.</summary>
    public int M { get; init; } = 16;

    /// <summary>Candidates kept while a row is inserted. Qdrant's default.</summary>
    public int EfConstruct { get; init; } = 100;

    /// <summary>Links on level 0.</summary>
    public int LinksOnGround => 2 * M;

    /// <summary>All faults at once; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (M is not 0 and (< 2 or > 128)) faults.Add("m: 0, or between 2 and 128");
        if (EfConstruct is < 4 or > 10_000) faults.Add("ef_construct: between 4 and 10000");
        return faults;
    }
}
