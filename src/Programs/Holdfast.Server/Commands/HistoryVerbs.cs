using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>history|rollback</c> of <c>holdfast config</c> and <c>holdfast flag</c>: what a value was, who wrote it and when, and an old one again (R1.5). Exit code 4 when there is nothing.</summary>
internal static class HistoryVerbs
{
    internal static Command[] Of(ClientOptions clients, Argument<string> name, Func<HoldfastClient, VersionedKeys> keysOf)
    {
        var revision = new Argument<long>("revision") { Description = "A revision, as history prints it." };
        var limit = new Option<int>("--limit") { Description = "At most so many.", DefaultValueFactory = _ => 20 };
        var history = new Command("history", "Prints revision, value, who wrote it and when, newest first, as far as they are not compacted.") { name, limit };
        var rollback = new Command("rollback", "Writes the value of a revision again, as a new revision.") { name, revision };
        history.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => HistoryAsync(parsed, keysOf(client), parsed.GetValue(name)!, parsed.GetValue(limit), cancel)));
        rollback.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => RollbackAsync(parsed, keysOf(client), parsed.GetValue(name)!, parsed.GetValue(revision), cancel)));
        return [history, rollback];
    }

    private static async Task<int> HistoryAsync(ParseResult parsed, VersionedKeys keys, string name, int limit, CancellationToken cancel)
    {
        var rows = new List<VersionRow>();
        await foreach (var version in keys.HistoryAsync(name, limit, cancel)) rows.Add(VersionRow.Of(version));
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListVersionRow, ["revision", "value", "who", "when"], row =>
            [row.Revision.ToString(CultureInfo.InvariantCulture), row.Value, row.Who ?? "", row.When?.ToString("u", CultureInfo.InvariantCulture) ?? ""]);
        return rows.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> RollbackAsync(ParseResult parsed, VersionedKeys keys, string name, long revision, CancellationToken cancel)
    {
        if (await keys.RollbackAsync(name, revision, cancel) is { } written) return Report.Revision(parsed, written);
        await Console.Error.WriteLineAsync("holdfast: nothing written: there was no value at that revision, or it is compacted, or somebody changed the value just now");
        return ExitCode.No;
    }
}
