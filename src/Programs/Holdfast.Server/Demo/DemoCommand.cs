using System.CommandLine;

namespace Holdfast.Server.Demo;

/// <summary><c>holdfast demo</c>: three real servers on this machine, to be killed and started again from a small shell.</summary>
internal static class DemoCommand
{
    internal static Command Create()
    {
        var command = new Command("demo", "Starts three nodes on this machine, each a process, with a shell to kill and restart them. Their data goes with the demo.");
        var processes = new Option<bool>("--processes") { Description = "Each node is a process of its own. (The only form there is yet.)" };
        command.Options.Add(processes);
        command.SetAction(async (_, cancel) =>
        {
            await using var cluster = new DemoCluster();
            await using var load = new DemoLoad(cluster.Endpoints);
            Console.WriteLine($"starting three nodes; their data is in {cluster.Folder} and is removed at the end");
            if (cluster.Moved) Console.WriteLine($"the usual ports are taken: this demo uses {DemoCluster.FirstPort + cluster.Offset} and up");
            cluster.StartAll();
            if (await cluster.AwaitLeaderAsync(TimeSpan.FromSeconds(60), cancel) is null)
            {
                await Console.Error.WriteLineAsync($"holdfast: no leader after a minute; what the nodes said is in {cluster.Folder}/n*/log");
                return 1;
            }

            cluster.PrintEndpoints();
            var shell = new DemoShell(cluster, load);
            if (Console.IsInputRedirected) await shell.ServeAsync(cancel);
            else await shell.RunAsync(cancel);
            return 0;
        });
        return command;
    }
}
