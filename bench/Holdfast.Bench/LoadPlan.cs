using System.Globalization;

namespace Holdfast.Bench;

/// <summary>What one measurement does. Servers are the process ids whose cost is counted.</summary>
internal sealed record LoadPlan(string[] Endpoints, string Case, int Clients, double Seconds, int ValueBytes, int[] Servers)
{
    /// <summary>The file of the authority that signed the servers' certificates; null for no TLS.</summary>
    public string? Authority { get; private init; }

    /// <summary>Keys to put, when their number and not the time ends the load; 0 for none.</summary>
    public int Keys { get; private init; }

    public static LoadPlan Parse(string[] args)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < args.Length; i += 2) given[args[i]] = args[i + 1];
        string Of(string name, string fallback) => given.GetValueOrDefault(name, fallback);
        return new LoadPlan(
            Of("--endpoints", "127.0.0.1:2379").Split(','),
            Of("--case", "put"),
            int.Parse(Of("--clients", "1"), CultureInfo.InvariantCulture),
            double.Parse(Of("--seconds", "5"), CultureInfo.InvariantCulture),
            int.Parse(Of("--size", "256"), CultureInfo.InvariantCulture),
            [.. Of("--servers", "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))])
        {
            Authority = given.GetValueOrDefault("--ca"),
            Keys = int.Parse(Of("--keys", "0"), CultureInfo.InvariantCulture),
        };
    }
}
