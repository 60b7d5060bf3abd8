namespace Holdfast.Bench;

/// <summary>Closed-loop clients against an etcd v3 endpoint; the same client for every server, so that ratios are fair. Prints one row.</summary>
internal static class EtcdLoad
{
    /// <summary>Clients that share one HTTP/2 connection, as etcd's own benchmark shares them.</summary>
    private const int ClientsPerConnection = 64;

    /// <summary>Streams that the watchers are spread over: 100 each, as in etcd's own benchmark.</summary>
    private const int WatchStreams = 10;

    /// <summary>Writers of the one key that is watched: enough that events are not counted by the latency of one put.</summary>
    private const int WatchWriters = 4;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    public static int Run(LoadPlan plan)
    {
        var clock = new LoadClock();
        var watches = plan.Case == "watch" ? Watch(plan, clock) : [];
        var writing = plan.Case == "watch" ? plan with { Case = CallMessages.OneKey, Clients = WatchWriters } : plan;
        var loads = Split(writing, clock);
        var threads = loads.ConvertAll(each => Begin(each.Run));
        Thread.Sleep(WarmUp);
        var meter = new CostMeter(plan.Servers);
        clock.Count();
        Thread.Sleep(TimeSpan.FromSeconds(plan.Seconds));
        clock.End();
        var cost = meter.Read();
        threads.ForEach(static thread => thread.Join());
        watches.ForEach(static watch => watch.Shut());
        var latencies = loads.SelectMany(each => each.Latencies).Order().ToList();
        var operations = plan.Case == "watch" ? watches.Sum(watch => watch.Events) : latencies.Count;
        Console.WriteLine(new LoadRow
        {
            Case = plan.Case,
            Clients = plan.Clients,
            Operations = operations,
            Errors = loads.Sum(each => each.Errors),
            MedianMicros = Percentile(latencies, 0.5),
            WorstOfHundredMicros = Percentile(latencies, 0.99),
            WorstMicros = Percentile(latencies, 1),
            Servers = cost.Servers,
            Client = cost.Own,
            Took = cost.Took,
            OthersCores = cost.OthersCores,
        });
        return 0;
    }

    private static List<CallLoad> Split(LoadPlan plan, LoadClock clock)
    {
        var loads = new List<CallLoad>();
        for (var client = 0; client < plan.Clients; client += ClientsPerConnection)
            loads.Add(new CallLoad(plan, plan.Endpoints[loads.Count % plan.Endpoints.Length], client, Math.Min(ClientsPerConnection, plan.Clients - client), clock));
        return loads;
    }

    private static List<WatchLoad> Watch(LoadPlan plan, LoadClock clock)
    {
        var watches = Enumerable.Range(0, WatchStreams).Select(i => new WatchLoad(plan.Endpoints[i % plan.Endpoints.Length], plan.Authority, plan.Clients / WatchStreams, clock)).ToList();
        foreach (var watch in watches) Begin(watch.Run);
        for (var waited = 0; waited < 1000 && watches.Sum(watch => watch.Created) < plan.Clients; waited++) Thread.Sleep(10);
        return watches;
    }

    private static Thread Begin(Action run)
    {
        var thread = new Thread(() => run(), 256 * 1024) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static int Percentile(List<int> sorted, double part) => sorted.Count == 0 ? 0 : sorted[(int)((sorted.Count - 1) * part)];
}
