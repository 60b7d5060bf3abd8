using System.CommandLine;
using System.Globalization;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>A node as <c>holdfast status</c> shows it. Role, term and indexes are those of the etcd keyspace.</summary>
internal sealed record NodeRow(string Name, string Endpoint, string Role, string NodeId, string Leader, ulong Term, ulong LastIndex, ulong CommitIndex, ulong AppliedIndex, string Version, string Note);

/// <summary><c>holdfast status</c>: a row per node of the cluster, the named endpoints first. Exit code 1 when one does not answer or knows no leader.</summary>
internal static class StatusCommand
{
    /// <summary>The etcd keyspace's group.</summary>
    private const ulong Keyspace = 1;

    internal static Command Create()
    {
        var command = new Command("status", "Says how every node of the cluster is: role, leader, term, indexes, alarms.");
        var servers = ClientOptions.AddTo(command);
        var report = Report.AddTo(command);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            var answers = await ClusterSurvey.AskAsync(access, cancel);
            var rows = answers.Select(RowOf).ToList();
            report.Print(parsed, rows, ReportJson.Readable.IReadOnlyListNodeRow, ["name", "endpoint", "role", "leader", "term", "last", "commit", "applied", "version", "note"], Cells);
            return rows.All(row => row.Role is not ("down" or "no leader")) ? ExitCode.Done : ExitCode.Failed;
        }));
        return command;
    }

    private static NodeRow RowOf(NodeAnswer answer)
    {
        if (answer.Status is not { } status) return new NodeRow(answer.Name, answer.Address, "down", "", "", 0, 0, 0, 0, "", answer.Failure);
        var group = status.Groups.First(each => each.Group == Keyspace);
        var leader = status.Members.FirstOrDefault(member => member.NodeId == group.Leader)?.Name ?? group.Leader;
        var isLed = group.Leader.Any(digit => digit != '0');
        var note = string.Join("; ", status.Alarms.Select(alarm => alarm.Code).Concat(status.Members.Where(member => !member.IsReachable).Select(member => $"does not hear {member.Name}")));
        return new NodeRow(status.Name, answer.Address, isLed ? group.Role : "no leader", status.NodeId, isLed ? leader : "", group.Term, group.LastIndex, group.CommitIndex, group.AppliedIndex, status.Version, note);
    }

    private static string[] Cells(NodeRow row) =>
    [
        row.Name, row.Endpoint, row.Role, row.Leader, Number(row.Term), Number(row.LastIndex), Number(row.CommitIndex), Number(row.AppliedIndex), row.Version.Split('+')[0], row.Note,
    ];

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
