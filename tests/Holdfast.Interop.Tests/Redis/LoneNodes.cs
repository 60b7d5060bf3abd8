using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Processes that begin alone and empty (--redis-bootstrap manual), as redis-cli --cluster create and CLUSTER MEET expect nodes to be.</summary>
internal sealed class LoneNodes : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-lone-").FullName;
    private readonly List<string> lastWords = [];
    private readonly List<Process?> processes = [];
    private readonly List<(int Redis, int Peer, int Etcd)> ports = [];

    /// <summary>Starts so many, and waits until each answers.</summary>
    public static Task<LoneNodes> StartAsync(int nodes) => Begun.OrEndedAsync(new LoneNodes(), async lone =>
    {
        for (var node = 0; node < nodes; node++) await lone.AddAsync();
    });

    public int Count => ports.Count;

    public int Port(int node) => ports[node].Redis;

    public int PeerPort(int node) => ports[node].Peer;

    public string Address(int node) => $"127.0.0.1:{Port(node)}";

    public bool IsRunning(int node) => processes[node] is { HasExited: false };

    /// <summary>One more; returns its number.</summary>
    public async Task<int> AddAsync()
    {
        var free = Interop.Tests.Ports.Free(3);
        ports.Add((free[0], free[1], free[2]));
        processes.Add(null);
        await RestartAsync(ports.Count - 1);
        return ports.Count - 1;
    }

    /// <summary>Starts a node on its own data, and waits until it answers.</summary>
    public async Task RestartAsync(int node)
    {
        var start = new ProcessStartInfo(ServerBench.Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var word in (string[])["server", "--data", Path.Combine(folder, $"n{node}"), "--peer", $"127.0.0.1:{PeerPort(node)}", "--etcd", $"127.0.0.1:{ports[node].Etcd}", "--redis", Address(node), "--redis-bootstrap", "manual"])
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (lastWords)
                if (line.Data is { } said) lastWords.Add($"n{node}: {said}");
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        processes[node] = process;
        await UntilAsync(async () => (await CliAsync(node, "ping")).Contains("PONG", StringComparison.Ordinal), $"node {node} does not answer");
    }

    /// <summary>kill -9.</summary>
    public void Kill(int node)
    {
        if (processes[node] is not { } process) return;
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        processes[node] = null;
    }

    /// <summary>Empties the data directory of a node that does not run: started again, it is a new one.</summary>
    public void Wipe(int node) => Directory.Delete(Path.Combine(folder, $"n{node}"), recursive: true);

    /// <summary>A file beside the nodes' data.</summary>
    public string FileAt(string name) => Path.Combine(folder, name);

    /// <summary>What a verb of ours prints about one node's cluster.</summary>
    public Task<string> VerbAsync(int node, params string[] words) => RedisCluster.RunAsync(ServerBench.Program, [.. words, "--redis", Address(node)]);

    /// <summary>Sends a signal by its name.</summary>
    public void Signal(int node, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", processes[node]!.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>What redis-cli prints once the slots are led.</summary>
    public Task<string> ServedAsync(int node, params string[] words) => RedisCluster.ServedAsync(() => CliAsync(node, words));

    /// <summary>What redis-cli prints.</summary>
    public Task<string> CliAsync(int node, params string[] words)
    {
        string[] where = words[0] == "--cluster" ? [] : ["-p", $"{Port(node)}"];
        return RedisCluster.RunAsync("redis-cli", [.. where, .. words]);
    }

    /// <summary>The nodes as one of them lists them.</summary>
    public async Task<IReadOnlyList<ListedNode>> NodesAsync(int asked = 0) => ListedNode.ParseAll(await CliAsync(asked, "cluster", "nodes"));

    /// <summary>How a node calls itself.</summary>
    public async Task<string> IdAsync(int node) => (await CliAsync(node, "cluster", "myid")).Trim();

    /// <summary>A node as another one lists it.</summary>
    public async Task<ListedNode?> ListedAsync(int node, int asked = 0) => (await NodesAsync(asked)).FirstOrDefault(listed => listed.Port == Port(node));

    /// <summary>redis-cli --cluster create of all nodes, which must be content.</summary>
    public async Task CreateAsync(params string[] options)
    {
        var said = await CliAsync(0, ["--cluster", "create", .. Enumerable.Range(0, Count).Select(Address), "--cluster-yes", .. options]);
        // In the moment in which redis-cli looks, a leader may be on its way to its shard's home.
        Assert.True(said.Contains("[OK] All 16384 slots covered.", StringComparison.Ordinal), said + "\n" + LastWords());
        await UntilServedAsync();
        await UntilAsync(async () => (await NodesAsync()).Where(node => !node.IsSlave).All(node => node.Slots > 0), "a master does not lead its slots");
        await UntilAgreedAsync();
    }

    /// <summary>Waits until every running node says that all slots are served.</summary>
    public async Task UntilServedAsync()
    {
        for (var node = 0; node < Count; node++)
            if (IsRunning(node)) await UntilNodeServesAsync(node);
    }

    /// <summary>Waits until redis-cli finds that all nodes agree about all slots, as its users do between two changes.</summary>
    public Task UntilAgreedAsync() => UntilAsync(async () => (await CliAsync(0, "--cluster", "check", Address(0))) is var check && check.Contains("[OK] All nodes agree about slots configuration.", StringComparison.Ordinal) && check.Contains("[OK] All 16384 slots covered.", StringComparison.Ordinal), "the nodes do not agree");

    /// <summary>Waits until one node says so.</summary>
    public Task UntilNodeServesAsync(int node) => UntilAsync(async () => (await CliAsync(node, "cluster", "info")).Contains("cluster_state:ok", StringComparison.Ordinal), $"node {node} does not serve");

    /// <summary>Waits until something is so.</summary>
    public async Task UntilAsync(Func<Task<bool>> isSo, string complaint)
    {
        for (var begun = Stopwatch.StartNew(); !await isSo(); await Task.Delay(50))
            Assert.True(begun.Elapsed < Patience, $"{complaint} after {Patience.TotalSeconds} s\n{LastWords()}");
    }

    public string LastWords()
    {
        lock (lastWords) return string.Join('\n', lastWords.TakeLast(60));
    }

    public ValueTask DisposeAsync()
    {
        for (var node = 0; node < Count; node++) Kill(node);
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // A process that was just killed may still let go of its files.
        }

        return ValueTask.CompletedTask;
    }
}
