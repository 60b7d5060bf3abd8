using System.CommandLine;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Demo;

/// <summary><c>holdfast demo</c>: three nodes on this machine, with a shell to kill, part and slow them.</summary>
internal static class DemoCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    internal static Command Create()
    {
        var command = new Command("demo", "Starts three nodes on this machine, with a shell to kill them and to cut or slow their network. Their data goes with the demo.");
        var processes = new Option<bool>("--processes") { Description = "Each node is a process of its own, to be killed from outside too. Without it all three live in one." };
        command.Options.Add(processes);
        command.SetAction(async (parsed, cancel) =>
        {
            try
            {
                await using var cluster = new DemoCluster(parsed.GetValue(processes));
                await using var load = new DemoLoad(cluster.Endpoints);
                return await RunAsync(cluster, load, cancel);
            }
            catch (CannotStartException refusal)
            {
                await Console.Error.WriteLineAsync($"holdfast: {refusal.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(DemoCluster cluster, DemoLoad load, CancellationToken cancel)
    {
        Console.WriteLine($"starting three nodes; their data and logs are in {cluster.Folder} and are removed at the end");
        if (cluster.Moved.Length > 0) Console.WriteLine(cluster.Moved);
        try
        {
            await cluster.StartAllAsync(cancel);
            if (await cluster.AwaitAgreementAsync(Patience, cancel) is not { } leader)
            {
                await Console.Error.WriteLineAsync($"holdfast: no leader after {Patience.TotalSeconds} s; the last words of the nodes:\n{cluster.LastWords()}");
                return ExitCode.Failed;
            }

            cluster.PrintEndpoints();
            Console.WriteLine($"leader {leader}");
            Console.WriteLine(await DemoSample.LoadAsync(cluster.VectorEndpoints, cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return 0; // Asked to stop while starting.
        }

        await new DemoShell(new DemoFaults(cluster, load)).RunAsync(cancel);
        return 0;
    }
}
