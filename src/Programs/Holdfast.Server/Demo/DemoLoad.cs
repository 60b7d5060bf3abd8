using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Client;

namespace Holdfast.Server.Demo;

/// <summary>Writers that remember what was acknowledged, so that the demo can say what was lost.</summary>
internal sealed class DemoLoad(IReadOnlyList<string> endpoints) : IAsyncDisposable
{
    private const int Writers = 6;

    private static readonly TimeSpan PatienceOfCounting = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<string, byte> acknowledged = new(StringComparer.Ordinal);
    private CancellationTokenSource? stopping;
    private Task running = Task.CompletedTask;
    private int runs;

    public bool IsOn => stopping is not null;

    public int Acknowledged => acknowledged.Count;

    public void Start()
    {
        if (IsOn) return;
        stopping = new CancellationTokenSource();
        var (run, stop) = (++runs, stopping.Token);
        running = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(run, writer, stop))));
    }

    public async Task StopAsync()
    {
        if (stopping is null) return;
        await stopping.CancelAsync();
        await running;
        stopping.Dispose();
        stopping = null;
    }

    /// <summary>How many of the acknowledged writes are not there any more, and of how many: a promise of the product that it is none.</summary>
    public async Task<(int Lost, int Of)> CountLostAsync(string endpoint, CancellationToken cancel)
    {
        var known = acknowledged.Keys.ToArray();
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [endpoint], Timeout = PatienceOfCounting });
        var kept = await client.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("demo/"), RangeEnd = ByteString.CopyFromUtf8("demo0"), KeysOnly = true }, cancel);
        var there = kept.Kvs.Select(kv => kv.Key.ToStringUtf8()).ToHashSet(StringComparer.Ordinal);
        return (known.Count(key => !there.Contains(key)), known.Length);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task WriteAsync(int run, int writer, CancellationToken stop)
    {
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [endpoints[writer % endpoints.Count]], Timeout = TimeSpan.FromSeconds(1) });
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var key = $"demo/{run}/{writer}/{number}";
            try
            {
                await client.PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("x") }, stop);
                acknowledged[key] = 1;
                await pause.WaitForNextTickAsync(stop);
            }
            catch (Exception fault) when (fault is RpcException or OutcomeUnknownException or OperationCanceledException)
            {
                // Not acknowledged: nothing was promised. The next key is another one.
            }
        }
    }
}
