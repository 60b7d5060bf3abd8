using System.Diagnostics;

namespace Holdfast.Interop.Tests;

/// <summary>What a newcomer does first: one node, nothing but a port and a folder.</summary>
public sealed class OneNodeTests
{
    [Fact]
    public async Task One_node_founds_itself_serves_and_keeps_its_data_over_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-one-");
        try
        {
            var port = Ports.Free(1)[0];
            using (var first = await StartAsync(folder.FullName, port))
            {
                Assert.Equal("OK\n", await EtcdctlAsync(port, "put", "kept", "yes"));
                first.Kill();
                await first.WaitForExitAsync();
            }

            using var second = await StartAsync(folder.FullName, port);
            Assert.Equal("kept\nyes\n", await EtcdctlAsync(port, "get", "kept"));
            second.Kill();
            await second.WaitForExitAsync();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Process> StartAsync(string folder, int port)
    {
        var start = new ProcessStartInfo(ServerBench.Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["server", "--data", Path.Combine(folder, "data"), "--etcd", $"127.0.0.1:{port}"]) start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(Patient.Most);
        Assert.StartsWith("ready: ", await process.StandardOutput.ReadLineAsync(patience.Token), StringComparison.Ordinal);
        return process;
    }

    private static async Task<string> EtcdctlAsync(int port, params string[] words)
    {
        var start = new ProcessStartInfo("etcdctl") { RedirectStandardOutput = true };
        start.Environment["ETCDCTL_API"] = "3";
        foreach (var word in (string[])["--endpoints", $"127.0.0.1:{port}", .. words]) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said;
    }
}
