using System.Net;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>One whole node with a real group, whose program knows the late commands, or does not yet: what is proposed at each feature level (S5).</summary>
public sealed class LevelNodeTests
{
    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    public async Task Late_commands_are_proposed_at_their_level_only_and_everything_else_at_any(uint level)
    {
        await using var node = await Node.StartAsync(level);
        using var config = System.Text.Json.JsonDocument.Parse("""{"vectors":{"size":1,"distance":"Dot"},"shard_number":1}""");
        var collections = node.Collections;
        Assert.True(await collections.CreateAsync("c", CollectionConfig.Create(config.RootElement, 1), default));
        var (face, record) = (new VectorFace(collections), (await collections.FindAsync("c", default))!);
        await face.UpsertAsync(record, [Point(1)], null, default);
        var rule = new UpsertRule(UpsertMode.InsertOnly, "");
        if (level < ShardCommand.LateLevel)
        {
            Assert.False(collections.KnowsSplits);
            var refused = await Assert.ThrowsAsync<VectorFault>(() => face.UpsertAsync(record, [Point(2)], rule, null, default));
            Assert.Equal(503, refused.Status);
            Assert.Contains("feature level 2, and the shard has 1", refused.Message, StringComparison.Ordinal);
            Assert.Equal(1, await face.CountAsync(record, null, ReadScope.Strong(default)));
            return;
        }

        // The group begins at level 1 and is raised when it has a leader: the command waits for it.
        Assert.True(collections.KnowsSplits);
        await face.UpsertAsync(record, [Point(2)], rule, null, default);
        Assert.Equal(2, await face.CountAsync(record, null, ReadScope.Strong(default)));
    }

    private static PointWrite Point(ulong id) => new(PointId.Of(id), Payload.Empty, [new NamedVector("", [1f])]);

    private sealed class Node : IAsyncDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("holdfast-level-").FullName;
        private DataDirectory data = null!;
        private NodeRuntime runtime = null!;
        private ClusterNode cluster = null!;
        private PeerListener listener = null!;
        private ControlService control = null!;
        private VectorGroups groups = null!;

        public DirectoryCollections Collections { get; private set; } = null!;

        public static async Task<Node> StartAsync(uint level)
        {
            var node = new Node();
            var data = node.data = DataDirectory.Open(Path.Combine(node.folder, "n"), "n");
            var self = new LocalNode(data.Node, (uint)data.BootCount, level, data.Cluster);
            var (addresses, options) = (new PeerAddresses(), new TransportOptions());
            static void Speak(TransportSeverity severity, string line)
            {
            }

            node.listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, 0), self, addresses, null, options, Speak);
            node.control = new ControlService(options, Speak);
            node.listener.Serve(node.control);
            node.runtime = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = node.listener, Log = Speak });
            node.groups = new VectorGroups(static _ => { }, node.runtime.FilesOf);
            node.cluster = new ClusterNode(new ClusterNodeSetup
            {
                Disk = data.Disk,
                Self = self,
                Member = new MemberRecord { Node = data.Node, Name = "n", Host = "127.0.0.1", Port = node.listener.Endpoint.Port, Roles = NodeRoles.Coordination | NodeRoles.Vectors, FeatureLevelMax = level },
                Addresses = addresses,
                Control = node.control,
                Runtime = node.runtime,
                Coordination = new ShardMachine(), // Any state machine serves here.
                DataMachines = node.groups.Create,
                Groups = new GroupOptions { FeatureLevelKnown = level },
                OnCluster = data.JoinCluster,
            });
            node.listener.Start();
            await node.cluster.StartAsync(CancellationToken.None);
            node.groups.Serve(node.cluster, data.Node);
            node.Collections = new DirectoryCollections(node.cluster, data.Node, node.groups, new ReplicaBoard());
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (node.cluster.View.Members.Count == 0) await timer.WaitForNextTickAsync(patience.Token);
            return node;
        }

        public async ValueTask DisposeAsync()
        {
            await cluster.DisposeAsync();
            listener.Dispose();
            control.Dispose();
            runtime.Kill();
            groups.Dispose();
            data.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }
}
