using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Tests.Files;
using Holdfast.Vectors.Tests.Graphs;

namespace Holdfast.Vectors.Tests.Machine;

/// <summary>Large tenants have graphs of their own: their searches find what brute force finds among their points, whatever is written, changed and deleted, and look at few rows.</summary>
public sealed class TenantGraphTests : IDisposable
{
    private const string IsTenant = """{"type":"keyword","is_tenant":true}""";
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-tenants-").FullName;
    private readonly StateFiles files;

    public TenantGraphTests() => files = new SnapshotStore(new DirectoryDisk(folder), new ClusterId(7)).FilesOf(new GroupId(9));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData(""","quantization_config":"Disabled" """)]
    [InlineData(""","hnsw_config":{"m":0,"payload_m":8,"full_scan_threshold":20}""")]
    public void A_large_tenants_searches_walk_a_graph_of_its_own(string settings)
    {
        var shard = Shard(settings);
        Declare(shard);
        Load(shard);
        shard.UntilIdle();
        Assert.Equal(5, Graphs(shard));
        IsFound(shard, "t3", "graph of the tenant");

        // A tenth of everything dies, some points change hands, others come: what the graph does not hold is scanned.
        shard.Delete([.. Enumerable.Range(0, 600).Select(id => (ulong)(id * 10))]);
        foreach (var id in Enumerable.Range(0, 60).Select(id => (ulong)((id * 90) + 1))) shard.SetPayload(id, """{"who":"t3"}""");
        IsFound(shard, "t3", "graph of the tenant");
        shard.Upsert(9000, 200);
        IsFound(shard, "t3", "graph of the tenant");
        shard.UntilIdle();
        IsFound(shard, "t3", "graph of the tenant");
    }

    [Fact]
    public void Rows_that_lay_here_and_there_are_put_together_once_somebody_says_what_tenants_are()
    {
        var shard = Shard("");
        Load(shard);
        shard.UntilIdle();
        Assert.Null(Assert.Single(shard.Store.Segments).Columns[0].Tenants);
        var before = shard.Store.Segments[0];
        Declare(shard);
        shard.UntilIdle();
        Assert.NotSame(before, Assert.Single(shard.Store.Segments));
        Assert.Equal(5, Graphs(shard));
        shard.IsWhole();
        IsFound(shard, "t1", "graph of the tenant");

        var hash = shard.Machine.StateHash;
        var again = shard.Restarted(files, shard.Snapshot(out _));
        IsFound(again, "t1", null);
        again.UntilIdle();
        Assert.Equal(hash, again.Machine.StateHash);
        Assert.Equal(5, Graphs(again));
        IsFound(again, "t1", "graph of the tenant");

        Assert.Null(again.Propose(Holdfast.Vectors.Shards.ShardCommand.DeleteIndex("who")).Fault);
        IsFound(again, "t1", "graph among admitted");
        again.UntilIdle();
        Assert.Null(again.Store.Segments[0].Columns[0].Tenants);
    }

    [Fact]
    public void Small_tenants_and_one_that_has_nearly_everything_have_none_and_are_found_all_the_same()
    {
        var shard = new FiledShard(files, besides: ""","hnsw_config":{"full_scan_threshold":20}""") { PayloadOf = id => $$"""{"n":{{id}},"who":"{{(id % 10 == 0 ? "small" : "large")}}"}""" };
        Declare(shard);
        shard.Upsert(0, 2500);
        shard.UntilIdle();
        Assert.Equal(0, Graphs(shard));
        IsFound(shard, "large", "graph among admitted");
        IsFound(shard, "small", "graph among admitted");
    }

    [Fact]
    public void What_else_a_filter_asks_is_asked_of_the_tenants_rows()
    {
        var shard = Shard("");
        Declare(shard);
        Load(shard);
        shard.UntilIdle();
        IsFound(shard, "t2", "graph of the tenant", """,{"key":"n","range":{"lt":4000}}""", id => id < 4000);
        IsFound(shard, "t2", null, """,{"key":"n","range":{"lt":30}}""", id => id < 30);
    }

    [Fact]
    public void A_run_holds_the_most_rows_that_lie_close_together()
    {
        Assert.Equal((100, 200, 100), TenantRuns.Densest([.. Enumerable.Range(100, 100)]));
        Assert.Equal((100, 200, 100), TenantRuns.Densest([3, 50, .. Enumerable.Range(100, 100), 5000]));
        Assert.Equal((7, 8, 1), TenantRuns.Densest([7]));
        var (from, to, count) = TenantRuns.Densest([.. Enumerable.Range(0, 100).Select(row => row * 10)]);
        Assert.False(TenantRuns.IsTogether(100, count), $"rows from {from} to {to} were taken for close together");
        Assert.True(TenantRuns.IsTogether(100, 90));
        Assert.False(TenantRuns.IsTogether(100, 89));
        Assert.False(TenantRuns.IsTogether(100_000, 98_999));
    }

    private static void Declare(FiledShard shard)
    {
        Assert.Null(shard.Propose(Holdfast.Vectors.Shards.ShardCommand.CreateIndex("who", IsTenant)).Fault);
        Assert.Null(shard.Propose(Holdfast.Vectors.Shards.ShardCommand.CreateIndex("n", "\"integer\"")).Fault);
    }

    private static void Load(FiledShard shard)
    {
        shard.Upsert(0, 3000);
        shard.Upsert(3000, 3000);
    }

    private static int Graphs(FiledShard shard) => Assert.Single(shard.Store.Segments).Columns[0].Tenants!.Count;

    /// <summary>The tenant's ten are found, and no other's.</summary>
    private static void IsFound(FiledShard shard, string tenant, string? strategy, string besides = "", Func<ulong, bool>? alsoIs = null)
    {
        var filter = $$$"""{"must":[{"key":"who","match":{"value":"{{{tenant}}}"}}{{{besides}}}]}""";
        var its = shard.Expected.Where(each => each.Value.Payload.Contains($"\"{tenant}\"", StringComparison.Ordinal) && (alsoIs is null || alsoIs(each.Key))).ToArray();
        var vectors = its.Select(each => each.Value.Vector).ToArray();
        var (hits, wanted) = (0, 0);
        for (var query = 0; query < 20; query++)
        {
            var asked = shard.Next();
            var expected = Clusters.Closest(vectors, asked, 10, Clusters.Cosine).Select(at => its[at].Key).ToHashSet();
            var traces = new List<SegmentTrace>();
            var found = shard.Nearest(asked, 10, traces, filter: filter);
            Assert.Equal(expected.Count, found.Count);
            Assert.All(found, row => Assert.Contains(its, each => each.Key == row.Id.Number));
            hits += found.Count(row => expected.Contains(row.Id.Number));
            wanted += expected.Count;
            if (strategy is not null) Assert.Contains(traces, trace => trace.Strategy == strategy);
        }

        Assert.True(hits >= 0.95 * wanted, $"{hits} of {wanted} were found");
    }

    private FiledShard Shard(string settings) =>
        new(files, $$"""{"size":32,"distance":"Cosine"{{settings}}}""", besides: settings.Contains("hnsw_config", StringComparison.Ordinal) ? "" : ""","hnsw_config":{"full_scan_threshold":20}""") { PayloadOf = id => $$"""{"n":{{id}},"who":"t{{id % 5}}"}""" };
}
