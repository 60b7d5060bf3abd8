using System.Diagnostics;

namespace Holdfast.Server.Demo;

/// <summary>A node that is a process of this very program.</summary>
internal sealed class ProcessNode(DemoSeat seat) : IDemoNode
{
    private Process? process;

    public bool IsRunning => process is { HasExited: false };

    public int? ProcessId => IsRunning ? process!.Id : null;

    public Task StartAsync(CancellationToken cancel)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var founders = string.Join(',', seat.Founders.Select(founder => $"{founder.Name}=127.0.0.1:{founder.Port}"));
        foreach (var word in (string[])["server", "--name", seat.Name, "--data", seat.Data, "--peer", $"127.0.0.1:{seat.PeerPort}", "--cluster", founders, "--etcd", $"127.0.0.1:{seat.ClientPort}", "--vectors", $"127.0.0.1:{seat.VectorPort}"])
            start.ArgumentList.Add(word);
        var log = TextWriter.Synchronized(new StreamWriter(seat.Log, append: true) { AutoFlush = true });
        process?.Dispose();
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => log.WriteLine(line.Data);
        process.ErrorDataReceived += (_, line) => log.WriteLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return Task.CompletedTask;
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (!IsRunning) return;
        process!.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        process?.Dispose();
    }
}
