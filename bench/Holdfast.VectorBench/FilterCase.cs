using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.VectorBench;

/// <summary>
/// One shard of a data set, indexed, asked with filters that let 0.1, 1, 10 and 50 percent of its points through, in one thread: whether as many come as are wanted, the recall against an exact scan, and the
/// p95 of processor time, which a machine that others use leaves alone, beside the unfiltered one; and so for a tenant of one in twenty, before and after the collection says what tenants are. What is filtered by is drawn by lot for each point, so that it says nothing about where its vector lies.
/// </summary>
internal sealed class FilterCase
{
    private static readonly double[] Shares = [0.001, 0.01, 0.1, 0.5];

    /// <summary>Each has one point in so many.</summary>
    private const int Tenants = 20;

    private readonly DataSet set;
    private readonly ShardMachine machine = new();
    private ulong index;

    public FilterCase(DataSet set)
    {
        this.set = set;
        var vectors = string.Create(CultureInfo.InvariantCulture, $$$$"""{"vectors":{"size":{{{{set.Dims}}}},"distance":"{{{{(set.IsCosine ? "Cosine" : "Euclid")}}}}","hnsw_config":{"m":16,"ef_construct":200}}}""");
        Apply(ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse(vectors).RootElement, 1).Json));
        Apply(ShardCommand.CreateIndex("lot", "\"integer\""));
    }

    /// <summary>Loads, indexes, asks.</summary>
    public void Run(int rounds)
    {
        var dice = new Random(7);
        for (var from = 0; from < set.Rows; from += 1000)
            Apply(ShardCommand.Upsert([.. Enumerable.Range(from, Math.Min(1000, set.Rows - from)).Select(row => new PointWrite(PointId.Of((ulong)row), Payload.From(JsonDocument.Parse($$$"""{"lot":{{{dice.Next(1_000_000)}}},"who":"t{{{dice.Next(Tenants)}}}"}""").RootElement), [new("", set.Vectors.AsSpan(row * set.Dims, set.Dims).ToArray())]))], _ => 0));
        var indexing = new ShardIndexing(machine, new IndexWorkerOptions());
        Finish(indexing);
        var (usual, _, _, how) = Ask(null, rounds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"filtered {set.Name} not at all: p95 {usual:F2} ms; {how}"));
        foreach (var share in Shares)
            Print(string.Create(CultureInfo.InvariantCulture, $"{share:P1}"), FilterParser.Parse(string.Create(CultureInfo.InvariantCulture, $$$"""{"must":[{"key":"lot","range":{"lt":{{{share * 1_000_000}}}}}]}"""))!);
        var tenant = FilterParser.Parse("""{"must":[{"key":"who","match":{"value":"t7"}}]}""")!;
        Print("a tenant, by a filter", tenant);
        Apply(ShardCommand.CreateIndex("who", """{"type":"keyword","is_tenant":true}"""));
        Finish(indexing);
        Print("a tenant, by its graph", tenant);

        void Print(string what, Filter filter)
        {
            var (p95, recall, isShort, strategy) = Ask(filter, rounds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"filtered {set.Name} {what}: recall@10 {recall:F3} short {isShort} p95 {p95:F2} ms, unfiltered {usual:F2} ms, ratio {p95 / usual:F2}; {strategy}"));
        }
    }

    private static void Finish(ShardIndexing indexing)
    {
        while (indexing.Work())
        {
        }
    }

    private (double P95, double Recall, int Short, string Strategy) Ask(Filter? filter, int rounds)
    {
        var (times, traces) = (new Latencies(), new List<SegmentTrace>());
        var (hits, wanted, isShort) = (0, 0, 0);
        for (var round = 0; round <= rounds; round++)
            for (var query = 0; query < set.QueryCount; query++)
            {
                var vector = set.Queries.AsSpan(query * set.Dims, set.Dims).ToArray();
                var begun = ThreadCost.Seconds;
                var found = ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = DataSet.Wanted, Filter = filter }, traces);
                if (round > 0) times.Add(TimeSpan.FromSeconds(ThreadCost.Seconds - begun)); // The first round compiles and fills indexes.
                if (round != 1 || query % 10 != 0 || filter is null) continue;
                var truth = ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = DataSet.Wanted, Filter = filter, IsExact = true }).Select(row => row.Id).ToHashSet();
                hits += found.Count(row => truth.Contains(row.Id));
                wanted += truth.Count;
                if (found.Count < truth.Count) isShort++;
            }

        var how = string.Join(", ", traces.GroupBy(trace => trace.Strategy).Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Key} {(double)each.Count() / traces.Count:P0} ({each.Average(trace => trace.Visited):F0} rows)")));
        return (times.At(0.95), wanted == 0 ? 1 : (double)hits / wanted, isShort, how);
    }

    private void Apply(byte[] command)
    {
        var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(++index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = false };
        while (!machine.Apply(entry).IsDone)
        {
        }
    }
}
