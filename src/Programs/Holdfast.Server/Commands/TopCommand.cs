using System.CommandLine;
using System.Globalization;
using Holdfast.Server.Client;
using Holdfast.Server.Configuration;
using Holdfast.Server.Hosting;
using Spectre.Console;

namespace Holdfast.Server.Commands;

/// <summary>A node at one look of <c>holdfast top</c>: what it has done since the look before.</summary>
internal sealed record TopRow(string Name, string Role, ulong Term, double AppliedPerSecond, ulong Backlog, ulong LagMax, double Cores, long MemoryBytes, double SyncMillisecondsP99, string Note);

/// <summary><c>holdfast top</c>: every node, again and again. On a terminal a table that is drawn over, elsewhere a line per node and look.</summary>
internal static class TopCommand
{
    private const ulong Keyspace = 1;
    private static readonly string[] Columns = ["name", "role", "term", "applied/s", "backlog", "lag", "cores", "memory", "fsync p99", "note"];

    internal static Command Create()
    {
        var command = new Command("top", "Shows every node of the cluster live: writes applied a second, backlog, lag, processor, memory, disk.");
        var servers = ClientOptions.AddTo(command);
        var interval = Durations.Option("--interval", "1s", "The time between two looks.");
        var count = new Option<int>("--count", "-n") { Description = "Ends after so many looks; 0 goes on until it is stopped.", DefaultValueFactory = _ => 0 };
        command.Options.Add(interval);
        command.Options.Add(count);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            if (!GoDuration.TryParse(parsed.GetValue(interval)!, TimeSpan.FromSeconds(1), out var pause) || pause < TimeSpan.FromMilliseconds(100))
                throw new ClientAccessException($"--interval: \"{parsed.GetValue(interval)}\" is no span of time of at least 100ms");
            await (Console.IsOutputRedirected || Report.IsJson(parsed) ? LinesAsync(parsed, access, pause, parsed.GetValue(count), cancel) : TableAsync(access, pause, parsed.GetValue(count), cancel));
            return ExitCode.Done;
        }));
        return command;
    }

    private static async Task LinesAsync(ParseResult parsed, ClientAccess access, TimeSpan pause, int count, CancellationToken cancel)
    {
        await foreach (var rows in LooksAsync(access, pause, count, cancel))
            if (Report.IsJson(parsed)) Report.One(parsed, rows, ReportJson.Lines.IReadOnlyListTopRow, "");
            else foreach (var row in rows) Console.WriteLine(string.Join('\t', Cells(row)));
    }

    private static async Task TableAsync(ClientAccess access, TimeSpan pause, int count, CancellationToken cancel) =>
        await AnsiConsole.Live(new Table().AddColumns(Columns)).StartAsync(async live =>
        {
            await foreach (var rows in LooksAsync(access, pause, count, cancel))
            {
                var table = new Table().AddColumns(Columns);
                foreach (var row in rows) table.AddRow(Cells(row).Select(Markup.Escape).ToArray());
                live.UpdateTarget(table);
            }
        });

    /// <summary>Looks, and what changed between each two; ends quietly when it is stopped.</summary>
    private static async IAsyncEnumerable<IReadOnlyList<TopRow>> LooksAsync(ClientAccess access, TimeSpan pause, int count, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(pause);
        var before = await ClusterSurvey.AskAsync(access, cancel);
        for (var looks = 0; count == 0 || looks < count; looks++)
        {
            if (!await TickAsync(timer, cancel)) yield break;
            var now = await ClusterSurvey.AskAsync(access, cancel);
            yield return [.. now.OrderBy(answer => answer.Name, StringComparer.Ordinal).Select(answer => RowOf(answer, before.FirstOrDefault(old => old.Status?.NodeId == answer.Status?.NodeId)))];
            before = now;
        }
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken cancel)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    internal static TopRow RowOf(NodeAnswer answer, NodeAnswer? before)
    {
        if (answer.Status is not { } status) return new TopRow(answer.Name.Length > 0 ? answer.Name : answer.Address, "down", 0, 0, 0, 0, 0, 0, 0, answer.Failure);
        var group = status.Groups.First(each => each.Group == Keyspace);
        var seconds = before?.Status is { } old ? (status.TimeMicros - old.TimeMicros) / 1e6 : 0;
        var applied = before?.Status?.Groups.First(each => each.Group == Keyspace).AppliedIndex ?? group.AppliedIndex;
        var note = string.Join("; ", status.Alarms.Select(alarm => alarm.Code).Concat(status.Members.Where(member => !member.IsReachable).Select(member => $"does not hear {member.Name}")));
        return new TopRow(
            status.Name, group.Role, group.Term, seconds > 0 ? (group.AppliedIndex - Math.Min(applied, group.AppliedIndex)) / seconds : 0, group.CommitIndex - Math.Min(group.AppliedIndex, group.CommitIndex),
            group.Followers.Count == 0 ? 0 : group.Followers.Max(follower => follower.Lag), seconds > 0 ? (status.CpuSeconds - before!.Status!.CpuSeconds) / seconds : 0, status.MemoryBytes, status.SyncMillisecondsP99, note);
    }

    private static string[] Cells(TopRow row) =>
    [
        row.Name, row.Role, row.Term.ToString(CultureInfo.InvariantCulture), row.AppliedPerSecond.ToString("F0", CultureInfo.InvariantCulture), row.Backlog.ToString(CultureInfo.InvariantCulture),
        row.LagMax.ToString(CultureInfo.InvariantCulture), row.Cores.ToString("F2", CultureInfo.InvariantCulture), ProgressLine.Size(row.MemoryBytes), $"{row.SyncMillisecondsP99.ToString("F1", CultureInfo.InvariantCulture)} ms", row.Note,
    ];
}
