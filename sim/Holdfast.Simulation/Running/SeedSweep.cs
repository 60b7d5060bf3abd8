using System.Diagnostics;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Faults;

namespace Holdfast.Simulation.Running;

/// <summary>Many seeds on all processors, until they are done or the time is up; then what was done, and which rare branches were never walked.</summary>
internal sealed class SeedSweep(TextWriter output)
{
    /// <summary>Below this many runs a rare branch may be missed by chance, and nothing is concluded from it; a run for volume does at least as many.</summary>
    private const int RunsForMarks = 300;

    /// <summary>Of so many runs in a row one is of whole nodes, and brings the rare branches of production code: it takes several times as long as the others, which bring the counts.</summary>
    private const int RunsInTurn = 5;

    private readonly Lock gate = new();
    private readonly SimCounts total = new();
    private readonly List<RunResult> failures = [];
    private readonly Stopwatch watch = new();
    private TimeSpan saidAt;
    private long runsForAllMarks;
    private bool isForVolume;
    private volatile bool isEnough;

    /// <summary>Runs seeds of one world, or with none named of both in turn.</summary>
    public int Run(ulong from, int seeds, TimeSpan limit, string? world = null)
    {
        watch.Start();
        var next = -1;
        Parallel.For(0, Environment.ProcessorCount, _ =>
        {
            while (!isEnough && watch.Elapsed < limit && Interlocked.Increment(ref next) is var at && at < seeds)
            {
                var result = RunAt(from, at, world);
                lock (gate) Take(result);
            }
        });
        output.WriteLine();
        PrintCounts(total, output);
        foreach (var failure in failures) output.WriteLine(Sentence(failure));
        var unreached = PrintMarks();
        PrintRates();
        output.WriteLine($"{total.Runs} seeds, each run twice, in {watch.Elapsed.TotalSeconds:F0} s: {failures.Count} failed");
        return failures.Count == 0 && !unreached ? 0 : 1;
    }

    private static RunResult RunAt(ulong from, int at, string? world) => world switch
    {
        "raft" => SimulationRun.Twice(from + (ulong)at, Mutation.None),
        "sessions" => ClusterRun.TwiceWithSessions(from + (ulong)at),
        "shards" => ClusterRun.TwiceWithShards(from + (ulong)at),
        "vectors" => ClusterRun.TwiceWithVectors(from + (ulong)at),
        "procedures" => ClusterRun.TwiceWithProcedures(from + (ulong)at),
        "cluster" => ClusterRun.Twice(from + (ulong)at, ClusterMutation.None),
        _ when at % RunsInTurn != 0 => SimulationRun.Twice(from + (ulong)(at / RunsInTurn * (RunsInTurn - 1) + at % RunsInTurn - 1), Mutation.None),
        _ => ClusterRun.Twice(from + (ulong)(at / RunsInTurn), ClusterMutation.None),
    };

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

    /// <summary>Runs seeds of one world, or with none named of both, from 1 on until every <see cref="VolumeBar"/> is met and every rare branch was walked; time running out first is a failure.</summary>
    public int RunVolume(TimeSpan limit, string? world)
    {
        isForVolume = true;
        var outcome = Run(1, int.MaxValue, limit, world);
        foreach (var bar in VolumeBar.All) output.WriteLine($"volume {(bar.IsMet(total) ? "met " : "MISS")} {bar.What} {bar.Of(total):N0} of {bar.AtLeast:N0}");
        return VolumeBar.AreMet(total) ? outcome : 1;
    }

    /// <summary>By the wall clock, and by processor time, which other work on the machine does not slow down. The second run of each seed is work but is not counted.</summary>
    private void PrintRates()
    {
        var (seconds, processorSeconds) = (watch.Elapsed.TotalSeconds, Environment.CpuUsage.TotalTime.TotalSeconds);
        output.WriteLine($"a second: {total.Events / seconds:N0} events, {total.Acknowledged / seconds:N0} operations; a processor second: {total.Events / processorSeconds:N0} events, {total.Acknowledged / processorSeconds:N0} operations");
    }

    private void Take(RunResult result)
    {
        total.Add(result.Counts);
        // A mark is declared when its type is first touched, which may be late.
        runsForAllMarks = !Mark.All().All(static mark => mark.Hits > 0) ? 0 : runsForAllMarks == 0 ? total.Runs : runsForAllMarks;
        isEnough = isForVolume && total.Runs >= RunsForMarks && runsForAllMarks > 0 && VolumeBar.AreMet(total);
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
        var unreached = false;
        foreach (var mark in Mark.All())
        {
            output.WriteLine($"mark {(mark.Hits == 0 ? "NEVER REACHED" : mark.Hits.ToString("N0", null)),15}  {mark.Name}");
            unreached |= mark.Hits == 0;
        }

        if (!unreached) output.WriteLine($"marks: all were reached within the first {runsForAllMarks} runs");
        return unreached && total.Runs >= RunsForMarks;
    }
}
