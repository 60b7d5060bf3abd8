using System.Diagnostics;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Running;

/// <summary>Many seeds on all processors, until they are done or the time is up; then what was done in which world, and which rare branches were never walked.</summary>
internal sealed class SeedSweep
{
    /// <summary>Below this many runs a rare branch may be missed by chance, and nothing is concluded from it; a run for volume does at least as many.</summary>
    private const int RunsForMarks = 300;

    private readonly TextWriter output;
    private readonly SimWorld[] worlds;
    private readonly MarkGate marks;
    private readonly Lock gate = new();
    private readonly SimCounts total = new();
    private readonly SimCounts? ofWholeNodes;
    private readonly SimCounts[] byWorld;
    private readonly List<RunResult> failures = [];
    private readonly Stopwatch watch = new();
    private TimeSpan saidAt;
    private long runsForAllMarks;
    private bool isForVolume;
    private volatile bool isEnough;

    /// <summary>A sweep over some worlds, in turn.</summary>
    public SeedSweep(TextWriter output, SimWorld[] worlds)
    {
        (this.output, this.worlds) = (output, worlds);
        marks = new MarkGate(worlds.SelectMany(static world => world.Rooms));
        ofWholeNodes = Array.Exists(worlds, static world => world.IsOfWholeNodes) ? new SimCounts() : null;
        byWorld = [.. worlds.Select(static _ => new SimCounts())];
    }

    /// <summary>Runs so many seeds.</summary>
    public int Run(ulong from, int seeds, TimeSpan limit)
    {
        watch.Start();
        var turn = new WorldTurn(worlds, from);
        var next = -1;
        Parallel.For(0, Environment.ProcessorCount, _ =>
        {
            while (!isEnough && watch.Elapsed < limit && Interlocked.Increment(ref next) is var at && at < seeds)
            {
                var (world, seed) = turn.At(at);
                var result = world.Twice(seed);
                lock (gate) Take(world, result);
            }
        });
        output.WriteLine();
        PrintCounts(total, output);
        if (worlds.Length > 1) PrintWorlds();
        foreach (var failure in failures) output.WriteLine(Sentence(failure));
        var unreached = PrintMarks();
        PrintRates();
        output.WriteLine($"{total.Runs} seeds, each run twice, in {watch.Elapsed.TotalSeconds:F0} s: {failures.Count} failed");
        return failures.Count == 0 && !unreached ? 0 : 1;
    }

    /// <summary>Runs seeds from 1 on until every <see cref="VolumeBar"/> is met and every rare branch was walked; time running out first is a failure.</summary>
    public int RunVolume(TimeSpan limit)
    {
        isForVolume = true;
        var outcome = Run(1, int.MaxValue, limit);
        foreach (var bar in VolumeBar.All)
            output.WriteLine($"volume {(bar.IsMet(total, ofWholeNodes) ? "met " : "MISS")} {bar.What} {bar.Of(total):N0} of {bar.AtLeast:N0}{(ofWholeNodes is null ? "" : $", of whole nodes {bar.Of(ofWholeNodes):N0} of {bar.AtLeastOfWholeNodes:N0}")}");
        return VolumeBar.AreMet(total, ofWholeNodes) ? outcome : 1;
    }

    public static void PrintCounts(SimCounts counts, TextWriter output)
    {
        output.WriteLine($"events {counts.Events:N0}");
        output.WriteLine($"acknowledged client operations {counts.Acknowledged:N0}");
        output.WriteLine($"elections {counts.Elections:N0}");
        output.WriteLine($"log truncations {counts.Truncations:N0}");
        output.WriteLine($"snapshot installs {counts.SnapshotInstalls:N0}");
        output.WriteLine($"membership changes {counts.MembershipChanges:N0}");
        output.WriteLine($"crash recoveries {counts.CrashRecoveries:N0} (power losses {counts.PowerLosses:N0}, wiped disks {counts.Wipes:N0}, rotten sectors {counts.Rots:N0})");
        output.WriteLine($"leadership transfers {counts.Transfers:N0}, reads at leaders {counts.LeaseReads:N0}, at followers {counts.FollowerReads:N0}");
        output.WriteLine($"histories undecided {counts.Undecided:N0}");
    }

    private static string Sentence(RunResult result) => $"seed {result.Seed} --world {result.World} FAILED: {result.Failure}";

    private void PrintWorlds()
    {
        for (var i = 0; i < worlds.Length; i++)
        {
            var counts = byWorld[i];
            output.WriteLine($"world {worlds[i].Name}: {counts.Runs:N0} seeds, {counts.Events:N0} events, {counts.Acknowledged:N0} operations, {counts.Elections:N0} elections, {counts.Truncations:N0} truncations, "
                + $"{counts.SnapshotInstalls:N0} snapshot installs, {counts.MembershipChanges:N0} membership changes, {counts.CrashRecoveries:N0} crash recoveries");
        }
    }

    /// <summary>By the wall clock, and by processor time, which other work on the machine does not slow down. The second run of each seed is work but is not counted.</summary>
    private void PrintRates()
    {
        var (seconds, processorSeconds) = (watch.Elapsed.TotalSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
        output.WriteLine($"a second: {total.Events / seconds:N0} events, {total.Acknowledged / seconds:N0} operations; a processor second: {total.Events / processorSeconds:N0} events, {total.Acknowledged / processorSeconds:N0} operations");
    }

    private void Take(SimWorld world, RunResult result)
    {
        total.Add(result.Counts);
        if (world.IsOfWholeNodes) ofWholeNodes!.Add(result.Counts);
        byWorld[Array.IndexOf(worlds, world)].Add(result.Counts);
        if (runsForAllMarks == 0 && marks.AreReached) runsForAllMarks = total.Runs;
        isEnough = isForVolume && total.Runs >= RunsForMarks && runsForAllMarks > 0 && VolumeBar.AreMet(total, ofWholeNodes);
        if (result.Failure is not null)
        {
            failures.Add(result);
            output.WriteLine(Sentence(result));
        }

        if (watch.Elapsed - saidAt < TimeSpan.FromSeconds(10)) return;
        saidAt = watch.Elapsed;
        output.WriteLine($"{watch.Elapsed.TotalSeconds,5:F0} s: {total.Runs} seeds, {total.Events / 1e6:F1} M events, {total.Acknowledged / 1e3:F0} k operations, {failures.Count} failed");
    }

    private bool PrintMarks()
    {
        foreach (var mark in marks.Asked) output.WriteLine($"mark {(mark.Hits == 0 ? "NEVER REACHED" : mark.Hits.ToString("N0", null)),15}  {mark.Name}");
        foreach (var mark in marks.Elsewhere) output.WriteLine($"mark       elsewhere  {mark.Name} ({mark.Elsewhere})");
        if (runsForAllMarks > 0) output.WriteLine($"marks: all {marks.Asked.Count} were reached within the first {runsForAllMarks} runs");
        return runsForAllMarks == 0 && total.Runs >= RunsForMarks;
    }
}
