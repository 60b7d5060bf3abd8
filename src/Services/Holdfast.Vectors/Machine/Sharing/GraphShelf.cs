using Holdfast.Storage;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>What a replica tells others of the graphs that it has built, and the files themselves. For any thread.</summary>
internal static class GraphShelf
{
    /// <summary>A file travels in pieces of this size.</summary>
    public const int PieceBytes = 256 * 1024;

    /// <summary>Answers a question; null when there is nothing to be had here, ever.</summary>
    public static GraphTold? Tell(ShardMachine machine, GraphAsk ask, bool isAtWork, long inserted)
    {
        if (machine.State is not { } state || state.Store.Files is not { } files) return null;
        var progress = machine.Version + (ulong)inserted;
        if (machine.SettingsHash != ask.SettingsHash || ask.Column >= state.Store.Columns.Count) return new GraphTold(isAtWork, progress, []);
        var offers = new List<GraphOffer>();
        foreach (var (segment, hits) in Holding(machine, state.Store, ask))
            if (OfferOf(segment, hits, ask.Column, state.Store, files) is { } offer) offers.Add(offer);
        return new GraphTold(isAtWork, progress, [.. offers.OrderByDescending(offer => offer.Hits).Take(GraphTold.OffersMax)]);
    }

    /// <summary>A piece of a graph's file; empty when it is not here, or not any more.</summary>
    public static byte[] PieceOf(ShardMachine machine, FileHash file, long from)
    {
        if (machine.State is not { Store: { Files: { } files } store } || !store.Segments.Any(segment => segment.Files?.Graphs.Contains(file) == true)) return [];
        try
        {
            using var open = files.Open(file);
            if (from < 0 || from >= open.Length) return [];
            var piece = new byte[(int)Math.Min(PieceBytes, open.Length - from)];
            return piece[..open.Read(from, piece)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static Dictionary<Segment, int> Holding(ShardMachine machine, PointStore store, GraphAsk ask)
    {
        var holding = new Dictionary<Segment, int>();
        lock (machine.Gate)
            foreach (var id in ask.Sample)
                if (store.TryFind(id, out var segment, out _) && segment is { IsSealed: true, Files: not null }) holding[segment] = holding.GetValueOrDefault(segment) + 1;
        return holding;
    }

    private static GraphOffer? OfferOf(Segment segment, int hits, int asked, PointStore store, StateFiles files)
    {
        if (segment.Files is not { } kept) return null;
        var graphs = new List<OfferedGraph>();
        for (var column = 0; column < Math.Min(kept.Graphs.Length, store.Columns.Count); column++)
        {
            if (kept.Graphs[column] is not { } file || !segment.Columns[column].Params.IsBuiltAs(store.Columns[column]) || LengthOf(files, file) is not { } bytes) continue;
            graphs.Insert(column == asked ? 0 : graphs.Count, new OfferedGraph(column, file, bytes));
        }

        return graphs.Count > 0 && graphs[0].Column == asked ? new GraphOffer(segment.Visible, hits, graphs) : null;
    }

    private static long? LengthOf(StateFiles files, FileHash file)
    {
        try
        {
            using var open = files.Open(file);
            return open.Length;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
