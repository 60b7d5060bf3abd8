using Holdfast.Storage;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>A replica asks another what it has built: are some of the rows that wait here in a graph there?</summary>
/// <param name="SettingsHash">Of the collection as the asker knows it: graphs that were built by other settings are of no use.</param>
/// <param name="Column">The column that lacks a graph.</param>
/// <param name="Sample">Some of the points that wait; at most <see cref="SampleMax"/>.</param>
internal sealed record GraphAsk(ulong SettingsHash, int Column, IReadOnlyList<PointId> Sample)
{
    /// <summary>Points of a sample.</summary>
    public const int SampleMax = 64;
}

/// <summary>What a replica says of its graphs.</summary>
/// <param name="IsAtWork">Whether it has something to index just now.</param>
/// <param name="Progress">A number that changes whenever it gets on: what it has applied, and what it has inserted.</param>
/// <param name="Offers">Sealed segments with graphs that hold some of the sample, the best first; at most <see cref="OffersMax"/>.</param>
internal sealed record GraphTold(bool IsAtWork, ulong Progress, IReadOnlyList<GraphOffer> Offers)
{
    /// <summary>Offers of an answer.</summary>
    public const int OffersMax = 4;
}

/// <summary>A sealed segment whose graphs may be fetched.</summary>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Hits">How many of the sample are among them.</param>
/// <param name="Graphs">The files, the one that was asked for first.</param>
internal sealed record GraphOffer(int Rows, int Hits, IReadOnlyList<OfferedGraph> Graphs)
{
    /// <summary>What the offer is known by.</summary>
    public FileHash Name => Graphs[0].File;

    /// <summary>Bytes of all files.</summary>
    public long Bytes => Graphs.Sum(graph => graph.Bytes);
}

/// <summary>A column's graph.</summary>
/// <param name="Column">The column.</param>
/// <param name="File">Its file.</param>
/// <param name="Bytes">The file's length.</param>
internal readonly record struct OfferedGraph(int Column, FileHash File, long Bytes);
