using System.Net;
using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Replication.Tests;

/// <summary>Live nodes on loopback: threads, sockets and beats as in production; only the disk is memory.</summary>
public sealed class NodeRuntimeTests
{
    private static readonly NodeId[] Ids = [new(1), new(2), new(3)];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Three_live_nodes_elect_propose_from_a_follower_and_survive_a_killed_leader()
    {
        var nodes = Ids.Select(id => new LiveNode(id, new MemoryDisk(), 1)).ToArray();
        LiveNode.Introduce(nodes);
        foreach (var node in nodes) await node.OpenAsync();

        var follower = await Where(nodes, node => node.Group.Status is { Role: RaftRole.Follower, Leader.Value: not 0 });
        Assert.True((await follower.Set("a=1")).IsApplied);
        Assert.True((await follower.Group.ReadBarrierAsync()).IsGranted);

        var leader = await Where(nodes, node => node.Group.Status.IsServingLeader);
        leader.Kill();
        var survivors = nodes.Where(node => node != leader).ToArray();
        Assert.Equal("1", (await survivors[0].Set("a=2")).Reply);

        var back = new LiveNode(leader.Id, leader.Disk, 2);
        LiveNode.Introduce([.. survivors, back]);
        await back.OpenAsync();
        Assert.Equal("2", (await back.Set("a=3")).Reply);

        foreach (var node in survivors.Append(back)) await node.StopAsync();
    }

    private static async Task<LiveNode> Where(LiveNode[] nodes, Func<LiveNode, bool> isIt)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            if (Array.Find(nodes, node => isIt(node)) is { } found) return found;
            await Task.Delay(5, limit.Token);
        }
    }

    private sealed class LiveNode
    {
        private readonly PeerAddresses addresses = new();
        private readonly PeerListener listener;
        private readonly NodeRuntime runtime;

        public LiveNode(NodeId id, MemoryDisk disk, uint boots)
        {
            (Id, Disk) = (id, disk);
            var self = new LocalNode(id, boots, 1, TestCluster.Cluster);
            listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, 0), self, addresses, null, new TransportOptions(), (_, _) => { });
            runtime = new NodeRuntime(new NodeSetup { Self = self, Disk = disk, Addresses = addresses, Listener = listener });
        }

        public NodeId Id { get; }

        public MemoryDisk Disk { get; }

        public ReplicatedGroup Group { get; private set; } = null!;

        public static void Introduce(LiveNode[] nodes)
        {
            foreach (var node in nodes)
                foreach (var peer in nodes)
                    if (peer != node) node.addresses.Set(new PeerAddress(peer.Id, $"n{peer.Id}", "127.0.0.1", peer.listener.Endpoint.Port));
        }

        public async Task OpenAsync()
        {
            runtime.Open();
            listener.Start();
            Group = await runtime.CreateGroupAsync(new GroupId(1), new ToyMachine(), Configuration.OfVoters(Ids));
        }

        public async Task<ProposeOutcome> Set(string command)
        {
            // A refusal says that nothing was written, so a test may ask again; an unknown outcome would fail it.
            using var limit = new CancellationTokenSource(Patience);
            while (true)
            {
                var outcome = await Group.ProposeAsync(Encoding.UTF8.GetBytes(command));
                if (outcome.Status is not (ProposalStatus.NoLeader or ProposalStatus.Busy)) return outcome;
                limit.Token.ThrowIfCancellationRequested();
            }
        }

        public void Kill()
        {
            runtime.Kill();
            listener.Dispose();
        }

        public async Task StopAsync()
        {
            await runtime.StopAsync();
            listener.Dispose();
        }
    }
}
