using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Bench.Redis;

/// <summary>Runs redis-benchmark and prints one row per test that it made, with what the servers cost meanwhile. Give it one test where that cost matters: it is spread over all.</summary>
internal static class MeasuredCommand
{
    /// <param name="plan">The case is put before the test's own name.</param>
    /// <param name="command">redis-benchmark with its arguments; --csv and -n are added.</param>
    /// <param name="requests">Requests of each test.</param>
    public static int Run(LoadPlan plan, string[] command, int requests)
    {
        var meter = new CostMeter(plan.Servers);
        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), "--csv", "-n", requests.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        var cost = meter.Read();
        var rows = lines.Where(static line => line.StartsWith('"') && !line.StartsWith("\"test\"", StringComparison.Ordinal)).Select(static line => line.Split("\",\"")).ToArray();
        var children = ChildrenMicros();
        var others = Math.Max(0, cost.OthersCores - (children / cost.Took.TotalMicroseconds));
        foreach (var row in rows) Print(plan, row, requests, rows.Length, cost, children, others);
        if (process.ExitCode != 0 || rows.Length == 0) Console.WriteLine($"{plan.Case} failed: {command[0]} ended with {process.ExitCode}");
        return process.ExitCode;
    }

    private static void Print(LoadPlan plan, string[] row, int requests, int tests, MeasuredCost cost, double children, double others)
    {
        // test, rps, average, minimum, p50, p95, p99, maximum: latencies in milliseconds.
        var numbers = row.Skip(1).Select(static cell => double.Parse(cell.Trim('"', '\r'), CultureInfo.InvariantCulture)).ToArray();
        Console.WriteLine(new LoadRow
        {
            Case = (plan.Case + row[0].TrimStart('"').Split(' ')[0]).ToLowerInvariant(),
            Clients = plan.Clients,
            Operations = requests,
            Errors = 0,
            MedianMicros = (int)(numbers[3] * 1000),
            WorstOfHundredMicros = (int)(numbers[5] * 1000),
            WorstMicros = (int)(numbers[6] * 1000),
            Servers = new ProcessCost(cost.Servers.CpuMicros / tests, cost.Servers.Switches / tests),
            Client = new ProcessCost(children / tests, 0),
            Took = TimeSpan.FromSeconds(requests / numbers[0]),
            OthersCores = others,
        });
    }

    /// <summary>What children that have ended used: fields 16 and 17 of proc(5)'s stat.</summary>
    private static double ChildrenMicros()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture)) * 10_000.0;
    }
}
