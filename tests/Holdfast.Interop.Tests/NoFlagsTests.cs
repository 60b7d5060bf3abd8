using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast server</c>, and not a word more: what it does then, and that the other verbs find it without a word too.</summary>
[Collection(Alone.Name)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class NoFlagsTests
{
    private const UnixFileMode OwnersOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    [Fact]
    public async Task One_node_serves_etcd_clients_on_loopback_from_a_private_folder_and_the_verbs_find_it()
    {
        await UntilFreeAsync(2379);
        var folder = Directory.CreateTempSubdirectory("holdfast-no-flags-").FullName;
        using var server = Start(folder, "server");
        try
        {
            using var patience = new CancellationTokenSource(Patient.Most);
            Assert.Equal($"ready: n1 serves etcd clients at 127.0.0.1:2379 (pid {server.Id})", await FirstLineAsync(server, patience.Token));
            Assert.Equal(["holdfast-data"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName));
            Assert.Equal(OwnersOnly, File.GetUnixFileMode(Path.Combine(folder, "holdfast-data")));

            // The etcd face and nothing else: it listens at this port and, for a cluster that it may become, perhaps at its peers'; all of it on loopback.
            var listening = Listening(server.Id);
            Assert.Contains(2379, listening.Select(each => each.Port));
            Assert.All(listening, each => Assert.True(IPAddress.IsLoopback(each.Address), $"it listens at {each}"));
            Assert.Empty(listening.Select(each => each.Port).Intersect([6379, 6333, 6334, 16379]));

            // None of these says where the server is.
            Assert.Equal(0, await RunAsync(folder, "kv", "put", "greeting", "hello"));
            Assert.Equal("hello\n", await SayAsync(folder, "kv", "get", "greeting"));
            var status = (await SayAsync(folder, "status")).Trim().Split('\n');
            Assert.Contains("127.0.0.1:2379", Assert.Single(status), StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The one port of this suite that is not drawn: another test run on this machine may have it, and gives it back.</summary>
    private static Task UntilFreeAsync(int port) => Patient.UntilAsync(
        () =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return Task.FromResult(true);
            }
            catch (SocketException)
            {
                return Task.FromResult(false);
            }
        },
        () => $"port {port} is taken by another program, so a server without flags cannot be shown");

    private static async Task<string> FirstLineAsync(Process server, CancellationToken cancel)
    {
        var fault = server.StandardError.ReadToEndAsync(cancel);
        return await server.StandardOutput.ReadLineAsync(cancel) ?? $"it ended: {await fault}";
    }

    /// <summary>Where a process listens: the sockets that it has open, by their inodes, in the kernel's lists.</summary>
    private static List<IPEndPoint> Listening(int process)
    {
        var own = Directory.EnumerateFiles($"/proc/{process}/fd").Select(link => new FileInfo(link).LinkTarget ?? "").Where(target => target.StartsWith("socket:[", StringComparison.Ordinal)).Select(target => target[8..^1]).ToHashSet();
        var found = new List<IPEndPoint>();
        foreach (var list in (string[])["tcp", "tcp6"])
            foreach (var line in File.ReadLines($"/proc/{process}/net/{list}").Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields[3] != "0A" || !own.Contains(fields[9])) continue; // 0A is LISTEN.
                var (address, port) = (fields[1].Split(':')[0], fields[1].Split(':')[1]);
                found.Add(new IPEndPoint(AddressOf(address), int.Parse(port, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
            }

        return found;
    }

    /// <summary>The kernel prints each 32 bits of an address as this machine's integer.</summary>
    private static IPAddress AddressOf(string hex) =>
        new([.. Enumerable.Range(0, hex.Length / 8).SelectMany(word => BitConverter.GetBytes(uint.Parse(hex.AsSpan(word * 8, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture)))]);

    private static async Task<int> RunAsync(string folder, params string[] words)
    {
        using var process = Start(folder, words);
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static async Task<string> SayAsync(string folder, params string[] words)
    {
        using var process = Start(folder, words);
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said;
    }

    private static Process Start(string folder, params string[] words)
    {
        var described = ServerBench.Described(words);
        described.WorkingDirectory = folder;
        foreach (var name in described.Environment.Keys.Where(name => name.StartsWith("HOLDFAST_", StringComparison.Ordinal)).ToArray()) described.Environment.Remove(name);
        return Process.Start(described)!;
    }
}
