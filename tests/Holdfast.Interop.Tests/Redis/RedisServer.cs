using System.Diagnostics;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Debian's redis-server on a free port: what others' programs see there they are to see here.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly Process process;

    private RedisServer(Process process, string folder, int port) => (this.process, Folder, Port) = (process, folder, port);

    public int Port { get; }

    /// <summary>Where it keeps its dump.</summary>
    public string Folder { get; }

    /// <summary>Starts one; in cluster mode it has every slot.</summary>
    /// <param name="isCluster">Whether it is a cluster of one.</param>
    /// <param name="dump">An RDB file that it is to load.</param>
    /// <param name="flags">Further settings.</param>
    public static async Task<RedisServer> StartAsync(bool isCluster = true, string? dump = null, params string[] flags)
    {
        var ports = Ports.Free(2);
        var folder = Directory.CreateTempSubdirectory("holdfast-redis-").FullName;
        if (dump is not null) File.Copy(dump, Path.Combine(folder, "dump.rdb"));
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] cluster = isCluster ? ["--cluster-enabled", "yes", "--cluster-port", $"{ports[1]}"] : [];
        foreach (var word in (string[])["--port", $"{ports[0]}", "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--enable-debug-command", "yes", .. cluster, .. flags]) start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        return await Begun.OrEndedAsync(new RedisServer(process, folder, ports[0]), async server =>
        {
            await UntilAsync(async () => await server.CliAsync("ping") == "PONG\n", "redis-server does not serve");
            if (!isCluster) return;
            await server.CliAsync("cluster", "addslotsrange", "0", "16383");
            await UntilAsync(async () => (await server.CliAsync("cluster", "info")).Contains("cluster_state:ok", StringComparison.Ordinal), "redis-server does not serve its slots");
        });
    }

    /// <summary>What redis-cli prints.</summary>
    public async Task<string> CliAsync(params string[] words)
    {
        var start = new ProcessStartInfo("redis-cli") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["-p", $"{Port}", .. words]) start.ArgumentList.Add(word);
        using var cli = Process.Start(start)!;
        var fault = cli.StandardError.ReadToEndAsync();
        var said = await cli.StandardOutput.ReadToEndAsync();
        await cli.WaitForExitAsync();
        return said + await fault;
    }

    /// <summary>Waits until something holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        for (var begun = Stopwatch.StartNew(); !await holds(); await Task.Delay(20)) Assert.True(begun.Elapsed < Patience, what);
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
