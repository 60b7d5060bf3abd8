using Holdfast.Storage;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>The other replicas of a shard. Nothing here waits: what is told comes later, on any thread, or never.</summary>
internal interface IGraphPeers
{
    /// <summary>This node.</summary>
    ulong Self { get; }

    /// <summary>Milliseconds of a clock that never goes back.</summary>
    long Now { get; }

    /// <summary>The replicas that count, in the order in which they are to build this shard's graphs: the same on every node that knows the same members. This node is among them when it counts.</summary>
    IReadOnlyList<ulong> Ranked();

    /// <summary>Asks what one has.</summary>
    /// <param name="node">Who is asked.</param>
    /// <param name="ask">What.</param>
    /// <param name="told">Told the answer: null when there is nothing to be had there.</param>
    /// <param name="lost">Told when it is certain that no answer will come.</param>
    void Ask(ulong node, GraphAsk ask, Action<GraphTold?> told, Action lost);

    /// <summary>Asks for a piece of a file.</summary>
    /// <param name="node">Who is asked.</param>
    /// <param name="file">The file.</param>
    /// <param name="from">Where the piece begins.</param>
    /// <param name="come">Told the piece: empty when the file is there no more.</param>
    /// <param name="lost">Told when it is certain that no piece will come.</param>
    void Fetch(ulong node, FileHash file, long from, Action<ReadOnlyMemory<byte>> come, Action lost);
}
