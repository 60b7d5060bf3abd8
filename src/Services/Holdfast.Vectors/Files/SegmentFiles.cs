using Holdfast.Storage;

namespace Holdfast.Vectors.Files;

/// <summary>The files by hash that a sealed segment is kept in: its rows, and a graph for each column that has one.</summary>
/// <param name="Rows">Ids, payloads and vectors: part of the state.</param>
/// <param name="Graphs">By column; null where there is none, or none that is whole. Derived: what is lost is built again.</param>
internal sealed record SegmentFiles(FileHash Rows, FileHash?[] Graphs)
{
    /// <summary>All of them.</summary>
    public IEnumerable<FileHash> All => Graphs.OfType<FileHash>().Prepend(Rows);
}
