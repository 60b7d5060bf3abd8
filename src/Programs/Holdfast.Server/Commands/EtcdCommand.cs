using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using Holdfast.Server.Configuration;
using Holdfast.Server.Etcd;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast etcd</c>: a node under etcd's own flags and variables, to be put where a script starts etcd.</summary>
internal static class EtcdCommand
{
    internal static Command Create()
    {
        var command = new Command(EtcdFlags.Verb, "Runs a node under etcd's own flags and ETCD_ variables, in the place of etcd.") { TreatUnmatchedTokensAsErrors = false };
        command.Options.Add(new HelpOption("--help", "-help", "-h") { Description = "Lists etcd's flags and what becomes of each.", Action = new EtcdHelp() });
        command.SetAction((parsed, cancel) => RunAsync(parsed.UnmatchedTokens, cancel));
        return command;
    }

    private static async Task<int> RunAsync(IReadOnlyList<string> words, CancellationToken cancel)
    {
        if (words is ["--version"] or ["-version"])
        {
            Console.WriteLine($"etcd Version: 3.6.0\nGit SHA: Not provided (Holdfast {VersionCommand.Text})");
            return 0;
        }

        if (words is ["gateway" or "grpc-proxy", ..]) return SettingOptions.Refuse([$"{words[0]}: there is no proxy mode: clients may talk to any member"]);
        var faults = new List<string>();
        var drawn = new EtcdPlan(EtcdArguments.Read(words, Environment(), faults), faults);
        var plan = drawn.Draw(Console.IsErrorRedirected);
        if (plan is null || faults.Count > 0) return SettingOptions.Refuse(faults);
        try
        {
            foreach (var (folder, hosts) in drawn.Certificates!.ToMake) SelfSigned.Ensure(plan.DataDirectory, folder, hosts, drawn.Certificates.Years, DateTimeOffset.UtcNow);
        }
        catch (CannotStartException refusal)
        {
            await Console.Error.WriteLineAsync($"holdfast: {refusal.Message}");
            return refusal.Code;
        }

        return await ServerCommand.RunAsync(plan, cancel, (log, node) => Announce(plan, log, node));
    }

    /// <summary>The lines that supervisors wait for.</summary>
    private static void Announce(ServerPlan plan, NodeLog log, INode node)
    {
        log.Say(NodeEvents.Etcd, "enabled capabilities for version 3.6");
        log.Say(NodeEvents.Etcd, $"published {{Name:{plan.Name} ClientURLs:[{string.Join(' ', plan.AdvertisedClientUrls)}]}} to cluster {node.ClusterId.ToString("x", CultureInfo.InvariantCulture)}");
        log.Say(NodeEvents.Etcd, "ready to serve client requests");
        foreach (var address in node.ClientAddresses)
            log.Say(NodeEvents.Etcd, !plan.ClientPort.IsTls ? $"serving insecure client requests on {address}" : $"serving client requests on {address}");
    }

    /// <summary>The table of the flags, in place of the help of a command that has its own.</summary>
    private sealed class EtcdHelp : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            foreach (var (flags, fate, why) in EtcdFlags.Rows()) Console.WriteLine($"{flags.Replace("`", "", StringComparison.Ordinal)}\n    {fate}: {why}");
            return 0;
        }
    }

    private static Dictionary<string, string> Environment()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
            if (variable is { Key: string name, Value: string value }) variables[name] = value;
        return variables;
    }
}
