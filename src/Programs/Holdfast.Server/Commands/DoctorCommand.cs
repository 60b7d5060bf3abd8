using System.CommandLine;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast doctor</c>: asks every node and applies the guard rails (R1.13). Exit code 1 when something must be mended now; advice alone is 0.</summary>
internal static class DoctorCommand
{
    internal static Command Create()
    {
        var command = new Command("doctor", "Looks for what is wrong or unwise: nodes down, no leader, lag, alarms, slow disks, certificates that end, even voters, versions that differ.");
        var servers = ClientOptions.AddTo(command);
        var report = Report.AddTo(command);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            var findings = Diagnosis.Of(await ClusterSurvey.AskAsync(access, cancel), DateTimeOffset.UtcNow);
            report.Print(parsed, findings, ReportJson.Readable.IReadOnlyListFinding, ["", "code", "what is, and what to do"], finding => [finding.IsError ? "error" : "advice", finding.Code, finding.Sentence]);
            if (findings.Count == 0) await Console.Error.WriteLineAsync("nothing is wrong");
            return findings.Any(finding => finding.IsError) ? ExitCode.Failed : ExitCode.Done;
        }));
        return command;
    }
}
