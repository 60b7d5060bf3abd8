using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>docs/metrics.md is what a node exposes (R1.11). HOLDFAST_WRITE_DOCS=1 writes it anew.</summary>
public sealed partial class MetricsPageTests
{
    [Fact]
    public async Task The_reference_lists_exactly_what_nodes_expose()
    {
        await using var cluster = await ProcessCluster.StartAsync(flags: ["--dns", "127.0.0.1:0", "--vectors", "127.0.0.1:0"]);
        using var http = new HttpClient();
        var families = new SortedDictionary<string, (string Kind, string Help)>(StringComparer.Ordinal);
        for (var node = 0; node < cluster.Nodes; node++)
        {
            var page = await WithPeersAsync(http, cluster.Endpoint(node));
            foreach (Match family in Family().Matches(page)) families[family.Groups[1].Value] = (family.Groups[3].Value, family.Groups[2].Value);
            Assert.Contains("holdfast_wal_fsync_seconds_count", page, StringComparison.Ordinal);
        }

        var reference = Reference(families);
        var path = Checkout.PathOf("docs/metrics.md");
        if (Environment.GetEnvironmentVariable("HOLDFAST_WRITE_DOCS") == "1") await File.WriteAllTextAsync(path, reference);
        Assert.Equal(await File.ReadAllTextAsync(path), reference);
    }

    /// <summary>The page once the node has heard of its peers: their series come with the first look after that.</summary>
    private static async Task<string> WithPeersAsync(HttpClient http, string endpoint)
    {
        for (var begun = Stopwatch.StartNew(); begun.Elapsed < Patient.Most;)
        {
            var page = await http.GetStringAsync($"http://{endpoint}/metrics");
            if (Answered().Count(page) == 2) return page;
        }

        throw new InvalidOperationException($"{endpoint} shows no round trips to its two peers");
    }

    private static string Reference(SortedDictionary<string, (string Kind, string Help)> families)
    {
        var page = new StringBuilder("""
            # Metrics

            Every node serves them at `/metrics` on its client port, in Prometheus's text format; in process they are the meter "Holdfast" of `System.Diagnostics.Metrics`. Counting allocates nothing.
            The `etcd_*` and `grpc_server_*` names are those that dashboards and alert rules for etcd use. Alert rules with thresholds: [deploy/prometheus](../deploy/prometheus/holdfast-alerts.yaml).
            This page is generated from what three nodes expose (`HOLDFAST_WRITE_DOCS=1`, test `The_reference_lists_exactly_what_nodes_expose`).

            | name | kind | meaning |
            |---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var (name, (kind, help)) in families) page.Append("| `").Append(name).Append("` | ").Append(kind).Append(" | ").Append(help).Append(" |\n");
        return page.ToString();
    }

    [GeneratedRegex(@"holdfast_peer_round_trip_seconds_count\{peer=""n\d""\} [1-9]")]
    private static partial Regex Answered();

    [GeneratedRegex(@"^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Family();
}
