namespace Holdfast.Bench;

/// <summary>One measurement as it is printed. It says by itself when it proves nothing.</summary>
internal sealed record LoadRow
{
    /// <summary>
    /// When others kept more of the machine busy than this, in cores, a row proves nothing. (The load average cannot say so: for minutes it holds the rows before.)
    /// </summary>
    private const double OthersMax = 0.25;

    public required string Case { get; init; }

    public required int Clients { get; init; }

    public required long Operations { get; init; }

    public required int Errors { get; init; }

    public required int MedianMicros { get; init; }

    public required int WorstOfHundredMicros { get; init; }

    /// <summary>All but one in ten thousand are shorter; 0 when that was not looked at.</summary>
    public int WorstOfTenThousandMicros { get; init; }

    /// <summary>The longest of all: what a pause shows as.</summary>
    public int WorstMicros { get; init; }

    public required ProcessCost Servers { get; init; }

    /// <summary>The client's own cost; null when the load is made inside a server.</summary>
    public ProcessCost? Client { get; init; }

    public required TimeSpan Took { get; init; }

    /// <summary>Cores that neither the servers nor the client kept busy.</summary>
    public required double OthersCores { get; init; }

    public override string ToString()
    {
        var operations = Math.Max(1.0, Operations);
        var row = FormattableString.Invariant($"{Case} clients={Clients} ops/s={Operations / Took.TotalSeconds:F0} p50={MedianMicros / 1000.0:F2}ms p99={WorstOfHundredMicros / 1000.0:F2}ms ") +
            (WorstOfTenThousandMicros > 0 ? FormattableString.Invariant($"p99.99={WorstOfTenThousandMicros / 1000.0:F2}ms ") : "") +
            FormattableString.Invariant($"max={WorstMicros / 1000.0:F1}ms ") +
            FormattableString.Invariant($"server-cpu-us/op={Servers.CpuMicros / operations:F1} server-switches/op={Servers.Switches / operations:F2} ");
        if (Client is { } client) row += FormattableString.Invariant($"client-cpu-us/op={client.CpuMicros / operations:F1} ");
        return row + FormattableString.Invariant($"others={OthersCores:F2}cores") + Verdict();
    }

    private string Verdict()
    {
        var faults = new List<string>();
        if (OthersCores > OthersMax) faults.Add("others");
        if (Client is { } client && client.CpuMicros > Servers.CpuMicros) faults.Add("client-dearer-than-servers");
        if (Errors > 0) faults.Add($"{Errors}-errors");
        if (Operations == 0) faults.Add("no-operations");
        return faults.Count > 0 ? " INVALID:" + string.Join(',', faults) : "";
    }
}
