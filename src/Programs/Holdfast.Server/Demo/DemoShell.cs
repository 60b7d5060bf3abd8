using System.Diagnostics;
using Grpc.Core;
using Holdfast.Server.Client;

namespace Holdfast.Server.Demo;

/// <summary>The demo's few words, and what happened because of them.</summary>
internal sealed class DemoShell(DemoCluster cluster, DemoLoad load)
{
    private const string Words = "status | kill n1 | restart n1 | load on | load off | quit";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Without a terminal: serves until it is asked to stop.</summary>
    public async Task ServeAsync(CancellationToken cancel)
    {
        Console.WriteLine("serving until SIGTERM");
        await Console.Out.FlushAsync(CancellationToken.None);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancel.Register(stopped.SetResult);
        await stopped.Task;
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        Console.WriteLine(Words);
        while (!cancel.IsCancellationRequested)
        {
            Console.Write("demo> ");
            if (await Console.In.ReadLineAsync(cancel) is not { } line || line.Trim() is "quit" or "exit") return;
            try
            {
                await DoAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), cancel);
            }
            catch (Exception fault) when (fault is RpcException or OutcomeUnknownException)
            {
                Console.WriteLine($"no answer: {fault.Message}");
            }
        }
    }

    private Task DoAsync(string[] words, CancellationToken cancel) => words switch
    {
        [] => Task.CompletedTask,
        ["status"] => ShowAsync(cancel),
        ["kill", var name] when DemoCluster.Find(name) is >= 0 and var node => KillAsync(node, cancel),
        ["restart", var name] when DemoCluster.Find(name) is >= 0 and var node => RestartAsync(node, cancel),
        ["load", "on"] => LoadOn(),
        ["load", "off"] => LoadOffAsync(cancel),
        _ => Say($"words of the demo: {Words}"),
    };

    private async Task ShowAsync(CancellationToken cancel)
    {
        var told = await cluster.StatusAsync(cancel);
        for (var node = 0; node < 3; node++)
        {
            var status = told.FirstOrDefault(each => each.Node == node).Status?.Status;
            var role = status is null ? (cluster.IsRunning(node) ? "no answer" : "down") : status.Leader == 0 ? "no leader" : status.Leader == status.Header.MemberId ? "leader" : "follower";
            Console.WriteLine($"  n{node + 1}  {role,-9}  term {status?.RaftTerm.ToString(null, null) ?? "-"}  applied {status?.RaftAppliedIndex.ToString(null, null) ?? "-"}  {cluster.Endpoints[node]}  pid {cluster.ProcessId(node)?.ToString(null, null) ?? "-"}");
        }

        if (load.Acknowledged > 0) Console.WriteLine($"  load {(load.IsOn ? "on" : "off")}: {load.Acknowledged} writes acknowledged");
    }

    private async Task KillAsync(int node, CancellationToken cancel)
    {
        var before = await cluster.LeaderAsync(cancel);
        cluster.Kill(node);
        var since = Stopwatch.StartNew();
        if (before is not { } reign || reign.Node != node)
        {
            Console.WriteLine($"killed n{node + 1}, which did not lead");
            return;
        }

        var next = await cluster.AwaitLeaderAsync(Patience, cancel);
        if (next is not { } leader) Console.WriteLine($"no leader within {Patience.TotalSeconds} s: a majority is needed, {Enumerable.Range(0, 3).Count(cluster.IsRunning)} of 3 are up");
        else Console.WriteLine($"election took {since.ElapsedMilliseconds} ms; new leader n{leader.Node + 1} (term {leader.Term}){await LostAsync(cancel)}");
    }

    private async Task RestartAsync(int node, CancellationToken cancel)
    {
        cluster.Kill(node);
        cluster.Start(node);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var since = Stopwatch.StartNew(); since.Elapsed < Patience; await timer.WaitForNextTickAsync(cancel))
        {
            if (!(await cluster.StatusAsync(cancel)).Any(each => each.Node == node && each.Status.Status is { Leader: not 0 })) continue;
            Console.WriteLine($"n{node + 1} is back after {since.ElapsedMilliseconds} ms");
            return;
        }

        Console.WriteLine($"n{node + 1} runs, but knows no leader after {Patience.TotalSeconds} s");
    }

    private Task LoadOn()
    {
        load.Start();
        return Say("six writers write; each remembers what was acknowledged");
    }

    private async Task LoadOffAsync(CancellationToken cancel)
    {
        await load.StopAsync();
        Console.WriteLine($"load off{await LostAsync(cancel)}");
    }

    private async Task<string> LostAsync(CancellationToken cancel) =>
        load.Acknowledged == 0 ? "" : $"; {await load.CountLostAsync(cancel)} of {load.Acknowledged:N0} acknowledged writes lost";

    private static Task Say(string sentence)
    {
        Console.WriteLine(sentence);
        return Task.CompletedTask;
    }
}
