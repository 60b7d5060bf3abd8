using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Tests.Files;

namespace Holdfast.Vectors.Tests.Machine.Sharing;

/// <summary>Three replicas of a shard with production's indexing: one builds a segment's graph, and the others take it over, each into rows of its own.</summary>
public sealed class SharedGraphTests
{
    private const int Rows = 6000;

    [Fact]
    public void A_graph_is_built_once_and_the_other_replicas_take_it_over()
    {
        var shards = new SharedShards();
        shards.Upsert(0, Rows);
        shards.UntilIdle();
        Assert.True(shards.Meters[0].RowsInserted >= Rows, $"{shards.Meters[0].RowsInserted} rows");
        Assert.Equal((0L, 0L), (shards.Meters[1].RowsInserted, shards.Meters[2].RowsInserted));
        Assert.Equal([0, 1, 1], shards.Meters.Select(meters => meters.Fetched));
        Assert.Equal([0, 0, 0], shards.Meters.Select(meters => meters.Refused));
        Assert.Equal([GraphOrigin.Built, GraphOrigin.Fetched, GraphOrigin.Fetched], shards.All.Select(shard => OriginOf(shard)));
        AllFindEverything(shards);
    }

    [Fact]
    public void Replicas_whose_rows_lie_otherwise_take_over_what_they_share_and_insert_the_rest()
    {
        var shards = new SharedShards();

        // The second replica has segments of its own from before: it built them while it was alone.
        shards.Upsert(0, 1500);
        shards.Dead.UnionWith([0, 2]);
        shards.UntilIdle();
        shards.Dead.Clear();
        var alone = shards.Meters[1].RowsInserted;
        Assert.True(alone >= 1500);
        shards.Upsert(1500, Rows - 1500, stepsBetween: 3);

        // What dies and what is written anew while graphs are built and travel.
        for (var from = 0UL; from < 600; from += 60)
        {
            foreach (var shard in shards.All) shard.Delete(from, from + 1, from + 2);
            shards.Steps(5);
        }

        shards.Upsert(700, 100);
        shards.UntilIdle();
        Assert.True(shards.Meters[1].Fetched > 0 && shards.Meters[2].Fetched > 0);
        Assert.True(shards.Meters[2].RowsInserted < Rows / 4, $"{shards.Meters[2].RowsInserted} rows were inserted although another replica builds");
        AllFindEverything(shards);
    }

    [Fact]
    public void When_the_builder_is_dead_the_next_one_builds_and_the_others_take_that_over()
    {
        var shards = new SharedShards();
        shards.Dead.Add(0);
        shards.Upsert(0, Rows);
        shards.UntilIdle();
        Assert.True(shards.Meters[1].RowsInserted >= Rows);
        Assert.Equal((0L, 1L), (shards.Meters[2].RowsInserted, shards.Meters[2].Fetched));
        Assert.Equal(1, shards.Meters[1].WaitsEnded);

        // It comes back, with all that it missed: and builds what comes then.
        shards.Dead.Clear();
        shards.UntilIdle();
        AllFindEverything(shards);
    }

    [Fact]
    public void A_builder_that_dies_in_the_middle_leaves_nobody_without_a_graph()
    {
        var shards = new SharedShards();
        shards.Upsert(0, Rows);
        while (shards.Meters[0].RowsInserted < Rows / 2) shards.Steps(1);
        shards.Dead.Add(0);
        shards.UntilIdle();
        foreach (var number in (int[])[1, 2]) Assert.Equal(Rows, shards.All[number].Store.Segments.Sum(segment => segment.Columns[0].Index!.Indexed));
        Assert.Equal(Rows, shards.Meters[1].RowsInserted + shards.Meters[2].RowsInserted);
    }

