using System.Globalization;

namespace Holdfast.Bench;

/// <summary>One measurement as it is printed. It says by itself when it proves nothing.</summary>
internal sealed record LoadRow
{
    /// <summary>Above this load average at the start, others used the machine too.</summary>
    private const double LoadMax = 2;

    public required string Case { get; init; }

    public required int Clients { get; init; }

    public required long Operations { get; init; }

    public required int Errors { get; init; }

    public required int MedianMicros { get; init; }

    public required int WorstOfHundredMicros { get; init; }

    public required ProcessCost Servers { get; init; }

    /// <summary>The client's own cost; null when the load is made inside a server.</summary>
    public ProcessCost? Client { get; init; }

    public required TimeSpan Took { get; init; }

    public required double Load { get; init; }

    public static double LoadAverage() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    public override string ToString()
    {
        var operations = Math.Max(1.0, Operations);
        var row = FormattableString.Invariant($"{Case} clients={Clients} ops/s={Operations / Took.TotalSeconds:F0} p50={MedianMicros / 1000.0:F2}ms p99={WorstOfHundredMicros / 1000.0:F2}ms ") +
            FormattableString.Invariant($"server-cpu-us/op={Servers.CpuMicros / operations:F1} server-switches/op={Servers.Switches / operations:F2} ");
        if (Client is { } client) row += FormattableString.Invariant($"client-cpu-us/op={client.CpuMicros / operations:F1} ");
        return row + FormattableString.Invariant($"load={Load:F1}") + Verdict();
    }

    private string Verdict()
    {
        var faults = new List<string>();
        if (Load > LoadMax) faults.Add("load");
        if (Client is { } client && client.CpuMicros > Servers.CpuMicros) faults.Add("client-dearer-than-servers");
        if (Errors > 0) faults.Add($"{Errors}-errors");
        if (Operations == 0) faults.Add("no-operations");
        return faults.Count > 0 ? " INVALID:" + string.Join(',', faults) : "";
    }
}
