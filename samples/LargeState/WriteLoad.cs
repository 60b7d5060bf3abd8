using System.Diagnostics;
using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace LargeState;

/// <summary>A few writers, each with one write of 1 KiB on its way at a time, at random places of the state; and when, and for how long, nothing was acknowledged.</summary>
internal sealed class WriteLoad
{
    private const int Writers = 4;
    private const int WriteBytes = 1024;
    private const int PausesMax = 1000;

    /// <summary>The bar: no pause of writes above this.</summary>
    private const double PauseMillisMax = 20;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(2);

    private readonly ReplicatedGroup group;
    private readonly Lock gate = new();
    private readonly List<double> millis = [];
    private readonly List<Pause> pauses = [];
    private readonly Task[] running;
    private readonly TimeSpan collectorBefore = GC.GetTotalPauseDuration();
    private readonly long begunAt = Stopwatch.GetTimestamp();
    private volatile bool isOver;
    private long acknowledgedAt = Stopwatch.GetTimestamp();
    private Pause longest;
    private int failed;

    public WriteLoad(ReplicatedGroup group, int blocks)
    {
        this.group = group;
        running = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(new SeededRandom((ulong)writer + 1), blocks)))];
    }

    /// <summary>From one acknowledgement to the next, by the machine's monotonic clock.</summary>
    private readonly record struct Pause(long From, long To)
    {
        public double Millis => Stopwatch.GetElapsedTime(From, To).TotalMilliseconds;
    }

    /// <summary>Ends the load; what was seen, in a line.</summary>
    public async Task<string> EndAsync()
    {
        isOver = true;
        await Task.WhenAll(running);
        millis.Sort();
        var collector = GC.GetTotalPauseDuration() - collectorBefore;
        return string.Create(CultureInfo.InvariantCulture,
            $"{millis.Count} writes, {failed} failed, latency p50 {At(0.5):F1} p99 {At(0.99):F1} p99.9 {At(0.999):F1} max {At(1):F1} ms; longest pause {longest.Millis:F1} ms (bar {PauseMillisMax}), {SecondsOf(longest):F1} s after the beginning; {pauses.Count} pauses and {millis.Count(each => each > PauseMillisMax)} writes above the bar; collector {collector.TotalMilliseconds:F1} ms in all");
    }

    /// <summary>After the end: the longest pauses above the bar, each as "from to seconds milliseconds", separated by semicolons.</summary>
    public string Pauses() =>
        string.Join(';', pauses.OrderByDescending(pause => pause.Millis).Take(6).OrderBy(pause => pause.From).Select(pause => string.Create(CultureInfo.InvariantCulture, $"{pause.From} {pause.To} {SecondsOf(pause):F1} {pause.Millis:F1}")));

    private double SecondsOf(Pause pause) => Stopwatch.GetElapsedTime(begunAt, pause.To).TotalSeconds;

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
            var pause = new Pause(acknowledgedAt, now);
            if (pause.Millis > longest.Millis) longest = pause;
            if (pause.Millis > PauseMillisMax && pauses.Count < PausesMax) pauses.Add(pause);
            acknowledgedAt = now;
        }
    }
}