    [Fact]
    public void A_file_that_is_another_than_its_name_says_is_refused_and_the_graph_built()
    {
        var shards = new SharedShards(2);
        shards.Content = (number, file) =>
        {
            var content = BytesOf(shards.Files[number], file);
            content[content.Length / 3] ^= 1;
            return content;
        };
        shards.Upsert(0, Rows);
        shards.UntilIdle();
        Assert.Equal((0L, 1L), (shards.Meters[1].Fetched, shards.Meters[1].Refused));
        Assert.True(shards.Meters[1].RowsInserted >= Rows);
        AllFindEverything(shards);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_graph_that_is_whole_and_leads_nowhere_is_refused_and_that_nobody_tries_it_is_found(bool isPlanted)
    {
        var shards = new SharedShards(2, isPlanted ? PlantedSharingBug.TrustsLinks : PlantedSharingBug.None);
        FileHash? lie = null;
        shards.Tells = (number, ask) =>
        {
            if (shards.All[number].Tell(ask) is not { Offers: [{ } offer, ..] } told) return null;
            lie ??= Shuffled(shards.Files[number], shards.All[number].Store.Segments.First(segment => segment.Files is not null));
            return told with { Offers = [offer with { Graphs = [new OfferedGraph(0, lie.Value, BytesOf(shards.Files[number], lie.Value).Length)] }] };
        };
        shards.Content = (number, file) => BytesOf(shards.Files[number], file);
        shards.Upsert(0, Rows);
        shards.UntilIdle();
        Assert.NotNull(lie);
        Assert.Equal(isPlanted ? 0 : 1, shards.Meters[1].Refused);
        if (isPlanted) Assert.True(shards.All[1].Recall() < 0.5, "links that lead nowhere were taken over, and nothing is worse for it");
        else AllFindEverything(shards);
    }

    [Fact]
    public void Offers_that_cannot_be_are_not_fetched()
    {
        var store = new SharedShards(1).All[0].Store;
        Assert.True(GraphFetch.IsSensible(Offer(1000, 300_000), store));
        Assert.False(GraphFetch.IsSensible(Offer(1000, 300_000_000), store));
        Assert.False(GraphFetch.IsSensible(Offer(1 << 30, 300_000), store));
        Assert.False(GraphFetch.IsSensible(Offer(0, 300_000), store));
        Assert.False(GraphFetch.IsSensible(Offer(1000, -1), store));
        Assert.False(GraphFetch.IsSensible(Offer(1000, 300_000, column: 3), store));

        static GraphOffer Offer(int rows, long bytes, int column = 0) => new(rows, 64, [new OfferedGraph(column, default, bytes)]);
    }

    [Fact]
    public void A_graphs_file_of_before_is_read_and_not_lent()
    {
        var shards = new SharedShards(1);
        shards.Upsert(0, 2000);
        shards.UntilIdle();
        var segment = shards.All[0].Store.Segments.Single();
        var name = segment.Files!.Graphs[0]!.Value;
        Assert.NotNull(GraphFile.ReadLent(shards.Files[0], name, segment.Columns[0].Params, segment.Visible));
        var bytes = BytesOf(shards.Files[0], name);
        var table = bytes.AsSpan(bytes.Length - 16 - BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(bytes.Length - 16)));
        table = table[..^16];
        BinaryPrimitives.WriteUInt16LittleEndian(table, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - 12), Crc32C.Of(table));
        using var writer = shards.Files[0].Begin();
        writer.Append(bytes);
        var old = writer.Seal();
        Assert.Equal(segment.Visible, GraphFile.Read(shards.Files[0], old, segment.Columns[0])!.Indexed);
        Assert.Null(GraphFile.ReadLent(shards.Files[0], old, segment.Columns[0].Params, segment.Visible));
    }

    private static GraphOrigin OriginOf(FiledShard shard) => Assert.Single(shard.Store.Segments, segment => segment.Columns[0].Index is not null).Columns[0].Index!.Origin;

    private static void AllFindEverything(SharedShards shards)
    {
        Assert.Single(shards.All.Select(shard => shard.Machine.StateHash).Distinct());
        foreach (var shard in shards.All)
        {
            shard.IsWhole();
            Assert.True(shard.Recall() >= 0.95, "recall is lost");
            var traces = new List<SegmentTrace>();
            shard.Nearest(shard.Next(), 10, traces);
            Assert.Contains(traces, trace => trace.Strategy == "graph");
        }
    }

    /// <summary>A file that is whole in every way, and says of its links that they are between other rows.</summary>
    private static FileHash Shuffled(StateFiles files, Segment segment)
    {
        var bytes = BytesOf(files, segment.Files!.Graphs[0]!.Value);
        var tableLength = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(bytes.Length - 16));
        var printsAt = bytes.Length - 16 - tableLength - (segment.Visible * sizeof(ulong));
        var prints = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan(printsAt, segment.Visible * sizeof(ulong)));
        new Random(1).Shuffle(prints);

        // The prints are the last piece, whose checksum ends the table.
        var table = bytes.AsSpan(bytes.Length - 16 - tableLength, tableLength);
        BinaryPrimitives.WriteUInt32LittleEndian(table[^sizeof(uint)..], Crc32C.Of(bytes.AsSpan(printsAt, segment.Visible * sizeof(ulong))));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - 12), Crc32C.Of(table));
        using var writer = files.Begin();
        writer.Append(bytes);
        return writer.Seal();
    }

    private static byte[] BytesOf(StateFiles files, FileHash file)
    {
        using var open = files.Open(file);
        var bytes = new byte[open.Length];
        Assert.Equal(bytes.Length, open.Read(0, bytes));
        return bytes;
    }
}
