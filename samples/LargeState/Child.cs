using System.Diagnostics;
using System.Globalization;

namespace LargeState;

/// <summary>A node's process as its parent sees it.</summary>
internal sealed class Child : IDisposable
{
    private readonly string name;
    private readonly string folder;
    private Process process = null!;

    public Child(string name, int port, string folder)
    {
        (this.name, Port, this.folder) = (name, port, folder);
        Start();
    }

    public int Port { get; }

    public string Folder => folder;

    public string Id { get; private set; } = "";

    public void Start()
    {
        process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["node", name, Port.ToString(CultureInfo.InvariantCulture), folder]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Id = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{name} did not start");
    }

    public string Tell(string line)
    {
        process.StandardInput.WriteLine(line);
        return process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{name} ended at '{line}'");
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    public void Until(Func<string, bool> isReached, string what)
    {
        for (var end = Stopwatch.GetTimestamp() + (600 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end; Thread.Sleep(20))
            if (isReached(Tell("status"))) return;
        throw new TimeoutException($"{name}: {what} was not reached in ten minutes");
    }

    /// <summary>Bytes of a folder inside the data directory, as far as they are written.</summary>
    public long BytesOf(string inside)
    {
        long bytes = 0;
        var path = Path.Combine(folder, inside);
        if (!Directory.Exists(path)) return 0;
        foreach (var file in new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories)) bytes += file.Length;
        return bytes;
    }

    public void Dispose()
    {
        if (!process.HasExited) Kill();
    }
}
