using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>The alert rules that are shipped (R1.11): judged by Prometheus's own tool, and about metrics that exist.</summary>
public sealed partial class AlertRulesTests
{
    [Fact]
    public async Task Every_alert_fires_where_it_should_and_none_on_a_healthy_cluster()
    {
        var start = new ProcessStartInfo("promtool", ["test", "rules", Checkout.PathOf("deploy/prometheus/holdfast-alerts.test.yaml")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var promtool = Process.Start(start)!;
        var complaints = promtool.StandardError.ReadToEndAsync();
        var said = await promtool.StandardOutput.ReadToEndAsync();
        await promtool.WaitForExitAsync();
        Assert.True(promtool.ExitCode == 0, said + await complaints);
    }

    [Fact]
    public void Every_alert_has_a_case_and_is_about_metrics_that_the_reference_lists()
    {
        var rules = File.ReadAllText(Checkout.PathOf("deploy/prometheus/holdfast-alerts.yaml"));
        var cases = File.ReadAllText(Checkout.PathOf("deploy/prometheus/holdfast-alerts.test.yaml"));
        var reference = File.ReadAllText(Checkout.PathOf("docs/metrics.md"));
        foreach (Match alert in Alert().Matches(rules)) Assert.Contains($"- name: {alert.Groups[1].Value}\n", cases, StringComparison.Ordinal);
        foreach (Match metric in Metric().Matches(rules))
            Assert.Contains($"| `{Regex.Replace(metric.Value, "_bucket$", "")}` |", reference, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex Alert();

    [GeneratedRegex(@"\bholdfast_[a-z_]+\b")]
    private static partial Regex Metric();
}
