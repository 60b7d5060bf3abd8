using System.Diagnostics;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast kv</c> as processes.</summary>
public sealed class KvVerbTests
{
    [Fact]
    public async Task A_watch_prints_what_is_put_and_deleted_under_its_prefix_and_nothing_else()
    {
        await using var bench = new ServerBench();
        var node = bench.Add("n1");
        node.Start();
        await node.UntilServesAsync();
        using var watch = Process.Start(ServerBench.Described(["kv", "watch", "w/", "--prefix", "--endpoints", node.Endpoint]))!;
        using var patience = new CancellationTokenSource(ServerBench.Patience);

        // It begins some time; one more put each time until it tells one.
        var heard = watch.StandardOutput.ReadLineAsync(patience.Token).AsTask();
        while (!heard.IsCompleted) await KvAsync(node, 0, "put", "w/first", "1");
        Assert.Equal("put\tw/first\t1", await heard);

        await KvAsync(node, 0, "put", "x/other", "unheard");
        await KvAsync(node, 0, "put", "w/second", "two words");
        Assert.Equal("two words\n", await KvAsync(node, 0, "get", "w/second"));
        Assert.Equal("1\n", await KvAsync(node, 0, "del", "w/second"));
        await KvAsync(node, 4, "get", "w/second");
        var next = await watch.StandardOutput.ReadLineAsync(patience.Token);
        while (next == "put\tw/first\t1") next = await watch.StandardOutput.ReadLineAsync(patience.Token);
        Assert.Equal("put\tw/second\ttwo words", next);
        Assert.Equal("del\tw/second\t", await watch.StandardOutput.ReadLineAsync(patience.Token));

        // Interrupted it ends in peace.
        using (var interrupt = Process.Start("kill", ["-INT", $"{watch.Id}"])) await interrupt.WaitForExitAsync(patience.Token);
        await watch.WaitForExitAsync(patience.Token);
        Assert.Equal(0, watch.ExitCode);
    }

    private static async Task<string> KvAsync(ServerProcess node, int code, params string[] words)
    {
        var ended = await ServerBench.RunAsync(["kv", .. words, "--endpoints", node.Endpoint]);
        Assert.True(ended.Code == code, $"kv {string.Join(' ', words)} exits with {ended.Code}, not {code}: {ended.Fault}");
        return ended.Output;
    }
}
