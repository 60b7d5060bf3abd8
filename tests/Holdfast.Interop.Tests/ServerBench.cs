using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>A folder and the real program in it, with whatever flags a test wants; everything that was started ends with the test.</summary>
internal sealed class ServerBench : IAsyncDisposable
{
    /// <summary>How long anything is waited for.</summary>
    public static readonly TimeSpan Patience = Patient.Most;

    private readonly List<ServerProcess> servers = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("holdfast-bench-").FullName;

    /// <summary>The program that <c>./holdfast</c> starts.</summary>
    public static string Program { get; } = Operating.Checkout.PathOf("artifacts/bin/Holdfast.Server/release/holdfast");

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Runs the program to its end.</summary>
    public static Task<Ended> RunAsync(params string[] words) => RunWithAsync(new Dictionary<string, string>(), words);

    /// <summary>Runs the program to its end, with variables of its own.</summary>
    public static async Task<Ended> RunWithAsync(IReadOnlyDictionary<string, string> variables, params string[] words)
    {
        var described = Described(words);
        foreach (var (name, value) in variables) described.Environment[name] = value;
        using var process = Process.Start(described)!;
        using var patience = new CancellationTokenSource(Patience);
        var (output, fault) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return new Ended(process.ExitCode, await output, await fault);
    }

    /// <summary>Three nodes that found a cluster together, ready to take writes.</summary>
    public async Task<ServerProcess[]> FoundAsync(Func<ServerProcess, string[]>? flags = null)
    {
        var nodes = Enumerable.Range(1, 3).Select(i => Add($"n{i}")).ToArray();
        var members = string.Join(',', nodes.Select(node => $"{node.Name}={node.Peer}"));
        foreach (var node in nodes) node.Start(["--cluster", members, .. flags?.Invoke(node) ?? []]);
        foreach (var node in nodes) await node.UntilServesAsync();
        return nodes;
    }

    /// <summary>A join token, asked for until the directory has a leader that gives it.</summary>
    public static async Task<string> TokenAsync(ServerProcess member)
    {
        var token = "";
        await member.UntilAsync(async () => (token = (await RunAsync("token", "--endpoints", member.Endpoint)).Output.Trim()).Length > 0, "gives no token");
        return token;
    }

    /// <summary>A node with ports and a data directory of its own, not started.</summary>
    public ServerProcess Add(string name)
    {
        var server = new ServerProcess(name, At(name), Ports.Free(2));
        servers.Add(server);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers) await server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    internal static ProcessStartInfo Described(IEnumerable<string> words, string? program = null)
    {
        var start = new ProcessStartInfo(program ?? Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words) start.ArgumentList.Add(word);
        return start;
    }

    /// <summary>How a run of the program ended.</summary>
    internal sealed record Ended(int Code, string Output, string Fault);
}

/// <summary>One server process: started, killed, told to stop, asked.</summary>
internal sealed class ServerProcess(string name, string data, int[] ports) : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> said = new();
    private GrpcChannel? channel;
    private Process? process;

    public string Name => name;

    public string Data => data;

    public string Peer => $"127.0.0.1:{ports[0]}";

    /// <summary>Where its peer port is bound; loopback unless a test says otherwise.</summary>
    public string PeerBind { get; set; } = $"127.0.0.1:{ports[0]}";

    public string Endpoint => $"127.0.0.1:{ports[1]}";

    /// <summary>Variables of its environment beside the test's.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; set; } = new Dictionary<string, string>();

    /// <summary>Which build is started.</summary>
    public string Program { get; set; } = ServerBench.Program;

    /// <summary>The process's id, as the system knows it.</summary>
    public int ProcessId => process!.Id;

    public bool HasExited => process is null || process.HasExited;

    /// <summary>All that it has said, over all its lives.</summary>
    public string Said => string.Join('\n', said);

    public void Start(params string[] flags)
    {
        var described = ServerBench.Described(["server", "--name", name, "--data", data, "--peer", PeerBind, "--etcd", Endpoint, .. flags], Program);
        foreach (var (variable, value) in Variables) described.Environment[variable] = value;
        process = Process.Start(described)!;
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        process!.Kill();
        process.WaitForExit();
    }

    /// <summary>SIGTERM, which asks it to leave in peace.</summary>
    public void Terminate()
    {
        using var signal = Process.Start("kill", ["-TERM", process!.Id.ToString(CultureInfo.InvariantCulture)]);
        signal.WaitForExit();
    }

    /// <summary>Waits until it ended by itself.</summary>
    public async Task<int> UntilEndedAsync()
    {
        using var patience = new CancellationTokenSource(ServerBench.Patience);
        await process!.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    public Task UntilServesAsync() => PutAsync("ready", name);

    /// <summary>Writes until it is acknowledged: a change of leader on the way costs another try.</summary>
    public Task PutAsync(string key, string value) => UntilAsync(() => TryPutAsync(key, value, secondsMax: 10), "takes no writes");

    public async Task UntilSaysAsync(string words) => await UntilAsync(() => Task.FromResult(Said.Contains(words, StringComparison.Ordinal)), $"does not say '{words}'");

    /// <summary>Polls a condition; a server that ended meanwhile fails the test with its own words.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string otherwise)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var begun = Stopwatch.StartNew(); !await condition();)
        {
            Assert.True(begun.Elapsed < ServerBench.Patience && !HasExited, $"{name} {otherwise}; it said:\n{Said}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>One write; false when it was not acknowledged, whatever became of it.</summary>
    public async Task<bool> TryPutAsync(string key, string value, int secondsMax = 5)
    {
        try
        {
            await new KV.KVClient(Channel).PutAsync(
                new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) }, deadline: DateTime.UtcNow.AddSeconds(secondsMax));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    /// <summary>A linearizable read.</summary>
    public async Task<string?> GetAsync(string key)
    {
        var request = new RangeRequest { Key = ByteString.CopyFromUtf8(key) };
        var answer = await Patient.AnswerAsync(async () => await new KV.KVClient(Channel).RangeAsync(request, deadline: DateTime.UtcNow.AddSeconds(20)), () => $"{name} answers no read; it said:\n{Said}");
        return answer.Kvs.Count == 0 ? null : answer.Kvs[0].Value.ToStringUtf8();
    }

    public async Task<StatusResponse> StatusAsync() => await new Maintenance.MaintenanceClient(Channel).StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(20));

    public async Task<bool> LeadsAsync()
    {
        try
        {
            var status = await StatusAsync();
            return status.Leader != 0 && status.Leader == status.Header.MemberId;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        channel?.Dispose();
        if (process is null) return;
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private GrpcChannel Channel => channel ??= GrpcChannel.ForAddress($"http://{Endpoint}", new GrpcChannelOptions
    {
        InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
        MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
    });
}
