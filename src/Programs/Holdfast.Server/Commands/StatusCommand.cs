using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Spectre.Console;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast status</c>: a row per endpoint. Exit code 1 when one does not answer or knows no leader.</summary>
internal static class StatusCommand
{
    internal static Command Create()
    {
        var command = new Command("status", "Says how every endpoint is: member, leader, term, indexes.");
        var endpoints = ClientOptions.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            using var client = endpoints.Open(parsed);
            var statuses = await client.StatusAsync(cancel);
            if (Console.IsOutputRedirected) PrintLines(statuses);
            else PrintTable(statuses);
            return statuses.All(s => s.Status is { Leader: not 0 }) ? 0 : 1;
        });
        return command;
    }

    private static void PrintLines(IReadOnlyList<EndpointStatus> statuses)
    {
        foreach (var status in statuses) Console.WriteLine(string.Join('\t', Cells(status)));
    }

    private static void PrintTable(IReadOnlyList<EndpointStatus> statuses)
    {
        var table = new Table().AddColumns("endpoint", "member", "role", "leader", "term", "index", "applied", "note");
        foreach (var status in statuses) table.AddRow(Cells(status).Select(Markup.Escape).ToArray());
        AnsiConsole.Write(table);
    }

    private static string[] Cells(EndpointStatus endpoint)
    {
        if (endpoint.Status is not { } status) return [endpoint.Address, "", "", "", "", "", "", endpoint.Failure ?? "no answer"];
        var member = status.Header.MemberId;
        var role = status.IsLearner ? "learner" : status.Leader == 0 ? "no leader" : status.Leader == member ? "leader" : "follower";
        return
        [
            endpoint.Address, member.ToString("x", CultureInfo.InvariantCulture), role, status.Leader.ToString("x", CultureInfo.InvariantCulture),
            status.RaftTerm.ToString(CultureInfo.InvariantCulture), status.RaftIndex.ToString(CultureInfo.InvariantCulture),
            status.RaftAppliedIndex.ToString(CultureInfo.InvariantCulture), string.Join("; ", status.Errors),
        ];
    }
}
