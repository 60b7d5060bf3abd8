using System.CommandLine;
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

        var faults = new List<string>();
        var arguments = EtcdArguments.Read(words, Environment(), faults);
        var plan = new EtcdPlan(arguments, faults).Draw(Console.IsErrorRedirected);
        return plan is null || faults.Count > 0 ? SettingOptions.Refuse(faults) : await ServerCommand.RunAsync(plan, cancel, (log, node) => Announce(plan, log, node));
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

    private static Dictionary<string, string> Environment()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
            if (variable is { Key: string name, Value: string value }) variables[name] = value;
        return variables;
    }
}
