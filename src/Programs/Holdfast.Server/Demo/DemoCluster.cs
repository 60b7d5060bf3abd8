using System.Diagnostics;
using Holdfast.Client;

namespace Holdfast.Server.Demo;

/// <summary>Who leads, and in which term.</summary>
internal readonly record struct Reign(int Node, ulong Term)
{
    public override string ToString() => $"{DemoCluster.NameOf(Node)} (term {Term})";
}

/// <summary>The demo's three nodes and the network between them, in a folder that goes when the demo ends.</summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    public const int Nodes = 3;
    public const int Majority = 2;

    private readonly DemoPorts ports;
    private readonly IDemoNode[] nodes;
    private readonly HoldfastClient[] clients;

    /// <summary>Takes ports and makes the folder; nothing runs yet.</summary>
    /// <param name="areProcesses">Whether each node is a process of its own.</param>
    public DemoCluster(bool areProcesses)
    {
        ports = DemoPorts.Take(Nodes);
        Folder = Directory.CreateTempSubdirectory("holdfast-demo-").FullName;
        (string, int)[] founders = [.. Enumerable.Range(0, Nodes).Select(node => (NameOf(node), ports.Relay(node)))];
        var seats = Enumerable.Range(0, Nodes).Select(node => new DemoSeat(NameOf(node), Folder, ports.Peer(node), ports.Client(node), ports.Vectors(node), founders));
        nodes = [.. seats.Select(seat => areProcesses ? (IDemoNode)new ProcessNode(seat) : new InProcessNode(seat))];
        VectorEndpoints = [.. Enumerable.Range(0, Nodes).Select(node => $"127.0.0.1:{ports.Vectors(node)}")];
        Endpoints = [.. Enumerable.Range(0, Nodes).Select(node => $"127.0.0.1:{ports.Client(node)}")];
        clients = [.. Endpoints.Select(endpoint => new HoldfastClient(new HoldfastClientOptions { Endpoints = [endpoint], Timeout = TimeSpan.FromSeconds(1) }))];
    }

    /// <summary>Why the usual ports are not used, and which are; empty when they are.</summary>
    public string Moved => ports.Moved.Length == 0 ? "" : $"{ports.Moved}: this demo uses {ports.First} and up";

    public string Folder { get; }

    public IReadOnlyList<string> Endpoints { get; }

    /// <summary>Where vector clients come, by node.</summary>
    public IReadOnlyList<string> VectorEndpoints { get; }

    public FaultyNetwork Network => ports.Network;

    public static string NameOf(int node) => $"n{node + 1}";

    /// <summary>The node's number by its name, or -1.</summary>
    public static int Find(string name) => name is ['n', >= '1' and <= '3'] ? name[1] - '1' : -1;

    public Task StartAllAsync(CancellationToken cancel) => Task.WhenAll(nodes.Select(node => node.StartAsync(cancel)));

    public bool IsRunning(int node) => nodes[node].IsRunning;

    public int? ProcessId(int node) => nodes[node].ProcessId;

    public Task StartAsync(int node, CancellationToken cancel) => nodes[node].StartAsync(cancel);

    public Task KillAsync(int node) => nodes[node].KillAsync();

    public HoldfastClient Client(int node) => clients[node];

    /// <summary>Who leads, by his own word; of two that believe it (one of them cut off) the one of the later term.</summary>
    public async Task<Reign?> LeaderAsync(CancellationToken cancel)
    {
        Reign? latest = null;
        foreach (var (node, status) in await StatusAsync(cancel))
            if (status.Status is { Leader: not 0 } known && known.Leader == known.Header.MemberId && known.RaftTerm > (latest?.Term ?? 0)) latest = new Reign(node, known.RaftTerm);
        return latest;
    }

    /// <summary>Waits for a leader of a term after <paramref name="term"/>; null when none comes in time.</summary>
    public async Task<Reign?> AwaitLeaderAsync(ulong term, TimeSpan patience, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < patience; await timer.WaitForNextTickAsync(cancel))
            if (await LeaderAsync(cancel) is { } leader && leader.Term > term) return leader;
        return null;
    }

    /// <summary>Waits until every running node follows the same leader; null when they do not in time.</summary>
    public async Task<Reign?> AwaitAgreementAsync(TimeSpan patience, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < patience; await timer.WaitForNextTickAsync(cancel))
        {
            var told = await StatusAsync(cancel);
            var views = told.Select(each => (each.Status.Status?.Leader ?? 0, each.Status.Status?.RaftTerm ?? 0)).Distinct().ToArray();
            if (views is [(not 0, _)] && await LeaderAsync(cancel) is { } leader) return leader;
        }

        return null;
    }

    /// <summary>How the running nodes say they are.</summary>
    public async Task<IReadOnlyList<(int Node, EndpointStatus Status)>> StatusAsync(CancellationToken cancel)
    {
        var running = Enumerable.Range(0, Nodes).Where(IsRunning).ToArray();
        return await Task.WhenAll(running.Select(async node => (node, (await clients[node].StatusAsync(cancel))[0])));
    }

    /// <summary>The end of every node's log, for when the demo cannot begin.</summary>
    public string LastWords() => string.Join('\n', Directory.EnumerateFiles(Folder, "*.log").Order(StringComparer.Ordinal).SelectMany(log => File.ReadLines(log).TakeLast(5)));

    public void PrintEndpoints()
    {
        for (var node = 0; node < Nodes; node++)
        {
            var process = ProcessId(node) is { } pid ? $"  (pid {pid})" : "";
            Console.WriteLine($"  {NameOf(node)}  etcd clients at {Endpoints[node]}{process}   try: etcdctl --endpoints {Endpoints[node]} put hello world");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients) client.Dispose();
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
        ports.Network.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
