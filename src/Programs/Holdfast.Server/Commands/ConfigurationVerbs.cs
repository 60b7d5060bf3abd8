using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>get|set|watch|history|rollback</c> of <c>holdfast config</c>: values that all instances of a service share, with their past (R1.5). Exit code 4 when there is nothing.</summary>
internal static class ConfigurationVerbs
{
    internal static void AddTo(Command config)
    {
        var clients = ClientOptions.AddTo(config);
        var name = new Argument<string>("name") { Description = "The setting's name; it lives at /config/NAME." };
        var value = new Argument<string>("value") { Description = "The value." };
        var revision = new Argument<long>("revision") { Description = "A revision, as history prints it." };
        var limit = new Option<int>("--limit") { Description = "At most so many.", DefaultValueFactory = _ => 20 };
        var get = new Command("get", "Prints a value.") { name };
        var set = new Command("set", "Writes a value and prints its revision.") { name, value };
        var watch = new Command("watch", "Prints the changes of a value until interrupted.") { name };
        var history = new Command("history", "Prints revision and value, newest first, as far as they are not compacted.") { name, limit };
        var rollback = new Command("rollback", "Writes the value of a revision again, as a new revision.") { name, revision };
        get.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => GetAsync(parsed, client, parsed.GetValue(name)!, cancel)));
        set.SetAction((parsed, cancel) => clients.RunAsync(parsed, async client => Report.Revision(parsed, await client.Configuration.SetAsync(parsed.GetValue(name)!, parsed.GetValue(value)!, cancel))));
        watch.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => WatchAsync(parsed, client, parsed.GetValue(name)!, cancel)));
        history.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => HistoryAsync(parsed, client, parsed.GetValue(name)!, parsed.GetValue(limit), cancel)));
        rollback.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => RollbackAsync(parsed, client, parsed.GetValue(name)!, parsed.GetValue(revision), cancel)));
        foreach (var verb in (Command[])[get, set, watch, history, rollback]) config.Subcommands.Add(verb);
    }

    private static async Task<int> RollbackAsync(ParseResult parsed, HoldfastClient client, string name, long revision, CancellationToken cancel)
    {
        if (await client.Configuration.RollbackAsync(name, revision, cancel) is { } written) return Report.Revision(parsed, written);
        await Console.Error.WriteLineAsync("holdfast: nothing written: there was no value at that revision, or it is compacted, or somebody changed the value just now");
        return ExitCode.No;
    }

    private static async Task<int> GetAsync(ParseResult parsed, HoldfastClient client, string name, CancellationToken cancel)
    {
        if (await client.Configuration.GetAsync(name, cancel) is not { } found) return ExitCode.No;
        Report.One(parsed, [new VersionRow(found.Revision, found.Version, found.Value)], ReportJson.Readable.IReadOnlyListVersionRow, found.Value);
        return ExitCode.Done;
    }

    private static async Task<int> HistoryAsync(ParseResult parsed, HoldfastClient client, string name, int limit, CancellationToken cancel)
    {
        var rows = new List<VersionRow>();
        await foreach (var version in client.Configuration.HistoryAsync(name, limit, cancel)) rows.Add(new VersionRow(version.Revision, version.Version, version.Value));
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListVersionRow, ["revision", "value"], row => [row.Revision.ToString(CultureInfo.InvariantCulture), row.Value]);
        return rows.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> WatchAsync(ParseResult parsed, HoldfastClient client, string name, CancellationToken cancel)
    {
        try
        {
            await foreach (var (changed, revision, value) in client.Configuration.WatchAsync(name, cancel))
                Report.One(parsed, new ChangeRow(value is null ? "del" : "put", changed, value, revision), ReportJson.Lines.ChangeRow, $"{revision}\t{value ?? "(deleted)"}");
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Interrupted: that is how a watch ends.
        }

        return ExitCode.Done;
    }
}
