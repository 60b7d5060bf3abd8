using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.VectorBench;

/// <summary>One shard of a data set of which no row is in a graph yet, as after a fast load: what a search costs that scans all of them, by codes, and what it finds.</summary>
internal sealed class TailCase(DataSet set)
{
    private readonly ShardMachine machine = new();
    private ulong index;

    /// <summary>Loads, writes codes, asks.</summary>
    public void Run(int rounds)
    {
        Apply(ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse(string.Create(CultureInfo.InvariantCulture, $$$$"""{"vectors":{"size":{{{{set.Dims}}}},"distance":"{{{{(set.IsCosine ? "Cosine" : "Euclid")}}}}"}}""")).RootElement, 1).Json));
        for (var from = 0; from < set.Rows; from += 1000)
            Apply(ShardCommand.Upsert([.. Enumerable.Range(from, Math.Min(1000, set.Rows - from)).Select(row => new PointWrite(PointId.Of((ulong)row), Payload.Empty, [new("", set.Vectors.AsSpan(row * set.Dims, set.Dims).ToArray())]))], _ => 0));
        var indexing = new ShardIndexing(machine, new IndexWorkerOptions());
        var column = machine.State!.Store.Segments[0].Columns[0];
        while (column.Index is not { } known || known.Coded < set.Rows) indexing.Work();
        var found = new int[set.QueryCount * DataSet.Wanted];
        for (var round = 0; round <= rounds; round++)
        {
            var begun = ThreadCost.Seconds;
            var scanned = 0L;
            for (var query = 0; query < set.QueryCount; query++)
            {
                var traces = new List<SegmentTrace>();
                var rows = ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = set.Queries.AsSpan(query * set.Dims, set.Dims).ToArray(), Limit = DataSet.Wanted }, traces);
                for (var at = 0; at < DataSet.Wanted; at++) found[(query * DataSet.Wanted) + at] = at < rows.Count ? (int)rows[at].Id.Number : -1;
                scanned += traces.Sum(trace => (long)trace.Scanned);
            }

            var took = ThreadCost.Seconds - begun;
            if (round > 0) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"tail {set.Name}: {set.Rows} rows by codes, {took / set.QueryCount * 1000:F2} CPU-ms a search, {took * 1e9 / scanned:F0} ns a row, recall@10 {set.Recall(found):F3}"));
        }
    }

    private void Apply(byte[] command)
    {
        var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(++index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = false };
        while (!machine.Apply(entry).IsDone)
        {
        }
    }
}
