using Holdfast.Vectors.Files;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>The graphs of a segment that another replica built, fetched and read: to be taken over where a merge makes a segment of the same rows.</summary>
/// <param name="Column">The column that was asked for.</param>
/// <param name="Graphs">By column.</param>
internal sealed record GraphLoan(int Column, IReadOnlyDictionary<int, LentGraph> Graphs)
{
    /// <summary>A column's graph; null where there is none.</summary>
    public LentGraph? GraphOf(int column) => Graphs.GetValueOrDefault(column);
}
