using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Interop.Tests;

namespace Holdfast.Coordination.Tests;

/// <summary>Debian's etcd on free ports, with its data in a folder that goes with it.</summary>
internal sealed class EtcdProcess : IAsyncDisposable
{
    private const string Program = "/usr/bin/etcd";
    private const int LinesKept = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly Process process;
    private readonly GrpcChannel channel;
    private readonly string directory;

    private EtcdProcess(Process process, GrpcChannel channel, string directory) => (this.process, this.channel, this.directory) = (process, channel, directory);

    /// <summary>Where it serves.</summary>
    public string Url => "http://" + channel.Target;

    public CallInvoker Calls => channel.CreateCallInvoker();

    /// <summary>Starts it empty, or from a snapshot that etcdctl restores.</summary>
    public static async Task<EtcdProcess> StartAsync(string? snapshot = null, params string[] more)
    {
        Assert.True(File.Exists(Program), "Debian's etcd is missing: apt-get install etcd-server (./test does it as root)");
        var directory = Directory.CreateTempSubdirectory("holdfast-etcd-").FullName;
        if (Ports.Free(2) is not [var client, var peer]) throw new InvalidOperationException("two ports were asked for");
        if (snapshot is not null)
        {
            directory = Path.Combine(directory, "restored");
            await RestoreAsync(snapshot, directory, peer);
        }

        var start = new ProcessStartInfo(Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] arguments =
        [
            "--data-dir", directory, "--listen-client-urls", $"http://127.0.0.1:{client}", "--advertise-client-urls", $"http://127.0.0.1:{client}",
            "--listen-peer-urls", $"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", $"http://127.0.0.1:{peer}", "--initial-cluster", $"default=http://127.0.0.1:{peer}",
        ];
        foreach (var argument in arguments.Concat(more)) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var ready = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new ConcurrentQueue<string?>();
        void Look(object sender, DataReceivedEventArgs line)
        {
            said.Enqueue(line.Data);
            if (said.Count > LinesKept) said.TryDequeue(out _);
            if (line.Data is null) ready.TrySetResult(false);
            else if (line.Data.Contains("ready to serve client requests") || line.Data.Contains("serving insecure client requests")) ready.TrySetResult(true);
        }

        process.ErrorDataReceived += Look;
        process.OutputDataReceived += Look;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{client}");
        var etcd = new EtcdProcess(process, channel, directory);
        var begun = await Task.WhenAny(ready.Task, Task.Delay(Patience)) == ready.Task && await ready.Task;
        if (begun) return etcd;
        await etcd.DisposeAsync();
        Assert.Fail($"etcd did not start within {Patience.TotalSeconds} s; it said last:\n{string.Join('\n', said)}");
        return etcd;
    }

    private static async Task RestoreAsync(string snapshot, string directory, int peer)
    {
        var start = new ProcessStartInfo("etcdctl") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["ETCDCTL_API"] = "3";
        string[] words =
        [
            "snapshot", "restore", snapshot, "--data-dir", directory, "--name", "default", "--initial-cluster", $"default=http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", $"http://127.0.0.1:{peer}",
        ];
        foreach (var word in words) start.ArgumentList.Add(word);
        using var restoring = Process.Start(start)!;
        var said = restoring.StandardOutput.ReadToEndAsync();
        var fault = await restoring.StandardError.ReadToEndAsync();
        await restoring.WaitForExitAsync();
        Assert.True(restoring.ExitCode == 0, $"etcdctl snapshot restore: {fault} {await said}");
    }

    public async ValueTask DisposeAsync()
    {
        channel.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, true);
    }
}
