using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;
using Holdfast.Server.Demo;

namespace Holdfast.Interop.Tests;

/// <summary>Real servers on loopback, each a process of its own, with data that outlives a kill and ends with the test.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-interop-").FullName;
    private readonly int[] peerPorts;
    private readonly int[] clientPorts;
    private readonly Process?[] processes;
    private readonly GrpcChannel[] channels;
    private readonly FaultyNetwork? network;
    private readonly string lastWords;
    private readonly Dictionary<int, string> places = [];
    private Func<int, string[]> flagsOf = _ => [];

    private ProcessCluster(int nodes, bool hasFaultyNetwork)
    {
        var ports = Ports.Free(2 * nodes);
        (peerPorts, clientPorts) = (ports[..nodes], ports[nodes..]);
        processes = new Process?[nodes];
        lastWords = Path.Combine(folder, "log");
        if (hasFaultyNetwork) network = FaultyNetwork.TryOpen(new int[nodes], peerPorts);
        channels = [.. clientPorts.Select(port => GrpcChannel.ForAddress($"http://127.0.0.1:{port}", new GrpcChannelOptions
        {
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
        }))];
    }

    /// <summary>How many nodes there are, running or not.</summary>
    public int Nodes => processes.Length;

    /// <summary>The links between the nodes, of a cluster that was started with such a network.</summary>
    public FaultyNetwork Network => network ?? throw new InvalidOperationException("the cluster was started without a network that can fail");

    /// <summary>Starts a cluster and waits until every node takes writes.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="hasFaultyNetwork">Whether relays stand between the nodes, so that links can be cut and slowed.</param>
    /// <param name="beforeStart">What is to be done to the data directories first.</param>
    /// <param name="flags">Further flags of every node.</param>
    /// <param name="flagsOf">Further flags of one node.</param>
    public static Task<ProcessCluster> StartAsync(int nodes = 3, bool hasFaultyNetwork = false, Action<ProcessCluster>? beforeStart = null, string[]? flags = null, Func<int, string[]>? flagsOf = null) =>
        Begun.OrEndedAsync(new ProcessCluster(nodes, hasFaultyNetwork) { flagsOf = node => [.. flags ?? [], .. flagsOf?.Invoke(node) ?? []] }, async cluster =>
        {
            beforeStart?.Invoke(cluster);
            for (var node = 0; node < nodes; node++) cluster.Start(node);
            for (var node = 0; node < nodes; node++) await cluster.UntilServesAsync(node);
        });

    /// <summary>Where a node keeps its data.</summary>
    public string Data(int node) => places.GetValueOrDefault(node) ?? Path.Combine(folder, $"n{node}");

    /// <summary>Gives a node another place for its data; its owner removes it.</summary>
    public void Place(int node, string data) => places[node] = data;

    public bool IsRunning(int node) => processes[node] is { HasExited: false };

    public KV.KVClient Kv(int node) => new(channels[node]);

    public Holdfast.Coordination.Protocol.Locks.Lock.LockClient Locks(int node) => new(channels[node]);

    public Maintenance.MaintenanceClient Maintenance(int node) => new(channels[node]);

    public Watch.WatchClient Watch(int node) => new(channels[node]);

    public CallInvoker Calls(int node) => channels[node].CreateCallInvoker();

    public string Endpoint(int node) => $"127.0.0.1:{clientPorts[node]}";

    public int ClientPort(int node) => clientPorts[node];

    public int PeerPort(int node) => peerPorts[node];

    public Process Of(int node) => processes[node] ?? throw new InvalidOperationException($"node {node} is not running");

    public void Start(int node)
    {
        var members = string.Join(',', (network?.Ports ?? peerPorts).Select((port, i) => $"n{i}=127.0.0.1:{port}"));
        var start = new ProcessStartInfo(ServerBench.Program)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var word in (string[])["server", "--name", $"n{node}", "--data", Data(node), "--peer", $"127.0.0.1:{peerPorts[node]}", "--cluster", members, "--etcd", Endpoint(node), .. flagsOf(node)])
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) => Hear(node, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        processes[node] = process;
    }

    /// <summary>Sends a signal by its name, as a user would.</summary>
    public void Signal(int node, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", Of(node).Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>SIGTERM, and the waiting until it has gone.</summary>
    public async Task StopAsync(int node)
    {
        Signal(node, "TERM");
        await Of(node).WaitForExitAsync().WaitAsync(Patience);
        processes[node] = null;
    }

    /// <summary>Waits until a node's process has ended by itself, and returns its exit code.</summary>
    public async Task<int> UntilGoneAsync(int node)
    {
        await Of(node).WaitForExitAsync().WaitAsync(Patience);
        var code = Of(node).ExitCode;
        processes[node] = null;
        return code;
    }

    /// <summary>What the nodes said last, of one kind of event or of all.</summary>
    public string LastWords(string eventType = "")
    {
        lock (lastWords) return File.Exists(lastWords) ? string.Join('\n', File.ReadLines(lastWords).Where(line => line.Contains(eventType, StringComparison.Ordinal)).TakeLast(60)) : "";
    }

    /// <summary>All lines that a node has said.</summary>
    public IReadOnlyList<string> Said(int node)
    {
        var mark = $"n{node}: ";
        lock (lastWords) return [.. File.ReadLines(lastWords).Where(line => line.StartsWith(mark, StringComparison.Ordinal)).Select(line => line[mark.Length..])];
    }

    /// <summary>Waits until some node has said something.</summary>
    public async Task UntilSaidAsync(string words)
    {
        await Patient.UntilAsync(() => Task.FromResult(LastWords(words).Length > 0), () => $"nobody said \"{words}\"; last words:\n{LastWords()}\n");
    }

    private void Hear(int node, string? line)
    {
        lock (lastWords)
            if (line is not null && Directory.Exists(folder)) File.AppendAllText(lastWords, $"n{node}: {line}\n");
    }

    /// <summary>kill -9.</summary>
    public void Kill(int node)
    {
        Of(node).Kill();
        Of(node).WaitForExit();
        processes[node] = null;
    }

    public Task UntilServesAsync(int node) => PutAsync(node, "ready", "yes");

    /// <summary>Writes until it is acknowledged: a change of leader on the way costs another try.</summary>
    public Task PutAsync(int node, string key, string value) =>
        Patient.UntilAsync(() => TryPutAsync(node, key, value, secondsMax: 10), () => $"node {node} takes no writes; last words:\n{LastWords()}\n");

    /// <summary>One write; false when it was not acknowledged, whatever became of it.</summary>
    public async Task<bool> TryPutAsync(int node, string key, string value, int secondsMax = 2)
    {
        try
        {
            await Kv(node).PutAsync(new PutRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key), Value = Google.Protobuf.ByteString.CopyFromUtf8(value) }, deadline: DateTime.UtcNow.AddSeconds(secondsMax));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    public async Task<string?> GetAsync(int node, string key, bool serializable = false)
    {
        var request = new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key), Serializable = serializable };
        var answer = await Patient.AnswerAsync(async () => await Kv(node).RangeAsync(request, deadline: DateTime.UtcNow.AddSeconds(20)), () => $"node {node} answers no read; last words:\n{LastWords()}\n");
        return answer.Kvs.Count == 0 ? null : answer.Kvs[0].Value.ToStringUtf8();
    }

    public async Task<int> LeaderAsync()
    {
        var leader = -1;
        await Patient.UntilAsync(async () =>
        {
            for (var node = 0; node < Nodes && leader < 0; node++)
                if (IsRunning(node) && await StatusAsync(node) is { Leader: not 0 } status && status.Leader == status.Header.MemberId) leader = node;
            return leader >= 0;
        }, () => $"no node says that it leads; last words:\n{LastWords()}\n");
        return leader;
    }

    /// <summary>What a node says of itself; null when it says nothing.</summary>
    public async Task<StatusResponse?> StatusAsync(int node)
    {
        try
        {
            return await Maintenance(node).StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(2));
        }
        catch (RpcException)
        {
            return null;
        }
    }

    public async Task<string> EtcdctlAsync(int node, params string[] words)
    {
        var (code, said, fault) = await RunEtcdctlAsync(node, words);
        Assert.True(code == 0, $"etcdctl {string.Join(' ', words)}: {fault}");
        return said;
    }

    /// <summary>A call that must fail: what etcdctl complained about.</summary>
    public async Task<string> RefusedEtcdctlAsync(int node, params string[] words)
    {
        var (code, said, fault) = await RunEtcdctlAsync(node, words);
        Assert.True(code != 0, $"etcdctl {string.Join(' ', words)} was not refused: {said}");
        return fault;
    }

    private async Task<(int Code, string Said, string Fault)> RunEtcdctlAsync(int node, string[] words)
    {
        var start = new ProcessStartInfo("etcdctl") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        start.ArgumentList.Add("--endpoints");
        start.ArgumentList.Add(Endpoint(node));

        // Signing in within two seconds is too much to ask of a machine that builds beside.
        start.ArgumentList.Add("--dial-timeout=60s");
        start.ArgumentList.Add("--command-timeout=60s");
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said, await fault);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            if (process is null) continue;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        network?.Dispose();
        foreach (var channel in channels) channel.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
