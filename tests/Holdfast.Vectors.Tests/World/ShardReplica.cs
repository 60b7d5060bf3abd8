using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Replication.Tests;
using Holdfast.Storage;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Tests.World;

/// <summary>A replica of the shard: the production machine with its merges and files, a disk that outlives it, and the log. It applies, merges and writes snapshots a little at a time, and dies in between.</summary>
internal sealed class ShardReplica
{
    private static readonly GroupId Group = new(9);

    private readonly ShardModel model;
    private readonly SeededRandom dice;
    private readonly PlantedShardBug bug;
    private readonly MemoryDisk disk = new();
    private readonly IndexWorkerOptions options;
    private readonly ShardNetwork network;
    private SnapshotStore store = null!;
    private ShardMachine machine = null!;
    private ShardIndexing indexing = null!;
    private ISnapshotView? view;
    private SnapshotWriter? writer;
    private ulong viewHash;

    public ShardReplica(ShardModel model, SeededRandom dice, PlantedShardBug bug, ShardNetwork network)
    {
        (this.model, this.dice, this.bug, this.network) = (model, dice, bug, network);
        network.Replicas.Add(this);
        options = new IndexWorkerOptions { RowsMin = dice.Next(50, 300), SealRowsMin = dice.Next(100, 600), DeadRowsMin = dice.Next(10, 100) };
        Start();
    }

    /// <summary>Entries that are applied.</summary>
    public int Applied { get; private set; }

    public ulong StateHash => machine.StateHash;

    /// <summary>Graphs that were taken over from other replicas, in all its lives.</summary>
    public GraphMeters Meters { get; } = new();

    private StateFiles Files => store.FilesOf(Group);

    /// <summary>What it tells another replica of its graphs.</summary>
    public GraphTold? Tell(GraphAsk ask) => indexing.Tell(ask);

    /// <summary>A piece of one of them.</summary>
    public ReadOnlyMemory<byte> PieceOf(FileHash file, long from) => GraphShelf.PieceOf(machine, file, from);

    /// <summary>One thing that a replica does, or that happens to it.</summary>
    public void Act(IReadOnlyList<ShardReplica> others)
    {
        switch (dice.Next(100))
        {
            case < 40: Apply(); break;
            case < 80: Work(dice.Next(1, 25)); break;
            case < 92: WriteSnapshot(); break;
            case < 95: Look(); break;
            case < 97: Restart(); break;
            case < 98: RotGraph(); break;
            default: Fetch(others[dice.Next(others.Count)]); break;
        }
    }

    /// <summary>Applies all there is and looks at everything.</summary>
    public void Settle()
    {
        while (Applied < model.Entries.Count) Apply();
        for (var rounds = 0; rounds == 0 || indexing.IsWaiting; rounds++)
        {
            Assert.True(rounds < 1000, "a graph is waited for without end");
            Work(100_000);
            network.Pass(500);
        }

        Look();
        var expected = model.States[^1];
        foreach (var (id, point) in expected)
        {
            Assert.True(machine.State!.Store.TryFind(PointId.Of(id), out var segment, out var row), $"point {id} is missing");
            Assert.Equal(point.Vector, segment.Columns[0].Read(row));
            Assert.Equal(ShardModel.PayloadOf(point.Number).Json, segment.PayloadOf(row).Json);
        }
    }

    /// <summary>The next entry, in slices, between which the workers go on and readers look.</summary>
    private void Apply()
    {
        if (Applied == model.Entries.Count) return;
        var entry = new CommittedEntry { Position = At(Applied + 1), TimeMicros = 0, FeatureLevel = 1, Command = model.Entries[Applied], ReplyWanted = false };
        while (!machine.Apply(entry).IsDone)
        {
            Work(dice.Next(4));
            if (machine.State is not null) Assert.Equal(model.States[Applied].Count, machine.State.Store.Segments.Sum(segment => segment.LiveCount));
        }

        Applied++;
    }

    private void Work(int steps)
    {
        for (; steps > 0 && indexing.Work(); steps--)
        {
        }
    }

