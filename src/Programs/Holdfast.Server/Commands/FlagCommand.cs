using System.CommandLine;
using System.Globalization;
using Holdfast.Client;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast flag set|rollout|get|ls</c>: feature flags with percentage rollout and targeting (R1.5). <c>get NAME --for WHO</c> exits with 0 for on and 1 for off.</summary>
internal static class FlagCommand
{
    private const int OffOrNotThere = 1;

    internal static Command Create()
    {
        var command = new Command("flag", "Feature flags.");
        var clients = ClientOptions.AddTo(command);
        var name = new Argument<string>("name") { Description = "The flag's name; it lives at /flags/NAME." };
        var state = new Argument<string>("state") { Description = "on or off." };
        state.AcceptOnlyFromAmong("on", "off");
        var percent = new Argument<double>("percent") { Description = "0 to 100." };
        var rules = new Option<string[]>("--rule") { Description = "ATTRIBUTE=VALUE,VALUE:on|off, asked in this order before the percentage; replaces the rules. May be given several times." };
        var subject = new Option<string>("--for") { Description = "Says whether it is on for this subject." };
        var set = new Command("set", "Turns a flag on or off; its rules and percentage stay.") { name, state, rules };
        var rollout = new Command("rollout", "Turns a flag on for so many of a hundred; more keeps those that less had.") { name, percent };
        var get = new Command("get", "Prints a flag, or whether it is on for a subject.") { name, subject };
        var ls = new Command("ls", "Lists the flags: name, on or off, percentage, number of rules, revision.");
        set.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ChangeAsync(client, parsed.GetValue(name)!, flag => Set(flag, parsed.GetValue(state) == "on", parsed.GetValue(rules)), cancel)));
        rollout.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ChangeAsync(client, parsed.GetValue(name)!, flag => RollOut(flag, parsed.GetValue(percent)), cancel)));
        get.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => GetAsync(client, parsed.GetValue(name)!, parsed.GetValue(subject), cancel)));
        ls.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ListAsync(client, cancel)));
        foreach (var verb in (Command[])[set, rollout, get, ls]) command.Subcommands.Add(verb);
        return command;
    }

    private static FeatureFlag Set(FeatureFlag flag, bool isOn, string[]? rules) =>
        flag with { Enabled = isOn, Rules = rules is { Length: > 0 } ? [.. rules.Select(Rule)] : flag.Rules };

    private static FeatureFlag RollOut(FeatureFlag flag, double percent) =>
        percent is >= 0 and <= 100 ? flag with { Enabled = true, Rollout = percent } : throw new ArgumentException($"a percentage is between 0 and 100, not {percent}");

    private static TargetingRule Rule(string text)
    {
        var (equals, colon) = (text.IndexOf('='), text.LastIndexOf(':'));
        return equals > 0 && colon > equals && text[(colon + 1)..] is "on" or "off"
            ? new TargetingRule(text[..equals], text[(equals + 1)..colon].Split(','), text.EndsWith("on", StringComparison.Ordinal))
            : throw new ArgumentException($"--rule: \"{text}\" is not ATTRIBUTE=VALUE,VALUE:on|off");
    }

    private static async Task<int> ChangeAsync(HoldfastClient client, string name, Func<FeatureFlag, FeatureFlag> change, CancellationToken cancel)
    {
        var now = await client.Flags.GetAsync(name, cancel);
        var flag = now is null ? new FeatureFlag() : FeatureFlag.TryParse(now.Value) ?? throw new ArgumentException($"what stands at /flags/{name} is no flag");
        if (await client.Flags.ReplaceAsync(name, now?.Revision ?? 0, change(flag).ToJson(), cancel) is not { } revision)
        {
            await Console.Error.WriteLineAsync("holdfast: nothing written: somebody changed the flag just now; look at it and try again");
            return ClientOptions.Failed;
        }

        Console.WriteLine($"revision {revision}");
        return 0;
    }

    private static async Task<int> GetAsync(HoldfastClient client, string name, string? subject, CancellationToken cancel)
    {
        var found = await client.Flags.GetAsync(name, cancel);
        if (subject is null)
        {
            if (found is not null) Console.WriteLine(found.Value);
            return found is null ? OffOrNotThere : 0;
        }

        var isOn = found is not null && FeatureFlag.TryParse(found.Value) is { } flag && flag.IsOnFor(name, subject);
        Console.WriteLine(isOn ? "on" : "off");
        return isOn ? 0 : OffOrNotThere;
    }

    private static async Task<int> ListAsync(HoldfastClient client, CancellationToken cancel)
    {
        foreach (var (name, value) in await client.Flags.ListAsync(cancel))
            if (FeatureFlag.TryParse(value.Value) is { } flag)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{(flag.Enabled ? "on" : "off")}\t{flag.Rollout}\t{flag.Rules.Count}\t{value.Revision}"));
        return 0;
    }
}
