using System.CommandLine;
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
        var get = new Command("get", "Prints a value.") { name };
        var set = new Command("set", "Writes a value and prints its revision.") { name, value };
        var watch = new Command("watch", "Prints the changes of a value until interrupted.") { name };
        get.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => GetAsync(parsed, client, parsed.GetValue(name)!, cancel)));
        set.SetAction((parsed, cancel) => clients.RunAsync(parsed, async client => Report.Revision(parsed, await client.Configuration.SetAsync(parsed.GetValue(name)!, parsed.GetValue(value)!, cancel))));
        watch.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => WatchAsync(parsed, client, parsed.GetValue(name)!, cancel)));
        foreach (var verb in (Command[])[get, set, watch, .. HistoryVerbs.Of(clients, name, client => client.Configuration)]) config.Subcommands.Add(verb);
    }

    private static async Task<int> GetAsync(ParseResult parsed, HoldfastClient client, string name, CancellationToken cancel)
    {
        if (await client.Configuration.GetAsync(name, cancel) is not { } found) return ExitCode.No;
        Report.One(parsed, [VersionRow.Of(found)], ReportJson.Readable.IReadOnlyListVersionRow, found.Value);
        return ExitCode.Done;
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
