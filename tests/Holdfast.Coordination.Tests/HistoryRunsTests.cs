using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Runs;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Replication.Tests;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests;

/// <summary>Snapshots whose history lies in runs, files by hash that successive snapshots share.</summary>
public sealed class HistoryRunsTests
{
    private const int RunBytes = 3000;
    private readonly StateFiles files = new SnapshotStore(new MemoryDisk(), FaceCluster.Id).FilesOf(GroupId.Coordination);
    private readonly Dictionary<FileHash, byte[]> written = [];
    private ulong index;

    /// <summary>Compactions, deletions and keys that come back, restores in between, entries applied in the middle of a snapshot: what is restored is the state that was captured.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void What_is_restored_from_runs_is_what_was_captured(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var machine = Begin(runBytes: 700);
        var (settled, anew) = (0, 0);
        for (var round = 0; round < 40; round++)
        {
            Random(machine, dice, dice.Next(5, 400));
            var (hash, image) = (machine.StateHash, SnapshotTests.Image(machine));
            var taken = Take(machine, () => Random(machine, dice, dice.Next(0, 5)));
            var restored = Restore(taken, dice.Next(50, 700), runBytes: 700);
            Assert.Equal(hash, restored.StateHash);
            Assert.Equal(image, SnapshotTests.Image(restored));
            Assert.Equal(machine.Runs.All, restored.Runs.All);
            settled = Math.Max(settled, machine.Runs.SettledCount);
            if (machine.Runs.SettledCount < settled) anew++;
            if (dice.Chance(0.3)) machine = restored; // A restart, or a state that was fetched: it goes on from here.
        }

