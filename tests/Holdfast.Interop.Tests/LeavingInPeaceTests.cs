using System.Diagnostics;

namespace Holdfast.Interop.Tests;

/// <summary>SIGTERM: a leader hands its groups over before it leaves, so that stopping a node is not a failover.</summary>
public sealed class LeavingInPeaceTests
{
    [Fact]
    public async Task SIGTERM_of_the_leader_hands_over_and_hardly_a_write_is_refused()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        ServerProcess? leader = null;
        await nodes[0].UntilAsync(async () =>
        {
            foreach (var node in nodes)
                if (await node.LeadsAsync()) leader = node;
            return leader is not null;
        }, "has no leader");
        var asked = nodes.First(node => node != leader);
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(asked, stop.Token);
        await nodes[0].UntilAsync(() => Task.FromResult(writing.IsCompleted || leader!.Said.Length > 0), "never");
        leader!.Terminate();
        Assert.Equal(0, await leader.UntilEndedAsync());
        await asked.UntilServesAsync();
        await stop.CancelAsync();
        var (acknowledged, refused, longestGap) = await writing;
        TestContext.Current.TestOutputHelper?.WriteLine($"{acknowledged} acknowledged, {refused} refused, longest gap {longestGap.TotalMilliseconds:0} ms");
        Assert.True(acknowledged > 0, "nothing was acknowledged at all");

        // A failover costs a writer that waits 10 ms between two tries some thirty refusals or a wait for its deadline; a hand-over the few that meet it.
        Assert.True(refused <= 10, $"{refused} writes were refused; the longest gap was {longestGap.TotalMilliseconds:0} ms");
        Assert.DoesNotContain("support was withdrawn", asked.Said, StringComparison.Ordinal);
    }

    private static async Task<(int Acknowledged, int Refused, TimeSpan LongestGap)> WriteAsync(ServerProcess node, CancellationToken stop)
    {
        var (acknowledged, refused) = (0, 0);
        var (last, longest) = (Stopwatch.GetTimestamp(), TimeSpan.Zero);
        while (!stop.IsCancellationRequested)
        {
            if (await node.TryPutAsync("beat", acknowledged.ToString(System.Globalization.CultureInfo.InvariantCulture)))
            {
                acknowledged++;
                var gap = Stopwatch.GetElapsedTime(last);
                if (acknowledged > 1 && gap > longest) longest = gap;
                last = Stopwatch.GetTimestamp();
            }
            else
            {
                refused++;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), CancellationToken.None);
        }

        return (acknowledged, refused, longest);
    }
}
