using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>Three real servers on loopback, each a process of its own, with data that outlives a kill and ends with the test.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-interop-").FullName;
    private readonly int[] peerPorts;
    private readonly int[] clientPorts;
    private readonly Process?[] processes = new Process?[3];
    private readonly GrpcChannel[] channels;

    private ProcessCluster()
    {
        var ports = FreePorts(6);
        (peerPorts, clientPorts) = (ports[..3], ports[3..]);
        channels = [.. clientPorts.Select(port => GrpcChannel.ForAddress($"http://127.0.0.1:{port}", new GrpcChannelOptions
        {
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
        }))];
    }

    public static async Task<ProcessCluster> StartAsync()
    {
        var cluster = new ProcessCluster();
        for (var node = 0; node < 3; node++) cluster.Start(node);
        for (var node = 0; node < 3; node++) await cluster.UntilServesAsync(node);
        return cluster;
    }

    public KV.KVClient Kv(int node) => new(channels[node]);

    public Watch.WatchClient Watch(int node) => new(channels[node]);

    public CallInvoker Calls(int node) => channels[node].CreateCallInvoker();

    public string Endpoint(int node) => $"127.0.0.1:{clientPorts[node]}";

    public int ClientPort(int node) => clientPorts[node];

    public int PeerPort(int node) => peerPorts[node];

    public Process Of(int node) => processes[node] ?? throw new InvalidOperationException($"node {node} is not running");

    public void Start(int node)
    {
        var members = string.Join(',', peerPorts.Select((port, i) => $"n{i}=127.0.0.1:{port}"));
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "holdfast"))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var word in (string[])["server", "--name", $"n{node}", "--data", Path.Combine(folder, $"n{node}"), "--peer", $"127.0.0.1:{peerPorts[node]}", "--cluster", members, "--etcd", Endpoint(node)])
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        processes[node] = process;
    }

    /// <summary>kill -9.</summary>
    public void Kill(int node)
    {
        Of(node).Kill();
        Of(node).WaitForExit();
        processes[node] = null;
    }

    public async Task UntilServesAsync(int node)
    {
        var begun = Stopwatch.StartNew();
        while (!await TryPutAsync(node, "ready", "yes"))
            Assert.True(begun.Elapsed < Patience, $"node {node} does not take writes after {Patience.TotalSeconds} s");
    }

    /// <summary>One write; false when it was not acknowledged, whatever became of it.</summary>
    public async Task<bool> TryPutAsync(int node, string key, string value)
    {
        try
        {
            await Kv(node).PutAsync(new PutRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key), Value = Google.Protobuf.ByteString.CopyFromUtf8(value) }, deadline: DateTime.UtcNow.AddSeconds(2));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    public async Task<string?> GetAsync(int node, string key)
    {
        var answer = await Kv(node).RangeAsync(new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key) }, deadline: DateTime.UtcNow.AddSeconds(20));
        return answer.Kvs.Count == 0 ? null : answer.Kvs[0].Value.ToStringUtf8();
    }

    public async Task<int> LeaderAsync()
    {
        for (var begun = Stopwatch.StartNew(); begun.Elapsed < Patience;)
        {
            for (var node = 0; node < 3; node++)
            {
                if (processes[node] is null) continue;
                try
                {
                    var status = await new Maintenance.MaintenanceClient(channels[node]).StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(2));
                    if (status.Leader != 0 && status.Leader == status.Header.MemberId) return node;
                }
                catch (RpcException)
                {
                    // Starting, or between leaders: the next one is asked.
                }
            }
        }

        throw new InvalidOperationException("no node says that it leads");
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

        foreach (var channel in channels) channel.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static int[] FreePorts(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToArray();
        foreach (var socket in sockets) socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var ports = sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port).ToArray();
        foreach (var socket in sockets) socket.Dispose();
        return ports;
    }
}
