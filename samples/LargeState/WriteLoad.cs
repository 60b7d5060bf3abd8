using System.Diagnostics;
using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace LargeState;

/// <summary>A few writers, each with one write of 1 KiB on its way at a time, at random places of the state; and how long nothing was acknowledged.</summary>
internal sealed class WriteLoad
{
    private const int Writers = 4;
    private const int WriteBytes = 1024;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(2);

    private readonly ReplicatedGroup group;
    private readonly Lock gate = new();
    private readonly List<double> millis = [];
    private readonly Task[] running;
    private readonly TimeSpan collectorBefore = GC.GetTotalPauseDuration();
    private volatile bool isOver;
    private long acknowledgedAt = Stopwatch.GetTimestamp();
    private readonly long begunAt = Stopwatch.GetTimestamp();
    private double longestGapMillis;
    private TimeSpan longestGapAt;
    private int failed;

    public WriteLoad(ReplicatedGroup group, int blocks)
    {
        this.group = group;
        running = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(new SeededRandom((ulong)writer + 1), blocks)))];
    }

    public async Task<string> EndAsync()
    {
        isOver = true;
        await Task.WhenAll(running);
        millis.Sort();
        var collector = GC.GetTotalPauseDuration() - collectorBefore;
        return string.Create(CultureInfo.InvariantCulture,
            $"{millis.Count} writes, {failed} failed, latency p50 {At(0.5):F1} p99 {At(0.99):F1} p99.9 {At(0.999):F1} max {At(1):F1} ms; longest pause {longestGapMillis:F1} ms, {longestGapAt.TotalSeconds:F1} s after the beginning; {millis.Count(each => each > 20)} writes above 20 ms; collector {collector.TotalMilliseconds:F1} ms in all");
    }

    private double At(double share) => millis.Count == 0 ? 0 : millis[Math.Min(millis.Count - 1, (int)(share * millis.Count))];

    private async Task WriteAsync(SeededRandom dice, int blocks)
    {
        var bytes = new byte[WriteBytes];
        while (!isOver)
        {
            var began = Stopwatch.GetTimestamp();
            var outcome = await group.ProposeAsync(Blocks.Write(dice.Next(0, blocks), dice.Next(0, Block.Bytes - WriteBytes), bytes));
            Note(began, outcome.IsApplied);
            await Task.Delay(Pace);
        }
    }

    private void Note(long began, bool isApplied)
    {
        var now = Stopwatch.GetTimestamp();
        lock (gate)
        {
            if (!isApplied)
            {
                failed++;
                return;
            }

            millis.Add(Stopwatch.GetElapsedTime(began, now).TotalMilliseconds);
            var gap = Stopwatch.GetElapsedTime(acknowledgedAt, now).TotalMilliseconds;
            if (gap > longestGapMillis) (longestGapMillis, longestGapAt) = (gap, Stopwatch.GetElapsedTime(begunAt, now));
            acknowledgedAt = now;
        }
    }
}
