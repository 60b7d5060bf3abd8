using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Client;

namespace Holdfast.Server.Demo;

/// <summary>Brings the demo's faults about and tells what happened: who leads now, how long it took, and how many of the acknowledged writes are gone.</summary>
internal sealed class DemoFaults(DemoCluster cluster, DemoLoad load)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task ShowAsync(CancellationToken cancel)
    {
        var told = await cluster.StatusAsync(cancel);
        for (var node = 0; node < DemoCluster.Nodes; node++)
        {
            var status = told.FirstOrDefault(each => each.Node == node).Status?.Status;
            var role = status is null ? (cluster.IsRunning(node) ? "no answer" : "down") : status.Leader == 0 ? "no leader" : status.Leader == status.Header.MemberId ? "leader" : "follower";
            var process = cluster.ProcessId(node) is { } pid ? $"  pid {pid}" : "";
            Console.WriteLine($"  {DemoCluster.NameOf(node)}  {role,-9}  term {status?.RaftTerm.ToString(null, null) ?? "-"}  applied {status?.RaftAppliedIndex.ToString(null, null) ?? "-"}  {cluster.Endpoints[node]}{process}");
        }

        if (load.Acknowledged > 0) Console.WriteLine($"  load {(load.IsOn ? "on" : "off")}: {load.Acknowledged:N0} writes acknowledged");
    }

    public async Task KillAsync(int node, CancellationToken cancel)
    {
        var name = DemoCluster.NameOf(node);
        if (!cluster.IsRunning(node))
        {
            Console.WriteLine($"{name} is down already");
            return;
        }

        var before = await cluster.LeaderAsync(cancel);
        var since = Stopwatch.StartNew();
        await cluster.KillAsync(node);
        if (before is { } reign && reign.Node != node) Console.WriteLine($"killed {name}, which did not lead{await LostAsync(cancel)}");
        else await TellElectionAsync($"killed {name}", before?.Term ?? 0, since, cancel);
    }

    public async Task RestartAsync(int node, CancellationToken cancel)
    {
        await cluster.KillAsync(node);
        var since = Stopwatch.StartNew();
        await cluster.StartAsync(node, cancel);
        var leader = await cluster.AwaitAgreementAsync(Patience, cancel);
        Console.WriteLine(leader is { } known
            ? $"{DemoCluster.NameOf(node)} is back after {since.ElapsedMilliseconds} ms; leader {known}{await LostAsync(cancel)}"
            : $"{DemoCluster.NameOf(node)} runs, but the nodes do not agree on a leader after {Patience.TotalSeconds} s");
    }

    public async Task PartitionAsync(int[] sides, CancellationToken cancel)
    {
        var before = await cluster.LeaderAsync(cancel);
        var since = Stopwatch.StartNew();
        cluster.Network.Partition(sides);
        var great = Array.FindIndex(sides, side => sides.Where((each, node) => each == side && cluster.IsRunning(node)).Count() >= DemoCluster.Majority);
        if (great < 0)
        {
            Console.WriteLine("cut; no side has a majority, so nobody can write until heal");
            return;
        }

        var cutOff = string.Join(" and ", Enumerable.Range(0, sides.Length).Where(node => sides[node] != sides[great]).Select(DemoCluster.NameOf));
        if (before is { } reign && sides[reign.Node] == sides[great]) Console.WriteLine($"cut; {reign} leads on, {cutOff} can reach no majority and takes no writes{await LostAsync(cancel)}");
        else await TellElectionAsync($"cut; {cutOff} can reach no majority", before?.Term ?? 0, since, cancel);
    }

    public async Task SlowAsync(int node, TimeSpan delay, CancellationToken cancel)
    {
        cluster.Network.Slow(node, delay);
        var took = new List<string>();
        for (var each = 0; each < DemoCluster.Nodes; each++)
            if (cluster.IsRunning(each)) took.Add($"{DemoCluster.NameOf(each)} {await TimeOfWriteAsync(each, cancel)}");
        Console.WriteLine($"bytes to and from {DemoCluster.NameOf(node)} take {delay.TotalMilliseconds} ms; a write through {string.Join(", ", took)}");
    }

    public async Task HealAsync(CancellationToken cancel)
    {
        var since = Stopwatch.StartNew();
        cluster.Network.Heal();
        var leader = await cluster.AwaitAgreementAsync(Patience, cancel);
        Console.WriteLine(leader is { } known
            ? $"healed; all follow {known} after {since.ElapsedMilliseconds} ms{await LostAsync(cancel)}"
            : $"healed, but the nodes do not agree on a leader after {Patience.TotalSeconds} s: {Up()} are up");
    }

    public Task LoadOnAsync()
    {
        load.Start();
        Console.WriteLine("load on: six writers write, and each remembers what was acknowledged");
        return Task.CompletedTask;
    }

    public async Task LoadOffAsync(CancellationToken cancel)
    {
        await load.StopAsync();
        Console.WriteLine($"load off{await LostAsync(cancel)}");
    }

    private async Task TellElectionAsync(string what, ulong term, Stopwatch since, CancellationToken cancel)
    {
        if (Enumerable.Range(0, DemoCluster.Nodes).Count(cluster.IsRunning) < DemoCluster.Majority)
        {
            Console.WriteLine($"{what}; {Up()} are up, and a majority is needed: nobody can write until restart");
            return;
        }

        var next = await cluster.AwaitLeaderAsync(term, Patience, cancel);
        Console.WriteLine(next is { } leader
            ? $"{what}; election took {since.ElapsedMilliseconds} ms; new leader {leader}{await LostAsync(cancel)}"
            : $"{what}; no leader within {Patience.TotalSeconds} s, though {Up()} are up");
    }

    private string Up() => $"{Enumerable.Range(0, DemoCluster.Nodes).Count(cluster.IsRunning)} of {DemoCluster.Nodes}";

    private async Task<string> TimeOfWriteAsync(int node, CancellationToken cancel)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            await cluster.Client(node).PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8("probe"), Value = ByteString.CopyFromUtf8("x") }, cancel);
            return $"{Stopwatch.GetElapsedTime(begun).TotalMilliseconds:F0} ms";
        }
        catch (Exception fault) when (fault is RpcException or OutcomeUnknownException)
        {
            return "is not answered";
        }
    }

    /// <summary>What became of the acknowledged writes, read through the leader.</summary>
    private async Task<string> LostAsync(CancellationToken cancel)
    {
        if (load.Acknowledged == 0) return "";
        if (await cluster.LeaderAsync(cancel) is not { } leader) return $"; {load.Acknowledged:N0} acknowledged writes, to be counted when there is a leader";
        var (lost, of) = await load.CountLostAsync(cluster.Endpoints[leader.Node], cancel);
        return $"; {lost:N0} of {of:N0} acknowledged writes lost";
    }
}
