using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Holdfast.Server.Running;

namespace Holdfast.Server.Commands;

/// <summary>
/// <c>holdfast lock NAME -- CMD</c> and <c>holdfast elect NAME -- CMD</c>: run a command while a lock, or leadership, is held. The command finds the fencing token in <c>HOLDFAST_FENCE</c> (R1.6).
/// Its exit code is ours; 75 when the wait was over first, 76 when what was held was lost.
/// </summary>
internal static class TenureCommands
{
    internal static Command CreateLock() =>
        Create("lock", "Waits for a lock, runs a command while it is held, and gives it back.", "The lock's name.", async (client, name, _, options, cancel) => await client.LockAsync(name, options, cancel));

    internal static Command CreateElect()
    {
        var value = new Option<string>("--value") { Description = "What the leader proclaims, such as its address.", DefaultValueFactory = _ => Environment.MachineName };
        var command = Create(
            "elect", "Waits to be elected, runs a command while leading, and resigns.", "The election's name.",
            async (client, name, parsed, options, cancel) => await client.CampaignAsync(name, parsed.GetValue(value)!, options, cancel));
        command.Options.Add(value);
        return command;
    }

    private static Command Create(string verb, string description, string nameDescription, Func<HoldfastClient, string, ParseResult, TenureOptions, CancellationToken, Task<Tenure?>> acquire)
    {
        var name = new Argument<string>("name") { Description = nameDescription };
        var words = new Argument<string[]>("command") { Description = "The command and its words, after --.", Arity = ArgumentArity.OneOrMore };
        var ttl = Durations.Option("--ttl", "10s", "How soon others may have it when this process is gone; whole seconds, 2s at least.");
        var grace = Durations.Option("--grace", "5s", "For how long the command may go on after it was told to end (SIGTERM), until it is killed.");
        var wait = new Option<string>("--wait") { Description = "For how long to wait; without it for ever. 0s tries once." };
        var command = new Command(verb, description) { name, words, ttl, wait, grace };
        var clients = ClientOptions.AddTo(command);
        command.SetAction((parsed, cancel) => clients.RunAsync(parsed, async client =>
        {
            var options = new TenureOptions { Ttl = Durations.Of(parsed, ttl), Wait = parsed.GetValue(wait) is null ? null : Durations.Of(parsed, wait) };
            var guarded = new GuardedCommand(parsed.GetValue(words)!, Durations.Of(parsed, grace));
            return await acquire(client, parsed.GetValue(name)!, parsed, options, cancel) is { } tenure
                ? await RunAsync(tenure, guarded, cancel)
                : new Failure(ErrorCode.NotAcquired, $"{parsed.GetValue(name)} is held by somebody else, and the wait is over").Say(parsed);
        }));
        return command;
    }

    private static async Task<int> RunAsync(Tenure tenure, GuardedCommand guarded, CancellationToken cancel)
    {
        await using (tenure)
            return await guarded.RunAsync([("HOLDFAST_FENCE", tenure.Fence.ToString(CultureInfo.InvariantCulture)), ("HOLDFAST_KEY", tenure.Key)], tenure.Lost, cancel);
    }
}
