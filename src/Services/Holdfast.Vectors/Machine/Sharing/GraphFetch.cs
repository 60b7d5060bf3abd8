using Holdfast.Storage;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>How many replicas of a node fetch graphs at once: the others wait for their turn, so that all of them take no more of the line than some snapshots would.</summary>
internal sealed class FetchLimit(int most = 2)
{
    private int left = most;

    /// <summary>Begins, if not too many have.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Decrement(ref left) >= 0) return true;
        Interlocked.Increment(ref left);
        return false;
    }

    /// <summary>Ends.</summary>
    public void Leave() => Interlocked.Increment(ref left);
}

/// <summary>
/// A segment's graphs on their way from another replica, a piece at a time, each asked for when the one before has been written. A file is read only when its bytes are those that its name says; it stays until the next
/// snapshot that does not name it.
/// </summary>
internal sealed class GraphFetch(StateFiles files, IReadOnlyList<VectorParams> columns, GraphOffer offer) : IDisposable
{
    private readonly OfferedGraph[] wanted = [.. offer.Graphs.Where(graph => graph.Column < columns.Count && columns[graph.Column] is { Kind: VectorKind.Dense, Graph.M: > 0 })];
    private readonly List<FileHash> held = [];
    private StateFileWriter? writer;
    private int current;

    /// <summary>What comes.</summary>
    public GraphOffer Offer => offer;

    /// <summary>Whether a piece is asked for and has not come.</summary>
    public bool IsAsked { get; set; }

    /// <summary>Where the next piece begins.</summary>
    public long From { get; private set; }

    /// <summary>The file that comes now.</summary>
    public FileHash File => wanted[current].File;

    /// <summary>Whether all of it is here.</summary>
    public bool IsWhole => current == wanted.Length;

    /// <summary>Whether an offer is one that such columns can have: nothing is fetched that could not be a graph of so many rows.</summary>
    public static bool IsSensible(GraphOffer offer, PointStore store)
    {
        if (offer.Rows <= 0 || offer.Rows > store.RowsMax || offer.Graphs.Count > store.Columns.Count) return false;
        foreach (var graph in offer.Graphs)
            if (graph.Column >= store.Columns.Count || graph.Bytes <= 0 || graph.Bytes > BytesMax(store.Columns[graph.Column], offer.Rows)) return false;
        return true;
    }

    /// <summary>Takes a piece; false when this is not what was offered.</summary>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    public bool Take(ReadOnlySpan<byte> piece)
    {
        IsAsked = false;
        var bytes = wanted[current].Bytes;
        if (piece.Length == 0 || piece.Length > bytes - From) return false;
        writer ??= files.Begin();
        writer.Append(piece);
        From += piece.Length;
        if (From < bytes) return true;
        var come = writer.Seal();
        writer.Dispose();
        held.Add(come);
        if (come != File) return false;
        (writer, From) = (null, 0);
        current++;
        return true;
    }

    /// <summary>Reads what came; null when the graph that was asked for cannot be used.</summary>
    public GraphLoan? Read()
    {
        var graphs = new Dictionary<int, LentGraph>();
        foreach (var graph in wanted)
            if (GraphFile.ReadLent(files, graph.File, columns[graph.Column], offer.Rows) is { } lent) graphs[graph.Column] = lent;
        return graphs.ContainsKey(offer.Graphs[0].Column) ? new GraphLoan(offer.Graphs[0].Column, graphs) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        writer?.Dispose();
        foreach (var file in held) files.Release(file);
        held.Clear();
    }

    private static long BytesMax(VectorParams column, int rows) =>
        (1 << 20) + ((long)rows * (RowMemory.Padded(column.Graph.LinksOnGround * sizeof(int)) + (3 * RowMemory.Padded(column.Graph.M * sizeof(int))) + (2 * column.RowBytes) + 64));
}
