using System.Diagnostics;
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
/// What a shard of clustered vectors of 384 components takes of memory after a restart, its full vectors on disk, and how long the first query waits: written by one process, restored and searched by another.
/// </summary>
internal sealed class RestartCase(string folder, int rows, string quantization)
{
    private const int Size = 384;
    private readonly StateFiles files = new SnapshotStore(new DirectoryDisk(folder), new ClusterId(1)).FilesOf(new GroupId(9));

    /// <summary>Builds the shard and leaves its files and its snapshot in the folder.</summary>
    public void Write()
    {
        var machine = new ShardMachine(0, files);
        var json = """{"vectors":{"size":384,"distance":"Cosine","on_disk":true,"quantization_config":QUANTIZATION}}""".Replace("QUANTIZATION", quantization, StringComparison.Ordinal);
        var config = CollectionConfig.Create(JsonDocument.Parse(json).RootElement, 1);
        Apply(machine, 1, ShardCommand.Configure(config.Json));
        var data = new Data(1);
        for (var from = 0; from < rows; from += 1000)
            Apply(machine, (ulong)from + 2, ShardCommand.Upsert([.. Enumerable.Range(from, 1000).Select(id => new PointWrite(PointId.Of((ulong)id), Payload.From(JsonDocument.Parse($$"""{"n":{{id}},"text":"point {{id}}"}""").RootElement), [new("", data.Next())]))], _ => 0));
        var indexing = new ShardIndexing(machine, new IndexWorkerOptions());
        while (indexing.Work())
        {
        }

        using var view = machine.CaptureSnapshot();
        using var kept = new BinaryWriter(File.Create(Path.Combine(folder, "snapshot")));
        var chunk = new ByteBuffer();
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = view.WriteNext(chunk);
            kept.Write(chunk.Length);
            kept.Write(chunk.Written);
        }
    }

    /// <summary>Restores it and prints what it takes.</summary>
    public void Read()
    {
        var before = Resident();
        var begun = Stopwatch.GetTimestamp();
        var machine = new ShardMachine(0, files);
        using (var builder = machine.BeginRestore())
        {
            using var kept = new BinaryReader(File.OpenRead(Path.Combine(folder, "snapshot")));
            while (kept.BaseStream.Position < kept.BaseStream.Length) builder.ReadNext(kept.ReadBytes(kept.ReadInt32()));
            builder.Complete();
        }

        var data = new Data(1);
        var first = data.Next();
        var restored = Stopwatch.GetElapsedTime(begun);
        Find(machine, first, null);
        var asked = Stopwatch.GetElapsedTime(begun);
        var indexing = new ShardIndexing(machine, new IndexWorkerOptions());
        while (indexing.Work())
        {
        }

        var read = Stopwatch.GetElapsedTime(begun);
        var traces = new List<SegmentTrace>();
        var (exact, hits) = (0, 0);
        for (var query = 0; query < 300; query++)
        {
            var vector = data.Next();
            var found = Find(machine, vector, traces);
            if (query % 10 != 0) continue;
            var truth = ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = 10, IsExact = true }).Select(row => row.Id).ToHashSet();
            exact += truth.Count;
            hits += found.Count(row => truth.Contains(row.Id));
        }

        GC.Collect();
        var after = Resident();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{quantization}: {rows} x {Size}; restored {restored.TotalMilliseconds:F0} ms, first query answered {asked.TotalMilliseconds:F0} ms, graph back {read.TotalMilliseconds:F0} ms; recall@10 {(double)hits / exact:F3}, {traces.Average(trace => trace.Visited):F0} rows visited; memory of its own {(after.Own - before.Own) / 1e6:F0} MB = {(after.Own - before.Own) / 1e3 / rows:F3} GB per million, mapped pages {(after.Mapped - before.Mapped) / 1e6:F0} MB (given up when memory is short)"));
    }

    private static List<ScoredRow> Find(ShardMachine machine, float[] vector, List<SegmentTrace>? traces) => ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = 10, Ef = 100 }, traces);

    private static void Apply(ShardMachine machine, ulong index, byte[] command)
    {
        var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = false };
        while (!machine.Apply(entry).IsDone)
        {
        }
    }

    private static (long Own, long Mapped) Resident()
    {
        var lines = File.ReadAllLines("/proc/self/status");
        return (Kilobytes("RssAnon"), Kilobytes("RssFile"));

        long Kilobytes(string name) => 1024 * long.Parse(lines.Single(line => line.StartsWith(name, StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private sealed class Data
    {
        private readonly Random dice;
        private readonly float[][] centres;

        public Data(int seed)
        {
            dice = new Random(seed);
            centres = [.. Enumerable.Range(0, 200).Select(_ => Gaussian(1))];
        }

        public float[] Next()
        {
            var centre = centres[(int)(centres.Length * dice.NextDouble() * dice.NextDouble())];
            var vector = Gaussian(0.8f);
            for (var at = 0; at < Size; at++) vector[at] += centre[at];
            StoredVectors.BringToLengthOne(vector);
            return vector;
        }

        private float[] Gaussian(float width)
        {
            var vector = new float[Size];
            for (var at = 0; at < Size; at += 2)
            {
                var (length, angle) = (width * Math.Sqrt(-2 * Math.Log(1 - dice.NextDouble())), 2 * Math.PI * dice.NextDouble());
                (vector[at], vector[at + 1]) = ((float)(length * Math.Cos(angle)), (float)(length * Math.Sin(angle)));
            }

            return vector;
        }
    }
}
