using System.Buffers.Binary;
using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Replication.Tests;

/// <summary>Log, snapshot store and transport are replaceable (R1.7): three live nodes with others, none of which has a data directory or a socket.</summary>
public sealed class OwnPartsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly MemoryHub hub = new();

    [Fact]
    public async Task Groups_run_on_a_log_a_snapshot_store_and_a_transport_of_the_embedders_own()
    {
        var nodes = Enumerable.Range(1, 3).Select(id => new OwnNode(hub, new NodeId((ulong)id))).ToArray();
        foreach (var node in nodes) await node.StartAsync();
        var follower = await Where(nodes, node => node.Group.Status is { Role: RaftRole.Follower, Leader.Value: not 0 });
        await follower.Set("a=1");
        Assert.True((await follower.Group.ReadBarrierAsync()).IsGranted);

        // The leader dies; the others go on until the log has forgotten what it missed.
        var leader = await Where(nodes, node => node.Group.Status.IsServingLeader);
        leader.Kill();
        var survivors = nodes.Where(node => node != leader).ToArray();
        for (var i = 0; i < 200; i++) await survivors[0].Set($"k{i}=a value of some length, number {i}");
        await Until(() => survivors.All(node => node.Group.Status.Snapshot.Index > new LogIndex(50)), "logs that have forgotten what the dead node missed");
        await leader.StartAsync();
        Assert.NotNull(await leader.Get("k199"));
        Assert.True(leader.Group.Status.Snapshot.Index > new LogIndex(50), "the node that was killed did not need a snapshot");

        // All of them, one after another and then at once: what is in their logs and snapshot stores is all there is.
        foreach (var node in nodes) node.Kill();
        foreach (var node in nodes) await node.StartAsync();
        await nodes[0].Set("b=2");
        foreach (var node in nodes)
        {
            Assert.Equal(("1", "2", "a value of some length, number 7"), (await node.Get("a"), await node.Get("b"), await node.Get("k7")));
            Assert.InRange(node.Log.Batches, 1, 1000);
            Assert.NotEmpty(node.Snapshots.List("snapshots"));
        }

        foreach (var node in nodes) await node.StopAsync();
    }

    /// <summary>A newer program's snapshot is whole: it is not fetched again from others as if it had rotted. The node refuses to open, and changes nothing.</summary>
    [Fact]
    public async Task A_snapshot_of_a_newer_program_is_refused_before_anything_is_changed()
    {
        var node = new OwnNode(hub, new NodeId(1)) { Members = Configuration.OfVoters(new NodeId(1)) };
        await node.StartAsync();
        for (var i = 0; i < 100; i++) await node.Set($"k{i}=a value of some length, number {i}");
        await Until(() => node.Group.Status.Snapshot.Index.Value > 0, "a snapshot");
        await node.StopAsync();
        var batches = node.Log.Batches;
        foreach (var name in node.Snapshots.List("snapshots/1"))
        {
            using var manifest = node.Snapshots.Open($"snapshots/1/{name}/manifest");
            if (manifest.Length == 0) continue; // One that was begun when the node stopped.
            var bytes = new byte[manifest.Length];
            manifest.Read(0, bytes);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, 99);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - 4), Crc32C.Of(bytes.AsSpan(0, bytes.Length - 4)));
            manifest.Write(0, bytes);
        }

        var refusal = await Assert.ThrowsAsync<DataDirectoryException>(node.StartAsync);
        Assert.Contains("newer Holdfast (format 99", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(batches, node.Log.Batches);
    }

    private static async Task<OwnNode> Where(OwnNode[] nodes, Predicate<OwnNode> isIt)
    {
        OwnNode? found = null;
        await Until(() => (found = Array.Find(nodes, isIt)) is not null, "one of the nodes is as it should be");
        return found!;
    }

    private static async Task Until(Func<bool> isReached, string what)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!isReached())
        {
            Assert.False(limit.IsCancellationRequested, $"not reached in {Patience}: {what}");
            await Task.Delay(5);
        }
    }

    private sealed class OwnNode(MemoryHub hub, NodeId id)
    {
        private NodeRuntime runtime = null!;
        private uint boots;

        public NodeId Id => id;

        public Configuration Members { get; init; } = Configuration.OfVoters(new(1), new(2), new(3));

        public MemoryLog Log { get; } = new();

        public MemoryDisk Snapshots { get; } = new();

        public ToyMachine Machine { get; private set; } = null!;

        public ReplicatedGroup Group { get; private set; } = null!;

        public async Task StartAsync()
        {
            runtime = new NodeRuntime(new NodeSetup
            {
                Self = new LocalNode(id, ++boots, 1, TestCluster.Cluster),
                Disk = new NoDisk(),
                OpenLog = Log.Open,
                SnapshotDisk = Snapshots,
                Network = new MemoryNetwork(hub, id),
            });
            runtime.Open();
            Machine = new ToyMachine();
            Group = await runtime.CreateGroupAsync(new GroupId(1), Machine, Members, new GroupOptions { SnapshotLogBytes = 2000 });
        }

        /// <summary>A linearizable read, asked again while nobody leads.</summary>
        public async Task<string?> Get(string key)
        {
            using var limit = new CancellationTokenSource(Patience);
            while (true)
            {
                try
                {
                    return await Group.ReadAsync(() => Machine.Map.GetValueOrDefault(key));
                }
                catch (ReadRefusedException)
                {
                    limit.Token.ThrowIfCancellationRequested();
                }
            }
        }

        public async Task Set(string command)
        {
            using var limit = new CancellationTokenSource(Patience);
            while (true)
            {
                var outcome = await Group.ProposeAsync(Encoding.UTF8.GetBytes(command));
                if (outcome.IsApplied) return;
                Assert.True(outcome.Status is ProposalStatus.NoLeader or ProposalStatus.Busy, $"{command}: {outcome.Status}");
                limit.Token.ThrowIfCancellationRequested();
            }
        }

        public void Kill() => runtime.Kill();

        public Task StopAsync() => runtime.StopAsync();
    }

    /// <summary>Whoever asks it for anything fails: nothing of the node may fall back on it.</summary>
    private sealed class NoDisk : IDisk
    {
        public long FreeBytes => throw new IOException("there is no disk");

        public IDiskFile Open(string path) => throw new IOException("there is no disk");

        public bool Exists(string path) => throw new IOException("there is no disk");

        public IReadOnlyList<string> List(string folder) => throw new IOException("there is no disk");

        public void CreateFolder(string folder) => throw new IOException("there is no disk");

        public void Delete(string path) => throw new IOException("there is no disk");

        public void Rename(string from, string to) => throw new IOException("there is no disk");

        public void SyncFolder(string folder) => throw new IOException("there is no disk");
    }
}
