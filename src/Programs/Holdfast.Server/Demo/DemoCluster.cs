using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Holdfast.Server.Client;

namespace Holdfast.Server.Demo;

/// <summary>The demo's three nodes: processes of this very program, in a folder that goes when the demo ends.</summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    /// <summary>Where the demo's block of ports begins: three for clients, three for peers. A taken block moves it on by ten.</summary>
    public const int FirstPort = 25101;

    private const int Nodes = 3;
    private const int BlocksMax = 50;

    private readonly Process?[] processes = new Process?[Nodes];

    public DemoCluster()
    {
        while (Offset < BlocksMax * 10 && !IsFree(FirstPort + Offset)) Offset += 10;
        Endpoints = [.. Enumerable.Range(0, Nodes).Select(node => $"127.0.0.1:{ClientPort(node)}")];
    }

    /// <summary>By how much the block of ports was moved.</summary>
    public int Offset { get; }

    public bool Moved => Offset > 0;

    public string Folder { get; } = Directory.CreateTempSubdirectory("holdfast-demo-").FullName;

    public IReadOnlyList<string> Endpoints { get; }

    public void StartAll()
    {
        for (var node = 0; node < Nodes; node++) Start(node);
    }

    /// <summary>The node's number by its name, or -1.</summary>
    public static int Find(string name) => name is ['n', >= '1' and <= '3'] ? name[1] - '1' : -1;

    public bool IsRunning(int node) => processes[node] is { HasExited: false };

    public int? ProcessId(int node) => IsRunning(node) ? processes[node]!.Id : null;

    public void Start(int node)
    {
        var members = string.Join(',', Enumerable.Range(0, Nodes).Select(each => $"n{each + 1}=127.0.0.1:{PeerPort(each)}"));
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["server", "--name", $"n{node + 1}", "--data", Path.Combine(Folder, $"n{node + 1}"), "--peer", $"127.0.0.1:{PeerPort(node)}", "--cluster", members, "--etcd", Endpoints[node]])
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        // Read, so that a full pipe never holds a node up; what matters is asked over the protocol.
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        processes[node] = process;
    }

    /// <summary>kill -9.</summary>
    public void Kill(int node)
    {
        if (!IsRunning(node)) return;
        processes[node]!.Kill();
        processes[node]!.WaitForExit();
    }

    /// <summary>Who leads, by the word of a member that is up; null when nobody does.</summary>
    public async Task<(int Node, ulong Term)?> LeaderAsync(CancellationToken cancel)
    {
        foreach (var (node, status) in await StatusAsync(cancel))
            if (status.Status is { Leader: not 0 } known && known.Leader == known.Header.MemberId) return (node, known.RaftTerm);
        return null;
    }

    public async Task<(int Node, ulong Term)?> AwaitLeaderAsync(TimeSpan patience, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < patience; await timer.WaitForNextTickAsync(cancel))
            if (await LeaderAsync(cancel) is { } leader) return leader;
        return null;
    }

    /// <summary>How the running nodes say they are.</summary>
    public async Task<IReadOnlyList<(int Node, EndpointStatus Status)>> StatusAsync(CancellationToken cancel)
    {
        var running = Enumerable.Range(0, Nodes).Where(IsRunning).ToArray();
        var asked = running.Select(async node =>
        {
            using var client = new EtcdClient([Endpoints[node]], TimeSpan.FromSeconds(1));
            return (node, (await client.StatusAsync(cancel))[0]);
        });
        return await Task.WhenAll(asked);
    }

    public void PrintEndpoints()
    {
        for (var node = 0; node < Nodes; node++)
            Console.WriteLine($"  n{node + 1}  etcd clients at {Endpoints[node]}  (pid {ProcessId(node)})   try: etcdctl --endpoints {Endpoints[node]} put hello world");
    }

    public async ValueTask DisposeAsync()
    {
        for (var node = 0; node < Nodes; node++) Kill(node);
        foreach (var process in processes) process?.Dispose();
        await Task.Run(() => Directory.Delete(Folder, recursive: true));
    }

    private int ClientPort(int node) => FirstPort + Offset + node;

    private int PeerPort(int node) => FirstPort + Offset + Nodes + node;

    private static bool IsFree(int first)
    {
        for (var port = first; port < first + (2 * Nodes); port++)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            }
            catch (SocketException)
            {
                return false;
            }
        }

        return true;
    }
}
