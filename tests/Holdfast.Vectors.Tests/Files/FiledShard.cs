using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Tests.Graphs;
using Holdfast.Wire;

namespace Holdfast.Vectors.Tests.Files;

/// <summary>A shard whose sealed segments are kept in files, what it should hold, and its indexing, which is driven step by step.</summary>
internal sealed class FiledShard
{
    public const int Size = 32;

    private readonly Clusters clusters = new(Size, 3);
    private readonly ShardIndexing indexing;
    private ulong index;

    public FiledShard(StateFiles? files, string vectors = """{"size":32,"distance":"Cosine"}""", int rowsMax = 1 << 14, string besides = "", IGraphPeers? peers = null, SharingParts? parts = null)
    {
        Machine = new ShardMachine(rowsMax, files);
        indexing = new ShardIndexing(Machine, Options, peers, parts);
        Assert.Null(Propose(ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse($$"""{"vectors":{{vectors}}{{besides}}}""").RootElement, 1).Json)).Fault);
    }

    private FiledShard(ShardMachine machine, FiledShard before)
    {
        (Machine, index, PayloadOf) = (machine, before.index, before.PayloadOf);
        indexing = new ShardIndexing(machine, Options);
        foreach (var (id, content) in before.Expected) Expected[id] = content;
    }

    public static IndexWorkerOptions Options { get; } = new() { RowsMin = 300, SealRowsMin = 1000, DeadRowsMin = 100 };

    public ShardMachine Machine { get; }

    /// <summary>What is written beside a vector.</summary>
    public Func<ulong, string> PayloadOf { get; init; } = id => $$"""{"n":{{id}}}""";

    public Dictionary<ulong, (float[] Vector, string Payload)> Expected { get; } = [];

    public PointStore Store => Machine.State!.Store;

    public float[] Next() => clusters.Next();

    public void Upsert(ulong from, int count)
    {
        var points = new List<PointWrite>();
        for (var id = from; id < from + (ulong)count; id++)
        {
            Expected[id] = (clusters.Next(), PayloadOf(id));
            points.Add(new PointWrite(PointId.Of(id), Json(Expected[id].Payload), [new("", Expected[id].Vector)]));
        }

        Assert.Null(Propose(ShardCommand.Upsert(points, _ => 0)).Fault);
    }

    /// <summary>Writes what another replica has written.</summary>
    public void UpsertAs(FiledShard other, ulong from, int count)
    {
        var points = new List<PointWrite>();
        for (var id = from; id < from + (ulong)count; id++)
        {
            Expected[id] = other.Expected[id];
            points.Add(new PointWrite(PointId.Of(id), Json(Expected[id].Payload), [new("", Expected[id].Vector)]));
        }

        Assert.Null(Propose(ShardCommand.Upsert(points, _ => 0)).Fault);
    }

    public void Delete(params ulong[] ids)
    {
        foreach (var id in ids) Expected.Remove(id);
        Assert.Null(Propose(ShardCommand.Delete([.. ids.Select(PointId.Of)])).Fault);
    }

    public void SetPayload(ulong id, string payload)
    {
        if (Expected.TryGetValue(id, out var known)) Expected[id] = (known.Vector, payload);
        Assert.Null(Propose(ShardCommand.OverwritePayload([PointId.Of(id)], Json(payload))).Fault);
    }

    public ShardReply Propose(byte[] command)
    {
        ApplyResult result;
        do result = Machine.Apply(new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index + 1)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = true });
        while (!result.IsDone);
        index++;
        return (ShardReply)result.Reply!;
    }

    public bool Step() => indexing.Work();

    /// <summary>Whether it waits for another replica's graph.</summary>
    public bool IsWaiting => indexing.IsWaiting;

    /// <summary>What it tells another replica.</summary>
    public GraphTold? Tell(GraphAsk ask) => indexing.Tell(ask);

    /// <summary>The configuration is changed as a client would.</summary>
    public void Change(string request) =>
        Assert.Null(Propose(ShardCommand.Configure(CollectionChange.Apply(Machine.State!.Config, JsonDocument.Parse(request).RootElement).Json)).Fault);

    public void UntilIdle()
    {
        for (var steps = 0; indexing.Work(); steps++) Assert.True(steps < 100_000, "indexing comes to no end");
    }

    public List<byte[]> Snapshot(out IReadOnlyList<FileHash> files)
    {
        using var view = Machine.CaptureSnapshot();
        var chunks = new List<byte[]>();
        var chunk = new ByteBuffer();
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = view.WriteNext(chunk);
            chunks.Add(chunk.Written.ToArray());
        }

        files = view.Files;
        return chunks;
    }

    public FiledShard Restarted(StateFiles? files, List<byte[]> chunks, int rowsMax = 1 << 14)
    {
        var machine = new ShardMachine(rowsMax, files);
        using var builder = machine.BeginRestore();
        foreach (var chunk in chunks) builder.ReadNext(chunk);
        Assert.True(builder.IsWhole);
        builder.Complete();
        return new FiledShard(machine, this);
    }

    public List<ScoredRow> Nearest(float[] vector, int limit, List<SegmentTrace>? traces = null, bool isExact = false, string filter = "") =>
        ShardSearch.Nearest(Machine.State!, new NearestQuery { Column = 0, Vector = vector, Limit = limit, IsExact = isExact, Ef = 96, Filter = FilterParser.Parse(filter) }, traces);

    public double Recall(int queries = 30)
    {
        var ids = Expected.Keys.ToArray();
        var vectors = ids.Select(id => Expected[id].Vector).ToArray();
        var hits = 0;
        for (var query = 0; query < queries; query++)
        {
            var wanted = Next();
            var expected = Clusters.Closest(vectors, wanted, 10, Clusters.Cosine).Select(at => ids[at]).ToHashSet();
            var found = Nearest(wanted, 10);
            Assert.Equal(10, found.Count);
            hits += found.Count(row => expected.Contains(row.Id.Number));
        }

        return hits / (10.0 * queries);
    }

    /// <summary>Every point is there once, with its payload, and nothing else is.</summary>
    public void IsWhole()
    {
        Assert.Equal(Expected.Count, Store.Count);
        Assert.Equal(Expected.Count, Store.Segments.Sum(segment => segment.LiveCount));
        foreach (var (id, content) in Expected)
        {
            Assert.True(Store.TryFind(PointId.Of(id), out var segment, out var row));
            Assert.True(segment.IsLive(row));
            Assert.Equal(PointId.Of(id), segment.IdOf(row));
            Assert.Equal(content.Payload, System.Text.Encoding.UTF8.GetString(segment.PayloadOf(row).Json));
            Assert.Equal(content.Vector, segment.Columns[0].Read(row));
        }
    }

    private static Payload Json(string json) => Payload.From(JsonDocument.Parse(json).RootElement);
}
