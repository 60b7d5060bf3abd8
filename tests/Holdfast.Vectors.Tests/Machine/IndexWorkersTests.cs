using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Tests.Files;
using Holdfast.Vectors.Tests.Graphs;

namespace Holdfast.Vectors.Tests.Machine;

/// <summary>What a collection asks of its indexing, and threads that share the work of one shard.</summary>
public sealed class IndexWorkersTests
{
    [Fact]
    public void Threads_of_a_node_build_one_shards_graph_together()
    {
        const int Rows = 6000;
        Exception? failed = null;
        var machine = new ShardMachine(1 << 13);
        using var workers = new IndexWorkers(new IndexWorkerOptions { Threads = 3, Share = 1, RowsMin = 100, SealRowsMin = 1 << 13 }, fault => failed = fault);
        workers.Add(machine);
        var (clusters, vectors) = (new Clusters(32, 3), new List<float[]>());
        Apply(machine, 1, ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse("""{"vectors":{"size":32,"distance":"Cosine"}}""").RootElement, 1).Json));
        for (var from = 0; from < Rows; from += 500)
        {
            for (var row = 0; row < 500; row++) vectors.Add(clusters.Next());
            Apply(machine, (ulong)from + 2, ShardCommand.Upsert([.. Enumerable.Range(from, 500).Select(id => new PointWrite(PointId.Of((ulong)id), Payload.Empty, [new("", vectors[id])]))], _ => 0));
        }

        var column = machine.State!.Store.Segments[0].Columns[0];
        Assert.True(SpinWait.SpinUntil(() => failed is not null || column.Index?.Indexed == Rows, TimeSpan.FromMinutes(2)), $"{column.Index?.Indexed} of {Rows} rows are indexed");
        Assert.Null(failed);
        var hits = 0;
        for (var query = 0; query < 30; query++)
        {
            var asked = clusters.Next();
            var expected = Clusters.Closest(vectors, asked, 10, Clusters.Cosine);
            hits += ShardSearch.Nearest(machine.State, new NearestQuery { Column = 0, Vector = asked, Limit = 10, Ef = 96 }).Count(row => expected.Contains((int)row.Id.Number));
        }

        Assert.True(hits >= 285, $"{hits} of 300 were found");
    }

    [Fact]
    public void What_waits_for_its_turn_is_found_by_its_codes_and_what_codes_do_not_hold_as_it_is()
    {
        var shard = new FiledShard(null);
        shard.Upsert(0, 4000);
        for (var steps = 0; shard.Store.Segments[0].Columns[0].Index is not { Coded: 4000 }; steps++) Assert.True(shard.Step() && steps < 1000, "rows are not coded");
        var index = shard.Store.Segments[0].Columns[0].Index!;
        Assert.Equal(0, index.Indexed);
        Assert.True(shard.Recall() >= 0.99);
        var traces = new List<SegmentTrace>();
        shard.Nearest(shard.Next(), 10, traces);
        Assert.Equal(4000, traces.Single().Scanned);

        // The dead are not found by their codes either, and what is indexed is no longer scanned.
        shard.Delete([.. Enumerable.Range(0, 300).Select(id => (ulong)(id * 7))]);
        Assert.True(shard.Recall() >= 0.99);
        while (index.Indexed < 2000) Assert.True(shard.Step());
        Assert.True(shard.Recall() >= 0.95);
    }

    [Fact]
    public void Nobody_joins_a_batch_that_is_over_and_each_of_its_rows_is_inserted_once()
    {
        var shard = new FiledShard(null);
        shard.Upsert(0, 1000);
        var segment = shard.Store.Segments[0];
        var column = segment.Columns[0];
        var index = new Holdfast.Vectors.Graphs.VectorIndex(column.Params, column.Rows, [.. Enumerable.Range(0, 500).SelectMany(row => column.Read(row))]);
        var batch = new InsertBatch(segment, column, index, 0, 1000);
        Assert.True(batch.TryJoin());
        var other = new Thread(() =>
        {
            batch.Run();
            batch.Leave();
        });
        other.Start();
        batch.Run();
        batch.End();
        Assert.False(batch.TryJoin());
        other.Join();
        index.Advance(batch.To);
        column.Index = index;
        Assert.True(shard.Recall() >= 0.95);
    }

    [Fact]
    public void A_segment_gets_its_graph_when_the_collection_says_so()
    {
        // 1000 rows of 128 bytes.
        var shard = new FiledShard(null, besides: ""","optimizers_config":{"indexing_threshold":125}""");
        shard.Upsert(0, 900);
        shard.UntilIdle();
        Assert.Null(shard.Store.Segments[0].Columns[0].Index);
        shard.Upsert(900, 200);
        shard.UntilIdle();
        Assert.NotNull(shard.Store.Segments[0].Columns[0].Index);

        var never = new FiledShard(null, besides: ""","optimizers_config":{"indexing_threshold":0}""");
        never.Upsert(0, 3000);
        never.UntilIdle();
        Assert.All(never.Store.Segments, segment => Assert.Null(segment.Columns[0].Index));
        never.Change("""{"optimizers_config":{"indexing_threshold":20000}}""");
        never.UntilIdle();
        Assert.All(never.Store.Segments, segment => Assert.Null(segment.Columns[0].Index));
        never.Change("""{"optimizers_config":{"indexing_threshold":10}}""");
        never.UntilIdle();
        Assert.Equal(3000, Assert.Single(never.Store.Segments).Columns[0].Index!.Indexed);
        Assert.True(never.Recall() >= 0.95);
    }

    [Fact]
    public void Segments_grow_as_far_as_the_collection_says()
    {
        // Segments of 1500 rows of 128 bytes.
        var shard = new FiledShard(null, besides: ""","optimizers_config":{"max_segment_size":188}""");
        for (var from = 0UL; from < 8000; from += 1000)
        {
            shard.Upsert(from, 1000);
            shard.UntilIdle();
        }

        Assert.True(shard.Store.Segments.Length >= 5, $"{shard.Store.Segments.Length} segments");
        Assert.All(shard.Store.Segments, segment => Assert.True(segment.Visible <= 1504, $"{segment.Visible} rows"));
        shard.Change("""{"optimizers_config":{"max_segment_size":100000}}""");
        shard.UntilIdle();
        Assert.True(shard.Store.Segments.Length <= 2, $"{shard.Store.Segments.Length} segments");
        shard.IsWhole();
    }

    [Fact]
    public void The_dead_are_dropped_when_there_are_as_many_as_the_collection_allows()
    {
        var shard = new FiledShard(null, besides: ""","optimizers_config":{"deleted_threshold":0.5,"vacuum_min_vector_number":200}""");
        shard.Upsert(0, 2000);
        shard.UntilIdle();
        shard.Delete([.. Enumerable.Range(0, 900).Select(id => (ulong)id)]);
        shard.UntilIdle();
        Assert.Equal(2000, Assert.Single(shard.Store.Segments).Visible);
        shard.Delete([.. Enumerable.Range(900, 200).Select(id => (ulong)id)]);
        shard.UntilIdle();
        Assert.Equal(900, Assert.Single(shard.Store.Segments).Visible);
        shard.IsWhole();
    }

    [Fact]
    public void A_collection_without_threads_is_left_as_it_is_until_it_has_some()
    {
        var shard = new FiledShard(null, besides: ""","optimizers_config":{"max_optimization_threads":0}""");
        shard.Upsert(0, 2000);
        Assert.False(shard.Step());
        Assert.True(shard.Recall() >= 0.99);
        shard.Change("""{"optimizers_config":{"max_optimization_threads":2}}""");
        shard.UntilIdle();
        Assert.Equal(2000, Assert.Single(shard.Store.Segments).Columns[0].Index!.Indexed);
    }

    [Theory]
    [InlineData("""{"deleted_threshold":1.5}""")]
    [InlineData("""{"deleted_threshold":"much"}""")]
    [InlineData("""{"vacuum_min_vector_number":-1}""")]
    [InlineData("""{"max_segment_size":0}""")]
    [InlineData("""{"indexing_threshold":-1}""")]
    [InlineData("""{"indexing_threshold":1.5}""")]
    [InlineData("""{"max_optimization_threads":"many"}""")]
    [InlineData("[]")]
    public void What_cannot_be_is_refused(string optimizers)
    {
        var request = JsonDocument.Parse($$"""{"vectors":{"size":2,"distance":"Dot"},"optimizers_config":{{optimizers}}}""").RootElement;
        Assert.Throws<VectorFault>(() => CollectionConfig.Create(request, 1));
        Assert.Throws<VectorFault>(() => CollectionChange.Apply(CollectionConfig.Create(JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"}}""").RootElement, 1), request));
    }

    private static void Apply(ShardMachine machine, ulong index, byte[] command)
    {
        var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = false };
        while (!machine.Apply(entry).IsDone)
        {
        }
    }
}
