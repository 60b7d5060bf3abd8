using System.CommandLine;
using Holdfast.Client;

namespace Holdfast.Server.Commands;

/// <summary><c>get|set|watch|history|rollback</c> of <c>holdfast config</c>: values that all instances of a service share, with their past (R1.5). Exit code 1 when there is nothing.</summary>
internal static class ConfigurationVerbs
{
    private const int NotThere = 1;

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
        get.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => GetAsync(client, parsed.GetValue(name)!, cancel)));
        set.SetAction((parsed, cancel) => clients.RunAsync(parsed, async client => Say(await client.Configuration.SetAsync(parsed.GetValue(name)!, parsed.GetValue(value)!, cancel))));
        watch.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => WatchAsync(client, parsed.GetValue(name)!, cancel)));
        history.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => HistoryAsync(client, parsed.GetValue(name)!, parsed.GetValue(limit), cancel)));
        rollback.SetAction((parsed, cancel) => clients.RunAsync(parsed, async client => Say(await client.Configuration.RollbackAsync(parsed.GetValue(name)!, parsed.GetValue(revision), cancel))));
        foreach (var verb in (Command[])[get, set, watch, history, rollback]) config.Subcommands.Add(verb);
    }

    private static int Say(long? revision)
    {
        if (revision is { } written) Console.WriteLine($"revision {written}");
        else Console.Error.WriteLine("holdfast: nothing written: there was no value at that revision, or it is compacted, or somebody changed the value just now");
        return revision is null ? NotThere : 0;
    }

    private static async Task<int> GetAsync(HoldfastClient client, string name, CancellationToken cancel)
    {
        if (await client.Configuration.GetAsync(name, cancel) is not { } found) return NotThere;
        Console.WriteLine(found.Value);
        return 0;
    }

    private static async Task<int> HistoryAsync(HoldfastClient client, string name, int limit, CancellationToken cancel)
    {
        var isThere = false;
        await foreach (var version in client.Configuration.HistoryAsync(name, limit, cancel))
        {
            isThere = true;
            Console.WriteLine($"{version.Revision}\t{version.Value}");
        }

        return isThere ? 0 : NotThere;
    }

    private static async Task<int> WatchAsync(HoldfastClient client, string name, CancellationToken cancel)
    {
        try
        {
            await foreach (var (_, revision, value) in client.Configuration.WatchAsync(name, cancel)) Console.WriteLine($"{revision}\t{value ?? "(deleted)"}");
        }
        catch (OperationCanceledException)
        {
            // Interrupted: that is how a watch ends.
        }

        return 0;
    }
}
