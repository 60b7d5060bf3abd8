using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Bench;

/// <summary>One writer per endpoint, each as fast as its server answers; reports the longest time in which none of them had a write acknowledged.</summary>
internal static class WriteGap
{
    public static async Task<int> RunAsync(LoadPlan plan)
    {
        var acknowledged = new List<long>();
        var end = Stopwatch.GetTimestamp() + (long)(plan.Seconds * Stopwatch.Frequency);
        await Task.WhenAll(plan.Endpoints.Select(endpoint => WriteAsync(endpoint, acknowledged, end)));
        acknowledged.Sort();
        var longest = 0L;
        for (var i = 1; i < acknowledged.Count; i++) longest = Math.Max(longest, acknowledged[i] - acknowledged[i - 1]);
        Console.WriteLine($"gap writes={acknowledged.Count} longest={longest * 1000.0 / Stopwatch.Frequency:F0}ms");
        return 0;
    }

    private static async Task WriteAsync(string endpoint, List<long> acknowledged, long end)
    {
        using var channel = GrpcChannel.ForAddress("http://" + endpoint, new GrpcChannelOptions { InitialReconnectBackoff = TimeSpan.FromMilliseconds(50), MaxReconnectBackoff = TimeSpan.FromMilliseconds(100) });
        var store = new KV.KVClient(channel);
        var request = new PutRequest { Key = ByteString.CopyFromUtf8("gap/" + endpoint), Value = ByteString.CopyFromUtf8("x") };
        while (Stopwatch.GetTimestamp() < end)
        {
            try
            {
                await store.PutAsync(request, deadline: DateTime.UtcNow.AddMilliseconds(300));
                lock (acknowledged) acknowledged.Add(Stopwatch.GetTimestamp());
            }
            catch (RpcException)
            {
                await Task.Delay(5); // The server is down or between leaders; that is what is being measured.
            }
        }
    }
}
