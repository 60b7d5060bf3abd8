using System.Globalization;

namespace Holdfast.Bench;

/// <summary>What processes have cost so far: CPU time, and how often their threads gave the processor up by themselves (each a wait and a wake-up). Both survive a noisy machine.</summary>
internal readonly record struct ProcessCost(double CpuMicros, long Switches)
{
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
        double micros = 0;
        long switches = 0;
        foreach (var task in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            try
            {
                // schedstat's first number is nanoseconds on a processor: a hundred thousand times finer than stat's jiffies.
                micros += double.Parse(File.ReadAllText(task + "/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) / 1000;
                foreach (var line in File.ReadLines(task + "/status"))
                    if (line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal)) switches += long.Parse(line[24..], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // The thread has ended; a pool's threads are few and end seldom.
            }
        }

        return new ProcessCost(micros, switches);
    }
}
