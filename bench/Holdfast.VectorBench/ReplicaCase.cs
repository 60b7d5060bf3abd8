using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.VectorBench;

/// <summary>
/// Three replicas of one log of a data set, each with a life of its own: one indexes as it goes, one is killed with its memory after the deletes and begins again from its snapshot, one is optimised only at the
/// end. Of each, the recall of ten against an exact scan, and how many rows a query looks at.
/// </summary>
internal sealed class ReplicaCase(DataSet set, string folder)
{
    private const int Batch = 1000;

    /// <summary>One point in so many is deleted.</summary>
    private const int DeletedShare = 10;

    private readonly IndexWorkerOptions options = new();

    /// <summary>Lives through it, and prints a row for each.</summary>
    public void Run()
    {
        var lives = new[] { "undisturbed", "killed and restored", "optimised at the end" };
        var replicas = lives.Select((_, number) => Begin(number)).ToArray();
        foreach (var (machine, indexing, number) in replicas)
        {
            var index = 1UL;
            Apply(machine, index++, ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse(string.Create(CultureInfo.InvariantCulture, $$$"""{"vectors":{"size":{{{set.Dims}}},"distance":"{{{(set.IsCosine ? "Cosine" : "Euclid")}}}"} }""")).RootElement, 1).Json));
            for (var from = 0; from < set.Rows; from += Batch)
            {
                Apply(machine, index++, ShardCommand.Upsert([.. Enumerable.Range(from, Math.Min(Batch, set.Rows - from)).Select(row => new PointWrite(PointId.Of((ulong)row), Payload.Empty, [new("", set.Vectors.AsSpan(row * set.Dims, set.Dims).ToArray())]))], _ => 0));
                for (var steps = 0; number < 2 && steps < 4 && indexing.Work(); steps++)
                {
                }
            }

            foreach (var gone in Enumerable.Range(0, set.Rows).Where(row => row % DeletedShare == 0).Select(row => PointId.Of((ulong)row)).Chunk(4096)) Apply(machine, index++, ShardCommand.Delete(gone));
        }

        Finish(replicas[1].Indexing);
        replicas[1] = Restored(replicas[1].Machine);
        foreach (var (_, indexing, _) in replicas) Finish(indexing);
        if (replicas.Select(replica => replica.Machine.StateHash).Distinct().Count() > 1) throw new InvalidOperationException("replicas of one log differ");
        for (var at = 0; at < replicas.Length; at++) Print(lives[at], replicas[at].Machine);
    }

    private static void Finish(ShardIndexing indexing)
    {
        while (indexing.Work())
        {
        }
    }

    private void Print(string life, ShardMachine machine)
    {
        var traces = new List<SegmentTrace>();
        var (hits, wanted, most) = (0, 0, 0);
        for (var query = 0; query < set.QueryCount; query += 5)
        {
            var vector = set.Queries.AsSpan(query * set.Dims, set.Dims).ToArray();
            traces.Clear();
            var found = ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = DataSet.Wanted }, traces);
            most = Math.Max(most, traces.Sum(trace => trace.Visited));
            var truth = ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = DataSet.Wanted, IsExact = true }).Select(row => row.Id).ToHashSet();
            hits += found.Count(row => truth.Contains(row.Id));
            wanted += truth.Count;
        }

        var count = machine.State!.Store.Count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"replica {set.Name} {life}: {count} points in {machine.State.Store.Segments.Length} segments, recall@10 {(double)hits / wanted:F3}, at most {most} rows visited = {(double)most / count:P1}"));
    }

    private (ShardMachine Machine, ShardIndexing Indexing, int Number) Begin(int number)
    {
        var machine = new ShardMachine(0, new SnapshotStore(new DirectoryDisk(Directory.CreateDirectory(Path.Combine(folder, $"{number}")).FullName), new ClusterId(1)).FilesOf(new GroupId(9)));
        return (machine, new ShardIndexing(machine, options), number);
    }

    private (ShardMachine Machine, ShardIndexing Indexing, int Number) Restored(ShardMachine before)
    {
        using var view = before.CaptureSnapshot();
        var again = Begin(1);
        using var builder = again.Machine.BeginRestore();
        var chunk = new ByteBuffer();
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = view.WriteNext(chunk);
            builder.ReadNext(chunk.Written);
        }

        builder.Complete();
        return again;
    }

    private static void Apply(ShardMachine machine, ulong index, byte[] command)
    {
        var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = false };
        while (!machine.Apply(entry).IsDone)
        {
        }
    }
}
