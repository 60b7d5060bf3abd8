using System.Collections.Concurrent;
using System.Net;
using Holdfast.Interop.Tests;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Cluster.Tests;

/// <summary>Whole nodes in one process, over loopback and real disks.</summary>
internal sealed class NodesInProcess : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-cluster-").FullName;
    private readonly List<Node> nodes = [];

    private sealed record Node(ClusterNode Cluster, NodeRuntime Runtime, PeerListener Listener, ControlService Control, DataDirectory Data);

    /// <summary>All that the nodes said, in order.</summary>
    public ConcurrentQueue<string> Happened { get; } = new();

    /// <summary>The states of the data groups, by node name and group. Any state machine serves here, so it is the directory's.</summary>
    public ConcurrentDictionary<(string Node, GroupId Group), DirectoryState> States { get; } = new();

    public static string NameOf(ClusterNode node) => node.View.Members[node.Directory.Status.Self].Name;

    /// <summary>The groups of a node, as a backup takes them.</summary>
    public NodeRuntime RuntimeOf(ClusterNode node) => nodes.Single(one => one.Cluster == node).Runtime;

    /// <summary>Nodes that found a cluster together and know each other.</summary>
    public async Task<ClusterNode[]> FoundAsync(int count)
    {
        var ports = Ports.Free(count);
        var founders = Enumerable.Range(0, count).ToDictionary(i => $"n{i + 1}", i => $"127.0.0.1:{ports[i]}");
        var made = Enumerable.Range(0, count).Select(i => Make($"n{i + 1}", ports[i], founders, "", "")).ToArray();
        await Task.WhenAll(made.Select(node => node.StartAsync(CancellationToken.None)));
        await UntilAsync(() => made.All(node => node.View.Members.Count == count));
        return made;
    }

    /// <summary>A node that joins by another, with a token.</summary>
    public async Task<ClusterNode> JoinAsync(string name, ClusterNode by)
    {
        // A busy machine may leave a proposal undecided: another token does as well.
        JoinToken? token = null;
        for (var tries = 0; token is null && tries < 12; tries++) token = await by.CreateTokenAsync(TimeSpan.FromHours(1), 1, CancellationToken.None);
        Assert.NotNull(token);
        var member = by.View.Members[by.Directory.Status.Self];
        var joined = Make(name, Ports.Free(1)[0], new Dictionary<string, string>(), $"127.0.0.1:{member.Port}", token.ToString());
        await joined.StartAsync(CancellationToken.None);
        return joined;
    }

    /// <summary>A node dies, its data directory is changed, and it comes back, elsewhere.</summary>
    public async Task<ClusterNode> RestartAsync(string name, Action<string> whileDown)
    {
        var node = nodes.Single(node => node.Data.Name == name);
        nodes.Remove(node);
        await EndAsync(node);
        whileDown(Path.Combine(folder, name));
        var again = Make(name, Ports.Free(1)[0], new Dictionary<string, string>(), "", "");
        await again.StartAsync(CancellationToken.None);
        return again;
    }

    /// <summary>A node dies, the others go on, and it comes back where it was.</summary>
    public async Task<ClusterNode> RestartAsync(string name, Func<Task> meanwhile)
    {
        var node = nodes.Single(node => node.Data.Name == name);
        nodes.Remove(node);
        await EndAsync(node);
        await meanwhile();
        var again = Make(name, node.Listener.Endpoint.Port, new Dictionary<string, string>(), "", "");
        await again.StartAsync(CancellationToken.None);
        return again;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes) await EndAsync(node);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task EndAsync(Node node)
    {
        await node.Cluster.DisposeAsync();
        node.Listener.Dispose();
        node.Control.Dispose();
        node.Runtime.Kill();
        node.Data.Dispose();
    }

    private ClusterNode Make(string name, int port, IReadOnlyDictionary<string, string> founders, string target, string token)
    {
        var data = DataDirectory.Open(Path.Combine(folder, name), name);
        var self = new LocalNode(data.Node, (uint)data.BootCount, 1, data.Cluster);
        var (addresses, options) = (new PeerAddresses(), new TransportOptions());
        void Speak(TransportSeverity severity, string line) => Happened.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {name}: {line}");
        var listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, port), self, addresses, null, options, Speak);
        var control = new ControlService(options, Speak);
        listener.Serve(control);
        var runtime = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener, Log = Speak });
        var cluster = new ClusterNode(new ClusterNodeSetup
        {
            Disk = data.Disk,
            Self = self,
            Member = new MemberRecord { Node = data.Node, Name = name, Host = "127.0.0.1", Port = port, Roles = NodeRoles.Coordination | NodeRoles.Keyspace },
            Addresses = addresses,
            Control = control,
            Runtime = runtime,
            Coordination = new DirectoryState(), // Any state machine serves here.
            DataMachines = group => States[(name, group.Id)] = new DirectoryState(),
            Founders = founders,
            JoinTarget = target,
            JoinToken = token,
            OnCluster = data.JoinCluster,
            Say = line => Speak(TransportSeverity.Information, line),
            Warn = line => Speak(TransportSeverity.Warning, line),
        });
        listener.Start();
        nodes.Add(new Node(cluster, runtime, listener, control, data));
        return cluster;
    }

    /// <summary>Waits for a condition; the bound is a minute, so that only a cluster that stands still fails, and then it says where everybody stands.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var waits = 0; waits < 3000 && !condition(); waits++) await timer.WaitForNextTickAsync();
        Assert.True(condition(), string.Join('\n', nodes.SelectMany(Story).Concat(Happened)));
    }

    /// <summary>Asks the directory until it has decided: its commands are idempotent, and a busy machine may leave one undecided.</summary>
    public async Task<DirectoryReply> UntilAcceptedAsync(Func<Task<DirectoryReply>> ask)
    {
        var reply = await ask();
        for (var tries = 0; reply.IsUndecided && tries < 12; tries++) reply = await ask();
        Assert.True(reply.Accepted, reply.Reason + "\n" + string.Join('\n', nodes.SelectMany(Story).Concat(Happened)));
        return reply;
    }

    private static IEnumerable<string> Story(Node node)
    {
        var cluster = node.Cluster;
        yield return $"{node.Data.Name} is {node.Data.Node}: {cluster.View.Members.Count} members, {string.Join("; ", cluster.View.Procedures.Values)}, waits for {string.Join("; ", cluster.Waiting.Values)}";
        yield return $"  {cluster.Directory.Status}";
        yield return $"  {cluster.Coordination.Status}";
    }
}
