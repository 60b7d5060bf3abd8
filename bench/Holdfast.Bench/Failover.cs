using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Bench;

/// <summary>Kills the leader of any etcd-speaking cluster with -9 and reports how long it took until a write that was begun afterwards was acknowledged through another node.</summary>
internal static class Failover
{
    /// <summary>A new write begins this often, so the answer is as exact, whatever a server does with writes that find no leader.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    /// <summary>Longer than any failover that would be worth reporting.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static int number;

    /// <summary>Measures once.</summary>
    /// <param name="endpoints">Where the nodes serve clients.</param>
    /// <param name="processes">Their process ids, in the same order.</param>
    public static async Task<int> RunAsync(string[] endpoints, string[] processes)
    {
        var channels = endpoints.Select(endpoint => GrpcChannel.ForAddress("http://" + endpoint)).ToArray();
        var stores = channels.Select(channel => new KV.KVClient(channel)).ToArray();
        foreach (var store in stores)
            for (var i = 0; i < 50; i++) await store.PutAsync(Request()); // Warm: connections are there and code is compiled.

        var leader = await FindLeaderAsync(channels);
        var survivors = stores.Where((_, node) => node != leader).ToArray();
        using var victim = Process.GetProcessById(int.Parse(processes[leader], CultureInfo.InvariantCulture));
        var begun = Stopwatch.StartNew();
        victim.Kill();
        var acknowledged = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var pace = new PeriodicTimer(Pace);
        for (var i = 0; !acknowledged.Task.IsCompleted && begun.Elapsed < Patience; i++)
        {
            _ = WriteAsync(survivors[i % survivors.Length], begun, acknowledged);
            await pace.WaitForNextTickAsync();
        }

        if (!acknowledged.Task.IsCompleted)
        {
            Console.WriteLine($"failover none within {Patience.TotalSeconds} s");
            return 1;
        }

        var took = await acknowledged.Task;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"failover {took.TotalMilliseconds:F0} ms"));
        return 0;
    }

    private static async Task WriteAsync(KV.KVClient store, Stopwatch begun, TaskCompletionSource<TimeSpan> acknowledged)
    {
        try
        {
            await store.PutAsync(Request(), deadline: DateTime.UtcNow + Patience);
            acknowledged.TrySetResult(begun.Elapsed);
        }
        catch (RpcException)
        {
            // No leader yet; another write is on its way.
        }
    }

    private static async Task<int> FindLeaderAsync(GrpcChannel[] channels)
    {
        while (true)
        {
            for (var node = 0; node < channels.Length; node++)
            {
                var status = await new Maintenance.MaintenanceClient(channels[node]).StatusAsync(new StatusRequest());
                if (status.Leader != 0 && status.Leader == status.Header.MemberId) return node;
            }
        }
    }

    private static PutRequest Request() => new()
    {
        Key = ByteString.CopyFromUtf8("failover/" + (Interlocked.Increment(ref number) % 100).ToString(CultureInfo.InvariantCulture)),
        Value = ByteString.CopyFromUtf8("x"),
    };
}
