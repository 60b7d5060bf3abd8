using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Interop.Tests;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace.Tests;

/// <summary>Debian's redis-server on a free port, alone in a cluster of its own that has all slots: the oracle.</summary>
internal sealed class RedisProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly string directory;
    private readonly int port;

    private RedisProcess(Process process, string directory, int port) => (this.process, this.directory, this.port) = (process, directory, port);

    /// <summary>As <see cref="StartAsync()"/>, but in no cluster, with what an RDB file holds.</summary>
    public static async Task<RedisProcess> LoadAsync(byte[] file)
    {
        var redis = await StartAsync(file);
        using var first = await redis.ConnectAsync();
        for (var begun = Stopwatch.StartNew(); first.Ask("PING").StartsWith("-LOADING", StringComparison.Ordinal); await Task.Delay(20)) Assert.True(begun.Elapsed < TimeSpan.FromSeconds(60), "redis-server does not load its file");
        return redis;
    }

    public static async Task<RedisProcess> StartAsync()
    {
        var redis = await StartAsync(file: null);
        using var first = await redis.ConnectAsync();
        first.Ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        for (var begun = Stopwatch.StartNew(); !first.Ask("CLUSTER", "INFO").Contains("cluster_state:ok", StringComparison.Ordinal); await Task.Delay(20))
            Assert.True(begun.Elapsed < TimeSpan.FromSeconds(60), "redis-server does not serve its slots");
        return redis;
    }

    private static async Task<RedisProcess> StartAsync(byte[]? file)
    {
        var program = Array.Find(["/usr/bin/redis-server", "/usr/local/bin/redis-server"], File.Exists);
        Assert.True(program is not null, "Debian's redis-server is missing: apt-get install redis-server (./test does it as root)");
        var directory = Directory.CreateTempSubdirectory("holdfast-redis-").FullName;
        if (file is not null) await File.WriteAllBytesAsync(Path.Combine(directory, "dump.rdb"), file);
        if (Ports.Free(2) is not [var port, var busPort]) throw new InvalidOperationException("two ports were asked for");
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["--port", $"{port}", "--cluster-enabled", file is null ? "yes" : "no", "--cluster-port", $"{busPort}", "--save", "", "--dir", directory, "--bind", "127.0.0.1", "--enable-debug-command", "yes"])
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        return new RedisProcess(process, directory, port);
    }

    public async Task<RedisClient> ConnectAsync()
    {
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port);
                socket.ReceiveTimeout = 60_000;
                return new RedisClient(socket);
            }
            catch (SocketException) when (begun.Elapsed < TimeSpan.FromSeconds(60))
            {
                socket.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}

/// <summary>A connection that waits for its replies.</summary>
internal sealed class RedisClient(Socket socket) : IDisposable
{
    private byte[] buffer = new byte[64 * 1024];
    private int have;

    public string Ask(params string[] words) => AskAll([words])[0];

    /// <summary>Sends all of them at once and reads a reply for each, in one line.</summary>
    public List<string> AskAll(IReadOnlyList<string[]> commands)
    {
        Send(commands);
        return [.. commands.Select(_ => Take())];
    }

    /// <summary>Waits until no child of the server's saves or rewrites: what began one in an earlier case would refuse the next.</summary>
    public void UntilNothingIsSaved()
    {
        for (var begun = Stopwatch.StartNew(); Ask("INFO", "persistence") is var told && (told.Contains("in_progress:1", StringComparison.Ordinal) || told.Contains("scheduled:1", StringComparison.Ordinal)); Thread.Yield())
            Assert.True(begun.Elapsed < TimeSpan.FromMinutes(2), "redis-server does not end a child: " + told);
    }

    /// <summary>Sends commands and waits for nothing.</summary>
    public void Send(IReadOnlyList<string[]> commands)
    {
        var bytes = commands.SelectMany(Request.Of).ToArray();
        for (var sent = 0; sent < bytes.Length;) sent += socket.Send(bytes.AsSpan(sent));
    }

    /// <summary>One command, and the bytes of the bulk string that it replies.</summary>
    public string AskBulk(params string[] words)
    {
        Send([words]);
        var bytes = "";
        Next((reply, _) => bytes = Request.BulkIn(reply, out var _));
        return bytes;
    }

    /// <summary>SYNC: the RDB file that comes, announced by its length and followed by nothing. The connection is a replica's from then on.</summary>
    public byte[] AskFile()
    {
        Send([["SYNC"]]);
        for (; ; )
        {
            var at = buffer.AsSpan(0, have).IndexOf((byte)'$');
            Assert.True(at >= 0 || buffer.AsSpan(0, have).IndexOfAnyExcept((byte)'\n') < 0, "no file: " + Encoding.Latin1.GetString(buffer, 0, Math.Min(have, 200)));
            if (at >= 0 && Request.TryFile(buffer.AsSpan(at, have - at), out var file)) return file;
            if (have == buffer.Length) Array.Resize(ref buffer, have * 2);
            var count = socket.Receive(buffer.AsSpan(have));
            Assert.True(count > 0, "the connection was closed");
            have += count;
        }
    }

    /// <summary>Waits for the next reply, in one line.</summary>
    public string Take()
    {
        var text = "";
        Next((reply, _) => text = RespReply.ToText(reply).TrimEnd());
        return text;
    }

    /// <summary>Waits until the server has closed the connection, having said nothing more.</summary>
    public void AwaitClosed()
    {
        Assert.True(have == 0, "it was told: " + Encoding.Latin1.GetString(buffer, 0, Math.Min(have, 200)));
        socket.ReceiveTimeout = 60_000;
        Assert.Equal(0, socket.Receive(buffer));
    }

    private void Next(System.Buffers.ReadOnlySpanAction<byte, int> take)
    {
        for (; ; )
        {
            var length = RespReply.Measure(buffer.AsSpan(0, have));
            Assert.True(length >= 0, "not RESP: " + Encoding.Latin1.GetString(buffer, 0, Math.Min(have, 200)));
            if (length > 0)
            {
                take(buffer.AsSpan(0, length), 0);
                buffer.AsSpan(length, have - length).CopyTo(buffer);
                have -= length;
                return;
            }

            if (have == buffer.Length) Array.Resize(ref buffer, have * 2);
            var count = socket.Receive(buffer.AsSpan(have));
            Assert.True(count > 0, "the connection was closed");
            have += count;
        }
    }

    public void Dispose() => socket.Dispose();
}
