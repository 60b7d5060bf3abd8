using System.CommandLine;
using Holdfast.Server.Configuration;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast server</c>: runs a node until SIGTERM or SIGINT.</summary>
internal static class ServerCommand
{
    internal static Command Create()
    {
        var command = new Command("server", "Runs a node. Without flags: one node, the etcd face on loopback, data in ./holdfast-data.");
        var settings = new SettingOptions(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var faults = new List<string>();
            var values = settings.Draw(parsed, faults);
            var plan = ServerPlan.From(values, !Console.IsErrorRedirected, faults);
            return plan is null || faults.Count > 0 ? SettingOptions.Refuse(faults) : await RunAsync(plan, cancel);
        });
        return command;
    }

    /// <summary>Runs the node that the plan describes; <paramref name="announce"/> is called once it serves.</summary>
    internal static async Task<int> RunAsync(ServerPlan plan, CancellationToken stop, Action<NodeLog, INode>? announce = null)
    {
        using var log = new NodeLog(Console.Error, plan.LogsAsJson, plan.Name);
        using var traces = TraceExport.Begin(plan);
        foreach (var warning in plan.Warnings) log.Warn(NodeEvents.GuardRail, warning);
        try
        {
            while (!await RunOnceAsync(plan, log, stop, announce))
            {
                // It is another node now.
            }
        }
        catch (CannotStartException refusal)
        {
            await Console.Error.WriteLineAsync($"holdfast: {refusal.Message} [{ErrorCode.CannotStart.Name}]");
            return refusal.Code;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            log.Say(NodeEvents.Stopping, "asked to stop before it had found to a cluster");
        }

        return ExitCode.Done;
    }

    /// <summary>Runs the node until it is told to stop; false when it is to begin anew.</summary>
    private static async Task<bool> RunOnceAsync(ServerPlan plan, NodeLog log, CancellationToken stop, Action<NodeLog, INode>? announce)
    {
        await using INode node = plan.IsEphemeral ? await EphemeralNode.StartAsync(plan, log, stop) : await NodeAssembly.StartAsync(plan, log, stop);
        Console.WriteLine($"ready: {plan.Name} serves etcd clients at {string.Join(", ", node.ClientAddresses)} (pid {Environment.ProcessId})");
        await Console.Out.FlushAsync(CancellationToken.None);
        if (announce is not null)
        {
            await node.UntilLedAsync(stop);
            announce(log, node);
        }

        var isStopped = await UntilStoppedAsync(stop, node);
        log.Say(NodeEvents.Stopping, isStopped ? "asked to stop" : "told to begin anew");
        return isStopped;
    }

    private static async Task<bool> UntilStoppedAsync(CancellationToken stop, INode node)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(stopped.SetResult);
        return await Task.WhenAny(stopped.Task, node.Ends, node.BeginsAnew) != node.BeginsAnew;
    }
}
