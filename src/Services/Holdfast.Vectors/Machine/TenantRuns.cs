using Holdfast.Vectors.Graphs;

namespace Holdfast.Vectors.Machine;

/// <summary>Which tenants of a sealed segment get a graph of their own, and over which of its rows. Pure.</summary>
internal static class TenantRuns
{
    /// <summary>Tenants of a segment that get one: the largest.</summary>
    public const int GraphsMax = 256;

    /// <summary>A run is at most this much longer than the tenant has rows: others lie in it, too.</summary>
    private const double Looseness = 1.25;

    /// <summary>One row in so many may lie elsewhere, and so many at most: those are scanned beside the walk.</summary>
    private const int StrayShare = 10;

    private const int StraysMax = 1000;

    /// <summary>The run that holds the most of a tenant's rows, at whose ends are some.</summary>
    /// <param name="rows">Its rows, rising; not empty.</param>
    /// <returns>Where it begins and ends, the end not included, and how many of the rows are in it.</returns>
    public static (int From, int To, int Count) Densest(List<int> rows)
    {
        var length = (long)(rows.Count * Looseness) + 1;
        var (best, first) = ((From: 0, To: 0, Count: 0), 0);
        for (var last = 0; last < rows.Count; last++)
        {
            while (rows[last] - (long)rows[first] >= length) first++;
            if (last - first + 1 > best.Count) best = (rows[first], rows[last] + 1, last - first + 1);
        }

        return best;
    }

    /// <summary>Whether so few of a tenant's rows lie outside of a run that they do no harm.</summary>
    public static bool IsTogether(int rows, int inRun) => (rows - inRun) * (long)StrayShare <= rows && rows - inRun <= StraysMax;

    /// <summary>Whether a tenant is large enough for a graph, and small enough that the segment's own does not serve it as well.</summary>
    public static bool IsLarge(int rows, int segmentRows, int least) => rows >= least && rows <= segmentRows / 2;
}
