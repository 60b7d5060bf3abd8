using System.Diagnostics;
using System.Threading.Channels;

namespace Holdfast.Interop.Tests;

/// <summary>Members started exactly as one starts etcd, the program's name aside: <c>holdfast etcd --name ... --initial-cluster ...</c>.</summary>
internal sealed class EtcdFlagCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-etcdflags-").FullName;
    private readonly List<Process> processes = [];
    private readonly Dictionary<int, Process> running = [];
    private readonly int[] ports = Ports.Free(10);

    /// <summary>http, or https: then certificates are made by the members themselves, and clients believe them without looking.</summary>
    public string Scheme { get; init; } = "http";

    /// <summary>The same for the members among themselves; as the clients' when nothing is said.</summary>
    public string? PeerScheme { get; init; }

    /// <summary>Where a member keeps its data.</summary>
    public string Data(int member) => Path.Combine(folder, $"infra{member}.etcd");

    /// <summary>A member's client address.</summary>
    public string Client(int member) => $"{Scheme}://127.0.0.1:{ports[member * 2]}";

    /// <summary>A member's peer address.</summary>
    public string Peer(int member) => $"{PeerScheme ?? Scheme}://127.0.0.1:{ports[(member * 2) + 1]}";

    public int ClientPort(int member) => ports[member * 2];

    /// <summary>What --initial-cluster says of the first so many members.</summary>
    public string InitialCluster(int members) => string.Join(',', Enumerable.Range(0, members).Select(member => $"infra{member}={Peer(member)}"));

    /// <summary>Starts a member; the lines that it logs until it is ready.</summary>
    public async Task<List<string>> StartAsync(int member, string initialCluster, string state = "new", params string[] further)
    {
        string[] words =
        [
            "etcd", "--name", $"infra{member}", "--data-dir", Data(member),
            "--initial-advertise-peer-urls", Peer(member), "--listen-peer-urls", Peer(member),
            "--listen-client-urls", Client(member), "--advertise-client-urls", Client(member),
            "--initial-cluster-token", "etcd-cluster-1", "--initial-cluster", initialCluster, "--initial-cluster-state", state, .. further,
        ];
        return await UntilReadyAsync(member, Program(words));
    }

    /// <summary>Starts a member by ETCD_ variables alone.</summary>
    public Task<List<string>> StartByVariablesAsync(int member, string initialCluster)
    {
        var start = Program("etcd");
        (string Name, string Value)[] variables =
        [
            ("ETCD_NAME", $"infra{member}"), ("ETCD_DATA_DIR", Data(member)),
            ("ETCD_INITIAL_ADVERTISE_PEER_URLS", Peer(member)), ("ETCD_LISTEN_PEER_URLS", Peer(member)),
            ("ETCD_LISTEN_CLIENT_URLS", Client(member)), ("ETCD_ADVERTISE_CLIENT_URLS", Client(member)),
            ("ETCD_INITIAL_CLUSTER_TOKEN", "etcd-cluster-1"), ("ETCD_INITIAL_CLUSTER", initialCluster), ("ETCD_INITIAL_CLUSTER_STATE", "new"),
            ("ETCD_QUOTA_BACKEND_BYTES", "8589934592"), ("ETCD_STRICT_RECONFIG_CHECK", "true"),
        ];
        foreach (var (name, value) in variables) start.Environment[name] = value;
        return UntilReadyAsync(member, start);
    }

    private static ProcessStartInfo Program(params string[] words)
    {
        var start = new ProcessStartInfo(ServerBench.Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var word in words) start.ArgumentList.Add(word);
        return start;
    }

    private async Task<List<string>> UntilReadyAsync(int member, ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        lock (processes)
        {
            processes.Add(process);
            running[member] = process;
        }

        var lines = Channel.CreateUnbounded<string>();
        process.ErrorDataReceived += (_, line) => Note(lines.Writer, line.Data);
        process.OutputDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        using var patience = new CancellationTokenSource(Patience);
        var seen = new List<string>();
        try
        {
            while (await lines.Reader.WaitToReadAsync(patience.Token))
            {
                while (lines.Reader.TryRead(out var line)) seen.Add(line);
                if (seen.Any(line => line.Contains("ready to serve client requests", StringComparison.Ordinal))) return seen;
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"member {member} is not ready after {Patience.TotalSeconds:0} s: {string.Join('\n', seen)}");
        }

        throw new InvalidOperationException($"member {member} ended before it was ready: {string.Join('\n', seen)}");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync(int member)
    {
        running[member].Kill();
        await running[member].WaitForExitAsync();
    }

    /// <summary>Runs the program until it ends, as a member that refuses or a verb does; what it said and its exit code.</summary>
    public static async Task<(string Said, int Code)> EndedAsync(params string[] words)
    {
        using var process = Process.Start(Program(words))!;
        var printed = process.StandardOutput.ReadToEndAsync();
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (said + await printed, process.ExitCode);
    }

    /// <summary>Runs a client program to its end; fails with what it said unless it succeeded.</summary>
    public static async Task<string> RunAsync(string program, IReadOnlyDictionary<string, string> environment, params string[] words)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', words)}: {said} {await fault}");
        return said;
    }

    /// <summary>Runs etcdctl against a member.</summary>
    public Task<string> EtcdctlAsync(int member, params string[] words) =>
        RunAsync("etcdctl", new Dictionary<string, string> { ["ETCDCTL_API"] = "3" }, ["--endpoints", Client(member), "--command-timeout=60s", .. Scheme == "https" ? ["--insecure-transport=false", "--insecure-skip-tls-verify"] : Array.Empty<string>(), .. words]);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }

    private static void Note(ChannelWriter<string> lines, string? line)
    {
        if (line is null) lines.TryComplete();
        else lines.TryWrite(line);
    }
}
