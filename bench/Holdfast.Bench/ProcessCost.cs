using System.Globalization;

namespace Holdfast.Bench;

/// <summary>What processes have cost so far: CPU time, and how often their threads gave the processor up by themselves (each a wait and a wake-up). Both survive a noisy machine.</summary>
internal readonly record struct ProcessCost(double CpuMicros, long Switches)
{
    private const double MicrosPerJiffy = 10_000;

    public static ProcessCost operator -(ProcessCost after, ProcessCost before) => new(after.CpuMicros - before.CpuMicros, after.Switches - before.Switches);

    public static ProcessCost operator +(ProcessCost left, ProcessCost right) => new(left.CpuMicros + right.CpuMicros, left.Switches + right.Switches);

    /// <summary>The sum over the processes; nothing where there are none.</summary>
    public static ProcessCost Of(IReadOnlyList<int> processes)
    {
        var sum = default(ProcessCost);
        foreach (var process in processes) sum += Of(process);
        return sum;
    }

    private static ProcessCost Of(int process)
    {
        long switches = 0;
        foreach (var task in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            try
            {
                foreach (var line in File.ReadLines(task + "/status"))
                    if (line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal)) switches += long.Parse(line[24..], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // The thread has ended, and its switches with it; a pool's threads are few and end seldom.
            }
        }

        // User and system time, fields 14 and 15, counted behind the name, which may contain spaces. Threads that have ended are in it.
        var stat = File.ReadAllText($"/proc/{process}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var jiffies = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return new ProcessCost(jiffies * MicrosPerJiffy, switches);
    }
}
