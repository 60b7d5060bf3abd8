using System.Diagnostics;
using System.Net;
using Holdfast.Interop.Tests;

namespace Holdfast.Replication.Tests;

/// <summary>The sample that a reader copies (R1.7), as three real processes: join, set, read, delete, kill -9.</summary>
public sealed class EmbeddedRaftTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly string folder = Directory.CreateTempSubdirectory("embedded-raft-").FullName;
    private readonly int[] ports = Ports.Free(8);
    private readonly Process?[] processes = new Process?[3];
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private static string Output => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "EmbeddedRaft", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))));

    public void Dispose()
    {
        for (var node = 0; node < 3; node++)
            if (processes[node] is not null) Kill(node);
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_sample_is_under_eighty_lines()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Holdfast.slnx"))) root = root.Parent!;
        var files = Directory.GetFiles(Path.Combine(root.FullName, "samples", "EmbeddedRaft"), "*.cs");
        Assert.True(files.Length >= 2 && files.Sum(file => File.ReadAllLines(file).Length) < 80);
    }

    [Fact]
    public async Task Three_processes_join_set_read_delete_and_survive_kill_9()
    {
        for (var node = 0; node < 3; node++)
        {
            Start(node);
            await Until(async () => await Get(node, "nothing") is HttpStatusCode.NotFound, $"node {node} reads, so it belongs to the group");
        }

        // Whoever is asked takes a member in, or sends the joiner on to whoever leads; one that votes already goes on doing so.
        var book = await File.ReadAllLinesAsync(Path.Combine(folder, "n0-data", "peers"));
        foreach (var member in (int[])[1, 2])
        {
            var place = book.Single(line => line.EndsWith($" {ports[member]} {ports[3 + member]}", StringComparison.Ordinal)).Replace(' ', '/');
            for (var node = 0; node < 3; node++)
            {
                var asked = node;
                await Until(async () => await Send(HttpMethod.Post, asked, $"join/{place}") == HttpStatusCode.OK, $"node {asked} is asked to take in node {member}, and answers that it votes");
            }
        }

        // One that never comes is learned of and not counted, however often it is asked for: with it as a fourth voter the group would not outlive the founder, below.
        for (var asked = 0; asked < 3; asked++)
            await Until(async () => await Send(HttpMethod.Post, 0, $"join/1/{ports[6]}/{ports[7]}") == HttpStatusCode.Accepted, "a newcomer that has nothing is a learner");

        await Until(async () => await Send(HttpMethod.Post, 1, "set/a/1") == HttpStatusCode.OK, "a=1 by node 1");
        await Until(async () => await Send(HttpMethod.Post, 2, "set/b/2") == HttpStatusCode.OK, "b=2 by node 2");
        await Until(async () => await Text(0, "a") == "1" && await Text(2, "a") == "1", "a at every node");
        await Until(async () => await Send(HttpMethod.Delete, 1, "b") == HttpStatusCode.OK, "b deleted by node 1");
        await Until(async () => await Get(0, "b") == HttpStatusCode.NotFound, "b gone");

        // The founder, which led at first, dies: the others go on, and it finds again what it missed.
        Kill(0);
        await Until(async () => await Send(HttpMethod.Post, 1, "set/c/3") == HttpStatusCode.OK, "c=3 without node 0");
        Assert.Equal("1", await Text(2, "a"));
        Start(0);
        await Until(async () => await Text(0, "c") == "3", "c at node 0 after its return");

        for (var node = 0; node < 3; node++) Kill(node);
        for (var node = 0; node < 3; node++) Start(node);
        await Until(async () => await Text(1, "a") == "1" && await Text(1, "c") == "3" && await Get(1, "b") == HttpStatusCode.NotFound, "all of it after all were killed");
    }

    private void Start(int node)
    {
        var program = Path.Combine(Output, OperatingSystem.IsWindows() ? "EmbeddedRaft.exe" : "EmbeddedRaft");
        var start = new ProcessStartInfo(program) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])[$"n{node}", $"{ports[node]}", $"{ports[3 + node]}"]) start.ArgumentList.Add(word);
        if (node > 0) start.ArgumentList.Add($"http://127.0.0.1:{ports[3 + node - 1]}"); // The last one so asks a follower, as a rule: a joiner cannot know who leads.
        var process = processes[node] = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>kill -9.</summary>
    private void Kill(int node)
    {
        processes[node]!.Kill();
        processes[node]!.WaitForExit();
        processes[node]!.Dispose();
        processes[node] = null;
    }

    private async Task<HttpStatusCode> Get(int node, string key) => await Send(HttpMethod.Get, node, $"get/{key}");

    private async Task<string?> Text(int node, string key)
    {
        try
        {
            return await http.GetStringAsync($"http://127.0.0.1:{ports[3 + node]}/get/{key}");
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    private async Task<HttpStatusCode> Send(HttpMethod method, int node, string path)
    {
        try
        {
            using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{ports[3 + node]}/{path}");
            using var answer = await http.SendAsync(request);
            return answer.StatusCode;
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            return HttpStatusCode.ServiceUnavailable;
        }
    }

    private async Task Until(Func<Task<bool>> isReached, string what)
    {
        for (var begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < Patience; await Task.Delay(50))
            if (await isReached()) return;
        Assert.Fail($"not reached in {Patience}: {what}; processes {string.Join(' ', processes.Select(process => process is { HasExited: false } ? "up" : "down"))}");
    }
}
