using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Hostile;

/// <summary>An ordinary client beside whatever is done to a server: each of its writes must be acknowledged before its patience ends, and the server's memory stay within bounds.</summary>
internal sealed class Bystander : IAsyncDisposable
{
    /// <summary>How long one write may take before the client counts as disturbed: more than an election and a busy machine take, and far less than a server that is taken up by others.</summary>
    private static readonly TimeSpan PatienceOfOne = TimeSpan.FromSeconds(30);

    private readonly ProcessCluster cluster;
    private readonly int[] nodes;
    private readonly CancellationTokenSource stop = new();
    private readonly Task writing;
    private int written;

    /// <summary>Writes through the given nodes, in turn; through all where none is given.</summary>
    public Bystander(ProcessCluster cluster, params int[] nodes)
    {
        this.cluster = cluster;
        this.nodes = nodes.Length > 0 ? nodes : [.. Enumerable.Range(0, cluster.Nodes)];
        writing = Task.Run(WriteAsync);
    }

    /// <summary>Waits until so many more of its writes were acknowledged: for the moment at which it would be disturbed.</summary>
    public async Task UntilWroteAsync(int more)
    {
        var until = Volatile.Read(ref written) + more;
        await Patient.UntilAsync(
            async () =>
            {
                if (writing.IsCompleted) await writing; // It throws what ended it.
                return Volatile.Read(ref written) >= until;
            },
            () => $"the bystander's writes do not go on; last words:\n{cluster.LastWords()}");
    }

    /// <summary>Asserts that it still writes and no write failed, that every server lives and that none holds more memory than so much.</summary>
    public async Task AssertUnharmedAsync(int megabytesMax)
    {
        await UntilWroteAsync(more: 20);
        await stop.CancelAsync();
        await writing;
        for (var node = 0; node < cluster.Nodes; node++)
        {
            await cluster.PutAsync(node, "after", "all");
            Assert.True(cluster.IsRunning(node), $"node {node} is gone; last words:\n{cluster.LastWords()}");
            var megabytes = ResidentMegabytes(cluster.Of(node).Id);
            TestContext.Current.TestOutputHelper?.WriteLine($"n{node}: {megabytes} MB resident");
            Assert.True(megabytes <= megabytesMax, $"node {node} holds {megabytes} MB");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task WriteAsync()
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (; !stop.IsCancellationRequested; Interlocked.Increment(ref written))
        {
            var request = new PutRequest { Key = ByteString.CopyFromUtf8("bystander"), Value = ByteString.CopyFromUtf8(written.ToString(CultureInfo.InvariantCulture)) };
            await cluster.Kv(nodes[written % nodes.Length]).PutAsync(request, deadline: DateTime.UtcNow + PatienceOfOne);
            await pause.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static long ResidentMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status").First(each => each.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
