using System.Diagnostics;
using Google.Protobuf;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Bench;

/// <summary>Closed-loop clients against an etcd v3 endpoint; the same client for every server, so that ratios are fair.</summary>
internal static class EtcdLoad
{
    /// <summary>Clients that share one HTTP/2 connection, as etcd's own benchmark shares them.</summary>
    private const int ClientsPerConnection = 64;

    public static async Task<int> RunAsync(LoadPlan plan)
    {
        var connections = Enumerable.Range(0, (plan.Clients + ClientsPerConnection - 1) / ClientsPerConnection)
            .Select(i => GrpcChannel.ForAddress("http://" + plan.Endpoints[i % plan.Endpoints.Length])).ToArray();
        var stores = connections.Select(channel => new KV.KVClient(channel)).ToArray();
        await stores[0].PutAsync(new PutRequest { Key = Key(0, 0), Value = ByteString.CopyFrom(new byte[plan.ValueBytes]) });
        await MeasureAsync(plan, stores, 1.0); // Warm-up: not counted.
        var process = Process.GetCurrentProcess();
        var cpuBefore = process.TotalProcessorTime;
        var latencies = await MeasureAsync(plan, stores, plan.Seconds);
        process.Refresh();
        var cpu = process.TotalProcessorTime - cpuBefore;
        latencies.Sort();
        var rate = latencies.Count / plan.Seconds;
        Console.WriteLine($"{plan.Case} clients={plan.Clients} ops/s={rate:F0} p50={Percentile(latencies, 0.50):F2}ms p99={Percentile(latencies, 0.99):F2}ms client-cpu-us/op={cpu.TotalMicroseconds / Math.Max(1, latencies.Count):F1}");
        return 0;
    }

    private static async Task<List<double>> MeasureAsync(LoadPlan plan, KV.KVClient[] stores, double seconds)
    {
        var end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        var clients = Enumerable.Range(0, plan.Clients).Select(i => ClientAsync(plan, stores[i % stores.Length], i, end));
        return [.. (await Task.WhenAll(clients)).SelectMany(each => each)];
    }

    private static async Task<List<double>> ClientAsync(LoadPlan plan, KV.KVClient store, int client, long end)
    {
        var latencies = new List<double>();
        var value = ByteString.CopyFrom(new byte[plan.ValueBytes]);
        for (var i = 0; ; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            if (begun >= end) return latencies;
            if (plan.Case == "put") await store.PutAsync(new PutRequest { Key = Key(client, i % 1000), Value = value });
            else await store.RangeAsync(new RangeRequest { Key = Key(0, 0), Serializable = plan.Case == "serializable" });
            latencies.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }
    }

    private static ByteString Key(int client, int number) => ByteString.CopyFromUtf8($"bench/{client:D4}/{number:D6}");

    private static double Percentile(List<double> sorted, double part) => sorted.Count == 0 ? 0 : sorted[(int)((sorted.Count - 1) * part)];
}
