namespace Holdfast.Vectors.Graphs;

/// <summary>How a graph is built (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small world graphs").</summary>
internal sealed record GraphOptions
{
    /// <summary>Links per row and level, twice as many on level 0; zero for no graph at all. Qdrant's default.</summary>
    public int M { get; init; } = 16;

    /// <summary>Candidates kept while a row is inserted. Qdrant's default.</summary>
    public int EfConstruct { get; init; } = 100;

    /// <summary>Kilobytes of vectors that Qdrant measures one by one by default: whoever asks for so many leaves the choice to this program, which scans so many rows as a walk among them would take the time of.</summary>
    public const int FullScanUsual = 10_000;

    /// <summary>The same as <see cref="M"/>, of the graphs that large tenants have for themselves; null for as many, zero for none.</summary>
    public int? TenantM { get; init; }

    /// <summary>Kilobytes of vectors that are measured one by one rather than walked to; null where this program chooses.</summary>
    public int? FullScanKilobytes { get; init; }

    /// <summary>Whether the links of a sealed segment's graph stay on disk, mapped, until a walk asks for them.</summary>
    public bool IsOnDisk { get; init; }

    /// <summary>How the graphs of large tenants are built.</summary>
    public GraphOptions OfTenants => this with { M = TenantM ?? M };

    /// <summary>Links on level 0.</summary>
    public int LinksOnGround => 2 * M;

    /// <summary>All faults at once; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (M is not 0 and (< 2 or > 128)) faults.Add("m: 0, or between 2 and 128");
        if (TenantM is not (null or 0) and (< 2 or > 128)) faults.Add("payload_m: 0, or between 2 and 128");
        if (FullScanKilobytes < 0) faults.Add("full_scan_threshold: 0 or larger");
        if (EfConstruct is < 4 or > 10_000) faults.Add("ef_construct: between 4 and 10000");
        return faults;
    }
}
