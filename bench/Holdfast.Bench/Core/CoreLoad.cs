using System.Globalization;

namespace Holdfast.Bench.Core;

/// <summary>Measures a bare replicated group in three processes: no face, a state machine that counts, the real log with fsync, loopback TCP.</summary>
internal static class CoreLoad
{
    /// <summary>Prints one row per number of proposers, in the words of <see cref="EtcdLoad"/>.</summary>
    public static int Run(LoadPlan plan, int firstPort)
    {
        using var cluster = CoreCluster.Start(firstPort, groups: 1);
        foreach (var proposers in new[] { 1, 64, 256 })
        {
            var leader = cluster.AwaitLeader(groups: 1);
            CoreCluster.Ask(leader, FormattableString.Invariant($"run {proposers} {plan.Seconds} {plan.ValueBytes}"), "counting");
            var meter = new CostMeter(cluster.Processes);
            CoreCluster.Expect(leader, "counted");
            var cost = meter.Read();
            var words = CoreCluster.Expect(leader, "result");
            Console.WriteLine(new LoadRow
            {
                Case = "put",
                Clients = proposers,
                Operations = long.Parse(words[1], CultureInfo.InvariantCulture),
                Errors = int.Parse(words[2], CultureInfo.InvariantCulture),
                MedianMicros = int.Parse(words[3], CultureInfo.InvariantCulture),
                WorstOfHundredMicros = int.Parse(words[4], CultureInfo.InvariantCulture),
                Servers = cost.Servers,
                Took = cost.Took,
                OthersCores = cost.OthersCores,
            });
        }

        return 0;
    }

    /// <summary>What groups at rest cost: per node, in percent of one core, over the plan's seconds.</summary>
    public static int RunIdle(LoadPlan plan, int firstPort)
    {
        foreach (var groups in new[] { 1, 200 })
        {
            using var cluster = CoreCluster.Start(firstPort, groups);
            cluster.AwaitLeader(groups);
            Thread.Sleep(TimeSpan.FromSeconds(3)); // Elections and the leaders' first entries are over.
            Rest($"groups={groups}", cluster.Processes, plan.Seconds);
        }

        return 0;
    }

    /// <summary>The same of servers that somebody else started.</summary>
    public static int RunIdleServers(LoadPlan plan)
    {
        Rest("servers", plan.Servers, plan.Seconds);
        return 0;
    }

    private static void Rest(string what, IReadOnlyList<int> processes, double seconds)
    {
        var meter = new CostMeter(processes);
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        var (cost, _, others, took) = meter.Read();
        Console.WriteLine($"idle {what} " +
            FormattableString.Invariant($"cpu-percent/node={cost.CpuMicros / took.TotalMicroseconds / processes.Count * 100:F2} switches/s/node={cost.Switches / took.TotalSeconds / processes.Count:F0} others={others:F2}cores"));
    }
}