        Assert.True(settled > 1 && anew > 0, $"{settled} runs were settled at most, and they were written anew {anew} times: too little to prove anything");
    }

    [Fact]
    public void A_snapshot_writes_what_has_changed_and_names_the_rest()
    {
        var machine = Begin();
        for (var i = 0; i < 2000; i++) Put(machine, $"key{i}", new string('v', 100));
        var first = Take(machine);
        Assert.True(first.FileBytes > 2000 * 150);
        for (var i = 0; i < 20; i++) Put(machine, $"key{i}", "again");
        var second = Take(machine);
        Assert.InRange(second.FileBytes, 1, RunBytes + 20 * 80);
        Assert.True(second.Files.Intersect(first.Files).Count() >= first.Files.Count - 1);
        Assert.Equal(SnapshotTests.Image(machine), SnapshotTests.Image(Restore(second, 256)));
    }

    /// <summary>What overwrites the same keys is garbage to the runs; they are written anew before they hold twice what lives.</summary>
    [Fact]
    public void Garbage_in_runs_is_bounded_and_their_files_go()
    {
        var machine = Begin();
        for (var i = 0; i < 200; i++) Put(machine, $"key{i}", new string('v', 100));
        for (var round = 0; round < 60; round++)
        {
            for (var i = 0; i < 40; i++) Put(machine, $"key{(round * 40 + i) % 200}", new string('w', 100));
            Machine.Apply(machine, ++index, 1, Command.Encode(CommandKind.Compact, new CompactionRequest { Revision = machine.Store.Revision, Physical = true }), level: 2);
            Take(machine);
            Assert.InRange(machine.Runs.All.Sum(run => run.Bytes), 1, 2 * machine.Store.RecordBytes + 4 * RunBytes + 40 * 160);
        }
    }

    /// <summary>A key that a settled run holds, deleted, and the deletion compacted away: it must not come back.</summary>
    [Fact]
    public void A_deletion_that_memory_has_forgotten_is_told_to_the_runs()
    {
        var machine = Begin();
        Put(machine, "gone", "1");
        for (var i = 0; i < 100; i++) Put(machine, $"key{i}", new string('v', 100));
        Take(machine);
        Assert.True(machine.Runs.SettledCount > 0);
        Machine.Apply(machine, ++index, 1, Command.Encode(CommandKind.DeleteRange, new DeleteRangeRequest { Key = Local.B("gone") }), level: 2);
        Put(machine, "key1", "2");
        Machine.Apply(machine, ++index, 1, Command.Encode(CommandKind.Compact, new CompactionRequest { Revision = machine.Store.Revision, Physical = true }), level: 2);
        Assert.Null(machine.Store.Keys.Find("gone"u8));

        // The second restart has only what the first has read to know it from.
        for (var restart = 0; restart < 3; restart++)
        {
            machine = Restore(Take(machine), 256);
            Assert.Null(machine.Store.Keys.Find("gone"u8));
            Put(machine, "key2", $"{restart}");
        }
    }

    /// <summary>Programs that do not know runs belong to the group as long as its level is 1: its snapshots are what they read (S5).</summary>
    [Fact]
    public void Below_their_feature_level_snapshots_name_no_runs_S5()
    {
        var machine = Begin();
        for (var i = 0; i < 200; i++) Machine.Apply(machine, ++index, 1, Command.Encode(CommandKind.Put, new PutRequest { Key = Local.B($"key{i}"), Value = Local.B(new string('v', 100)) }), level: 1);
        var taken = Take(machine);
        Assert.Empty(taken.Files);
        Assert.Equal(SnapshotTests.Image(machine), SnapshotTests.Image(Restore(taken, 256)));
        Put(machine, "key", "at level 2");
        Assert.NotEmpty(Take(machine).Files);
    }

    [Fact]
    public void A_list_of_runs_that_is_not_what_comes_is_refused()
    {
        var machine = Begin();
        for (var i = 0; i < 200; i++) Put(machine, $"key{i}", new string('v', 100));
        var taken = Take(machine);
        Assert.True(taken.Files.Count > 2);
        Assert.False(Feed(Begin(), taken with { Files = [.. taken.Files.SkipLast(1)] }, 256).IsWhole);
        Assert.False(Feed(Begin(), taken with { Files = [.. taken.Files.Skip(1)] }, 256).IsWhole);
        Assert.False(Feed(Begin(), taken with { Files = [.. taken.Files.Reverse()] }, 256).IsWhole);
        Assert.False(HistoryRun.IsChain([.. machine.Runs.All.Take(1), .. machine.Runs.All.Skip(2)]));
    }

    /// <summary>Whole nodes: snapshots by the production road, a follower that must be sent one, everything equal in the end.</summary>
    [Fact]
    public void A_cluster_goes_on_over_snapshots_of_runs()
    {
        var cluster = new FaceCluster(RunBytes, new GroupOptions { FeatureLevelKnown = 2, SnapshotLogBytes = 8000 });
        var dice = new SeededRandom(5);
        for (var i = 0; i < 600; i++)
        {
            cluster.Run(cluster.Leader.Face.PutAsync(new PutRequest { Key = Local.B($"key{dice.Next(150)}"), Value = Local.B(new string('v', 20 + dice.Next(100))) }));
            if (i % 100 == 99) cluster.Run(cluster.Leader.Face.CompactAsync(new CompactionRequest { Revision = cluster.Leader.Machine.Store.Revision - 5 }));
        }

        cluster.Pass(TimeSpan.FromSeconds(2));
        foreach (var node in cluster.Nodes)
        {
            Assert.True(node.Group.Status.Snapshot.Index.Value > 300);
            Assert.True(node.Machine.Runs.SettledCount > 0);
            Assert.Equal(cluster.Leader.Machine.StateHash, node.Machine.StateHash);
        }
    }

    private CoordinationStateMachine Begin(int runBytes = RunBytes) => new(() => files) { RunBytes = runBytes };

    private void Random(CoordinationStateMachine machine, SeededRandom dice, int commands)
    {
        for (; commands > 0; commands--) Machine.Apply(machine, ++index, 1, RandomCommands.Next(dice, machine.Store.Revision), level: 2);
    }

    private void Put(CoordinationStateMachine machine, string key, string value) =>
        Machine.Apply(machine, ++index, 1, Command.Encode(CommandKind.Put, new PutRequest { Key = Local.B(key), Value = Local.B(value) }), level: 2);

    private Taken Take(CoordinationStateMachine machine, Action? meanwhile = null)
    {
        using var view = machine.CaptureSnapshot();
        var (chunk, bytes) = (new ByteBuffer(), 0L);
        StateFileWriter? writer = null;
        var content = new ByteBuffer();
        for (var step = FileStep.GoesOn; step != FileStep.NoMore; meanwhile?.Invoke())
        {
            chunk.Clear();
            step = view.WriteFile(chunk);
            if (chunk.Length > 0) (writer ??= files.Begin()).Append(chunk.Written);
            new SpanWriter(content).WriteBytes(chunk.Written);
            if (step != FileStep.Ends) continue;
            var hash = writer!.Seal();
            writer.Dispose();
            writer = null;
            written[hash] = content.Written.ToArray();
            bytes += content.Length;
            content.Clear();
            view.OnFileSealed(hash);
        }

        var chunks = new List<byte[]>();
        for (chunk.Clear(); view.WriteNext(chunk); chunk.Clear())
        {
            chunks.Add(chunk.Written.ToArray());
            meanwhile?.Invoke();
        }

        return new Taken(chunks, view.Files, bytes);
    }

    private CoordinationStateMachine Restore(Taken taken, int pieceBytes, int runBytes = RunBytes)
    {
        var restored = Begin(runBytes);
        using var builder = Feed(restored, taken, pieceBytes);
        Assert.True(builder.IsWhole);
        builder.Complete();
        return restored;
    }

    private ISnapshotBuilder Feed(CoordinationStateMachine machine, Taken taken, int pieceBytes)
    {
        var builder = machine.BeginRestore();
        foreach (var chunk in taken.Chunks) builder.ReadNext(chunk);
        foreach (var file in taken.Files)
        {
            Assert.True(files.Has(file));
            var content = written[file];
            for (var at = 0; at < content.Length; at += pieceBytes) builder.TakeFile(builder.FileReading!.Decode(file, content.AsSpan(at, Math.Min(pieceBytes, content.Length - at))));
        }

        return builder;
    }

    private sealed record Taken(IReadOnlyList<byte[]> Chunks, IReadOnlyList<FileHash> Files, long FileBytes);
}
