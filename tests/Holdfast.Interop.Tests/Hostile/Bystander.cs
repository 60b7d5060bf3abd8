using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Hostile;

/// <summary>An ordinary client beside whatever is done to a server: each of its writes must be acknowledged, and the server's memory stay within bounds.</summary>
internal sealed class Bystander : IAsyncDisposable
{
    private readonly ProcessCluster cluster;
    private readonly CancellationTokenSource stop = new();
    private readonly Task<int> writing;

    public Bystander(ProcessCluster cluster)
    {
        this.cluster = cluster;
        writing = Task.Run(WriteAsync);
    }

    /// <summary>Asserts that no write failed, that every server lives and that none holds more memory than so much.</summary>
    public async Task AssertUnharmedAsync(int megabytesMax)
    {
        await stop.CancelAsync();
        Assert.True(await writing > 0, "the bystander wrote nothing");
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
        await ((Task)writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task<int> WriteAsync()
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var written = 0;
        for (; !stop.IsCancellationRequested; written++)
        {
            var request = new PutRequest { Key = ByteString.CopyFromUtf8("bystander"), Value = ByteString.CopyFromUtf8(written.ToString(CultureInfo.InvariantCulture)) };
            await cluster.Kv(written % cluster.Nodes).PutAsync(request, deadline: Patient.Deadline);
            await pause.WaitForNextTickAsync(CancellationToken.None);
        }

        return written;
    }

    private static long ResidentMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status").First(each => each.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
