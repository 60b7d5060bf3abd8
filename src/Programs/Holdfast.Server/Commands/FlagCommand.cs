using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast flag set|rollout|get|ls|history|rollback</c>: feature flags with percentage rollout and targeting (R1.5). <c>get NAME --for WHO</c> exits with 0 for on and 4 for off.</summary>
internal static class FlagCommand
{
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
        set.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ChangeAsync(parsed, client, parsed.GetValue(name)!, flag => Set(flag, parsed.GetValue(state) == "on", parsed.GetValue(rules)), cancel)));
        rollout.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ChangeAsync(parsed, client, parsed.GetValue(name)!, flag => RollOut(flag, parsed.GetValue(percent)), cancel)));
        get.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => GetAsync(parsed, client, parsed.GetValue(name)!, parsed.GetValue(subject), cancel)));
        ls.SetAction((parsed, cancel) => clients.RunAsync(parsed, client => ListAsync(parsed, client, cancel)));
        foreach (var verb in (Command[])[set, rollout, get, ls, .. HistoryVerbs.Of(clients, name, client => client.Flags)]) command.Subcommands.Add(verb);
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

    private static async Task<int> ChangeAsync(ParseResult parsed, HoldfastClient client, string name, Func<FeatureFlag, FeatureFlag> change, CancellationToken cancel)
    {
        var now = await client.Flags.GetAsync(name, cancel);
        var flag = now is null ? new FeatureFlag() : FeatureFlag.TryParse(now.Value) ?? throw new ArgumentException($"what stands at /flags/{name} is no flag");
        return await client.Flags.ReplaceAsync(name, now?.Revision ?? 0, change(flag).ToJson(), cancel) is { } revision
            ? Report.Revision(parsed, revision)
            : new Failure(ErrorCode.Changed, $"nothing written: somebody changed {name} just now; look at it and try again").Say(parsed);
    }

    private static async Task<int> GetAsync(ParseResult parsed, HoldfastClient client, string name, string? subject, CancellationToken cancel)
    {
        var found = await client.Flags.GetAsync(name, cancel);
        if (subject is null)
        {
            if (found is not null) Console.WriteLine(found.Value);
            return found is null ? ExitCode.No : ExitCode.Done;
        }

        var isOn = found is not null && FeatureFlag.TryParse(found.Value) is { } flag && flag.IsOnFor(name, subject);
        Report.One(parsed, new Dictionary<string, bool> { ["on"] = isOn }, ReportJson.Readable.DictionaryStringBoolean, isOn ? "on" : "off");
        return isOn ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> ListAsync(ParseResult parsed, HoldfastClient client, CancellationToken cancel)
    {
        var rows = from flag in await client.Flags.ListAsync(cancel)
                   let read = FeatureFlag.TryParse(flag.Value.Value)
                   where read is not null
                   select new FlagRow(flag.Name, read.Enabled, read.Rollout, read.Rules.Count, flag.Value.Revision);
        Report.Rows(parsed, [.. rows], ReportJson.Readable.IReadOnlyListFlagRow, ["name", "state", "percent", "rules", "revision"], row =>
            [row.Name, row.Enabled ? "on" : "off", row.Rollout.ToString(CultureInfo.InvariantCulture), row.Rules.ToString(CultureInfo.InvariantCulture), row.Revision.ToString(CultureInfo.InvariantCulture)]);
        return ExitCode.Done;
    }
}
