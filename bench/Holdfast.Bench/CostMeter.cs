using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Bench;

/// <summary>Who used the processors since it was made: the servers, this client, and everybody else, the hypervisor's other guests included.</summary>
internal sealed class CostMeter(IReadOnlyList<int> servers)
{
    private const double MicrosPerJiffy = 10_000;

    private readonly ProcessCost serversBefore = ProcessCost.Of(servers);
    private readonly ProcessCost ownBefore = ProcessCost.Of([Environment.ProcessId]);
    private readonly double busyBefore = BusyMicros();
    private readonly long began = Stopwatch.GetTimestamp();

    public MeasuredCost Read()
    {
        var took = Stopwatch.GetElapsedTime(began);
        var (ofServers, own) = (ProcessCost.Of(servers) - serversBefore, ProcessCost.Of([Environment.ProcessId]) - ownBefore);
        var others = BusyMicros() - busyBefore - ofServers.CpuMicros - own.CpuMicros;
        return new MeasuredCost(ofServers, own, Math.Max(0, others / took.TotalMicroseconds), took);
    }

    /// <summary>All that was not idle or waiting for a disk: user, nice, system, interrupts, and what was stolen by other guests (proc(5), /proc/stat).</summary>
    private static double BusyMicros()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var jiffies = new[] { 1, 2, 3, 6, 7, 8 }.Sum(field => long.Parse(fields[field], CultureInfo.InvariantCulture));
        return jiffies * MicrosPerJiffy;
    }
}

/// <summary>What a stretch of time cost.</summary>
/// <param name="Servers">All servers together.</param>
/// <param name="Own">This process.</param>
/// <param name="OthersCores">How many cores all else on the machine kept busy. The kernel's own threads that write for the servers are among it.</param>
/// <param name="Took">The time.</param>
internal readonly record struct MeasuredCost(ProcessCost Servers, ProcessCost Own, double OthersCores, TimeSpan Took);