    /// <summary>Readers on other threads see whole points, each once, and find every one by its own vector.</summary>
    private void Look()
    {
        var expected = model.States[Applied];
        if (machine.State is not { } state) return;
        Assert.Equal(expected.Count, state.Store.Count);
        Assert.Equal(expected.Count, state.Store.Segments.Sum(segment => segment.LiveCount));
        Assert.Equal(expected.Count, state.Store.Segments.Sum(segment => segment.Columns[0].LiveCount));
        for (var asked = 0; asked < 5 && expected.Count > 0; asked++)
        {
            var (id, point) = expected.ElementAt(dice.Next(expected.Count));
            Assert.Equal(id, ShardSearch.Nearest(state, new NearestQuery { Column = 0, Vector = point.Vector, Limit = 1, IsExact = true })[0].Id.Number);
            var bound = point.Number + 1;
            var filter = FilterParser.Parse($$$"""{"must":[{"key":"n","range":{"lt":{{{bound}}}}}]}""");
            var found = ShardSearch.Nearest(state, new NearestQuery { Column = 0, Vector = model.Next(), Limit = 10, Filter = filter });
            Assert.Equal(Math.Min(10, expected.Values.Count(each => each.Number < bound)), found.Count);
            Assert.All(found, row => Assert.True(expected[row.Id.Number].Number < bound));
            var tenant = ShardModel.TenantOf(point.Number);
            var own = ShardSearch.Nearest(state, new NearestQuery { Column = 0, Vector = point.Vector, Limit = 10, Filter = FilterParser.Parse($$$"""{"must":[{"key":"who","match":{"value":"{{{tenant}}}"}}]}""") });
            Assert.Equal(Math.Min(10, expected.Values.Count(each => ShardModel.TenantOf(each.Number) == tenant)), own.Count);
            Assert.All(own, row => Assert.Equal(tenant, ShardModel.TenantOf(expected[row.Id.Number].Number)));
        }
    }

    /// <summary>A chunk of the snapshot that is being written; the first, the last and what comes after it included.</summary>
    private void WriteSnapshot()
    {
        if (view is null)
        {
            if (Applied < 2) return;
            view = machine.CaptureSnapshot();
            viewHash = machine.StateHash;
            writer = store.Begin(Group, At(Applied), Configuration.OfVoters(new NodeId(1)), 1);
        }

        var chunk = new ByteBuffer();
        var goesOn = view.WriteNext(chunk);
        writer!.AppendChunk(chunk.Written);
        if (goesOn) return;
        foreach (var file in view.Files) writer.AddFile(file);
        var manifest = writer.Commit(viewHash);
        store.Prune(Group, manifest.Position);
        Forget();
    }

    private void Forget()
    {
        view?.Dispose();
        writer?.Dispose();
        (view, writer) = (null, null);
    }

    /// <summary>The process dies and begins again: from its last snapshot, then from the log.</summary>
    private void Restart()
    {
        writer?.Dispose();
        (view, writer) = (null, null);
        Start();
        if (store.Latest(Group) is not { } manifest) return;
        using var reader = store.Open(Group, manifest.Position, mayLackFiles: true)!;
        using var builder = machine.BeginRestore();
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        for (var chunk = manifest.OwnChunks; chunk < manifest.Chunks.Length; chunk++)
        {
            try
            {
                reader.ReadChunk(chunk, buffer);
            }
            catch (SnapshotDamagedException)
            {
                Assert.True(builder.GoesOnWithout(manifest.FileOf(chunk)!.Value.Hash));
            }
        }

        for (var chunk = 0; chunk < manifest.OwnChunks; chunk++) builder.ReadNext(buffer.AsSpan(0, reader.ReadChunk(chunk, buffer)));
        Assert.True(builder.IsWhole, "a file of rows is missing");
        builder.Complete();
        Applied = (int)manifest.Position.Index.Value;
    }

    /// <summary>A bit of a graph's file turns: the graph is built again, and nothing else is lost.</summary>
    private void RotGraph()
    {
        var graphs = machine.State?.Store.Segments.Select(segment => segment.Files?.Graphs[0]).OfType<FileHash>().ToArray() ?? [];
        if (graphs.Length > 0) disk.Rot(graphs[dice.Next(graphs.Length)].ToString(), dice.Next(2000));
    }

    /// <summary>Another replica is far ahead: its snapshot is fetched, of which the files that are here are not fetched again.</summary>
    private void Fetch(ShardReplica from)
    {
        if (from == this || from.store.Latest(Group) is not { } manifest || manifest.Position.Index.Value <= (ulong)Applied) return;
        try
        {
            using var reader = from.store.Open(Group, manifest.Position);
            if (reader is null) return;
            Forget();
            store.Copy(reader);
        }
        catch (SnapshotDamagedException)
        {
            return; // Rotten there: others would be asked.
        }

        Restart();
    }

    private void Start()
    {
        store = new SnapshotStore(disk, new ClusterId(7));
        machine = new ShardMachine(1500, Files) { Bug = bug };
        indexing = new ShardIndexing(machine, options, network.Of(this), new SharingParts { Meters = Meters, Options = new BuildTurnOptions { AskRowsMin = 40, FewRowsWait = 200, WaitLeast = 20_000, StandstillAtRest = 10_000 } });
        Applied = 0;
    }

    private static LogPosition At(int index) => new(new Term(1), new LogIndex((ulong)index));
}
