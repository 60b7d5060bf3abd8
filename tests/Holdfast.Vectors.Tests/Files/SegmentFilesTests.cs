using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Tests.Files;

/// <summary>Segments in files by hash: what a restart needs to do, what damage does, and what merging may never do.</summary>
public sealed class SegmentFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-vectors").FullName;
    private readonly DirectoryDisk disk;
    private readonly StateFiles files;

    public SegmentFilesTests()
    {
        disk = new DirectoryDisk(folder);
        files = new SnapshotStore(disk, new ClusterId(7)).FilesOf(new GroupId(9));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_restart_reads_graphs_back_and_builds_none()
    {
        var shard = new FiledShard(files);
        shard.Upsert(0, 4000);
        shard.UntilIdle();
        var segment = Assert.Single(shard.Store.Segments);
        Assert.NotNull(segment.Files!.Graphs[0]);
        var chunks = shard.Snapshot(out var named);
        Assert.Equal(2, named.Count);
        Assert.All(named, hash => Assert.True(files.Has(hash)));
        Assert.True(chunks.Sum(chunk => chunk.Length) < 10_000, "points in files are not copied");

        var again = shard.Restarted(files, chunks);
        Assert.Equal(shard.Machine.StateHash, again.Machine.StateHash);
        Assert.Equal(1.0, again.Recall());
        Assert.True(again.Step());
        Assert.Equal(4000, again.Store.Segments[0].Columns[0].Index!.Indexed);
        Assert.False(again.Step());
        var traces = new List<SegmentTrace>();
        again.Nearest(again.Next(), 10, traces);
        Assert.Equal("graph", traces[0].Strategy);
        Assert.True(traces[0].Visited < 1500, $"{traces[0].Visited} rows were measured");
        Assert.True(again.Recall() >= 0.95);
        again.IsWhole();
    }

    [Fact]
    public void A_damaged_graph_is_noticed_and_built_again()
    {
        var shard = new FiledShard(files);
        shard.Upsert(0, 3000);
        shard.UntilIdle();
        var graph = shard.Store.Segments[0].Files!.Graphs[0]!.Value;
        var chunks = shard.Snapshot(out _);
        Flip(graph, 70_000);
        var again = shard.Restarted(files, chunks);
        Assert.True(again.Step());
        Assert.Null(again.Store.Segments[0].Columns[0].Index);
        again.UntilIdle();
        Assert.True(again.Recall() >= 0.95);
        Assert.NotNull(again.Store.Segments[0].Files!.Graphs[0]);
        Assert.Equal(shard.Machine.StateHash, again.Machine.StateHash);
    }

    [Fact]
    public void Without_its_rows_a_segment_cannot_be_restored_and_without_its_graph_it_can()
    {
        var shard = new FiledShard(files);
        shard.Upsert(0, 2000);
        shard.UntilIdle();
        var kept = shard.Store.Segments[0].Files!;
        var chunks = shard.Snapshot(out _);
        using var lame = new Holdfast.Vectors.Shards.ShardMachine(1 << 14, files).BeginRestore();
        Assert.True(lame.GoesOnWithout(kept.Graphs[0]!.Value));
        foreach (var chunk in chunks) lame.ReadNext(chunk);
        Assert.True(lame.IsWhole);
        using var lost = new Holdfast.Vectors.Shards.ShardMachine(1 << 14, files).BeginRestore();
        Assert.True(lost.GoesOnWithout(kept.Rows));
        foreach (var chunk in chunks) lost.ReadNext(chunk);
        Assert.False(lost.IsWhole);
    }

    [Fact]
    public void A_snapshot_of_segments_in_files_has_the_payloads_and_the_dead_of_its_moment()
    {
        var shard = new FiledShard(files);
        shard.Upsert(0, 2500);
        shard.UntilIdle();
        shard.SetPayload(17, """{"x":1}""");
        shard.Delete(3, 5, 2000);
        shard.Upsert(9000, 30);
        var hash = shard.Machine.StateHash;
        var chunks = shard.Snapshot(out _);
        shard.SetPayload(18, """{"x":2}""");
        Assert.NotEqual(hash, shard.Machine.StateHash);
        shard.SetPayload(18, """{"n":18}""");
        var again = shard.Restarted(files, chunks);
        again.IsWhole();
        Assert.Equal(hash, again.Machine.StateHash);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 3)]
    public void Points_come_change_and_go_while_segments_are_merged_and_none_is_ever_missing(bool isKept, int seed)
    {
        var dice = new Random(seed);
        var shard = new FiledShard(isKept ? files : null, rowsMax: 5000);
        ulong next = 0;
        for (var round = 0; round < 250; round++)
        {
            switch (dice.Next(6))
            {
                case 0 or 1 or 2:
                    shard.Upsert(next, 150);
                    next += 150;
                    break;
                case 3:
                    shard.Upsert((ulong)dice.NextInt64((long)next), 1);
                    break;
                case 4:
                    shard.Delete([.. Enumerable.Range(0, 60).Select(_ => (ulong)dice.NextInt64((long)next + 1))]);
                    break;
                default:
                    for (var at = 0; at < 20; at++) shard.SetPayload((ulong)dice.NextInt64((long)next + 1), $$"""{"c":{{round}}}""");
                    break;
            }

            foreach (var id in shard.Expected.Keys.Where(_ => dice.Next(1000) == 0).ToArray()) Assert.Equal(id, shard.Nearest(shard.Expected[id].Vector, 1, isExact: true)[0].Id.Number);
            for (var steps = dice.Next(40); steps > 0; steps--) shard.Step();
            if (round % 25 != 0) continue;
            shard.IsWhole();
            if (shard.Expected.Count > 10) Assert.True(shard.Recall(10) >= 0.93, $"recall {shard.Recall(10)} in round {round}");
        }

        shard.UntilIdle();
        shard.IsWhole();
        Assert.True(shard.Recall() >= 0.95, $"recall {shard.Recall()}");
        Assert.True(shard.Store.Segments.Length <= 12, $"{shard.Store.Segments.Length} segments");
        var again = shard.Restarted(isKept ? files : null, shard.Snapshot(out _), 5000);
        again.IsWhole();
        again.UntilIdle();
        Assert.Equal(shard.Machine.StateHash, again.Machine.StateHash);
        Assert.True(again.Recall() >= 0.95, $"recall after the restart {again.Recall()}");
    }

    [Fact]
    public void Dead_rows_are_dropped_and_files_that_nobody_needs_are_let_go()
    {
        var shard = new FiledShard(files);
        shard.Upsert(0, 3000);
        shard.UntilIdle();
        var first = shard.Store.Segments[0].Files!;
        shard.Delete([.. Enumerable.Range(0, 1200).Select(id => (ulong)(id * 2))]);
        shard.UntilIdle();
        var segment = Assert.Single(shard.Store.Segments);
        Assert.Equal(1800, segment.Visible);
        Assert.NotEqual(first.Rows, segment.Files!.Rows);
        Assert.True(shard.Recall() >= 0.95);
        Assert.Throws<InvariantBrokenException>(() => files.Release(first.Rows));
        shard.Delete([.. shard.Expected.Keys]);
        shard.UntilIdle();
        Assert.Empty(shard.Store.Segments);
    }

    [Theory]
    [InlineData("""{"turbo":{"bits":"bits4"}}""")]
    [InlineData("""{"product":{"compression":"x8"}}""")]
    [InlineData("""{"binary":{"always_ram":true}}""")]
    public void Every_quantisation_survives_a_restart_and_on_disk_vectors_are_found(string quantization)
    {
        var shard = new FiledShard(files, $$"""{"size":32,"distance":"Cosine","on_disk":true,"quantization_config":{{quantization}}}""");
        shard.Upsert(0, 2500);
        shard.UntilIdle();
        var recall = shard.Recall();
        var again = shard.Restarted(files, shard.Snapshot(out _));
        Assert.True(again.Step());
        Assert.NotNull(again.Store.Segments[0].Columns[0].Index);
        Assert.True(again.Recall() >= recall - 0.05, $"recall {again.Recall()} after {recall}");
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","quantization_config":"Disabled" """)]
    public void A_graph_whose_links_are_to_stay_on_disk_is_walked_where_its_file_is_mapped(string quantization)
    {
        var shard = new FiledShard(files, $$"""{"size":32,"distance":"Cosine"{{quantization}}}""", besides: ""","hnsw_config":{"on_disk":true}""");
        shard.Upsert(0, 3000);
        shard.UntilIdle();
        Assert.True(shard.Recall() >= 0.95);
        var segment = Assert.Single(shard.Store.Segments);
        var graph = segment.Files!.Graphs[0]!.Value;
        Assert.True(segment.Columns[0].Index!.Column.Graph.IsOnDisk);

        // Deaths mend the links in memory, a page at a time; the file stays what its name says.
        shard.Delete([.. Enumerable.Range(0, 500).Select(id => (ulong)(id * 2))]);
        shard.UntilIdle();
        Assert.Equal(graph, segment.Files!.Graphs[0]);
        Assert.True(shard.Recall() >= 0.95);
        var again = shard.Restarted(files, shard.Snapshot(out _));
        Assert.True(again.Step());
        Assert.True(again.Recall() >= 0.95);
        Flip(graph, 70_000);
        var damaged = shard.Restarted(files, shard.Snapshot(out _));
        Assert.True(damaged.Step());
        Assert.Null(damaged.Store.Segments[0].Columns[0].Index);
    }

    private void Flip(FileHash hash, long at)
    {
        var path = Directory.EnumerateFiles(folder, hash.ToString(), SearchOption.AllDirectories).Single();
        using var file = File.Open(path, FileMode.Open);
        file.Position = at;
        var old = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(old ^ 0x55));
    }
}
