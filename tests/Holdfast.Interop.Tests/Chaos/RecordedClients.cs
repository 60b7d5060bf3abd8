using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Client;
using Holdfast.Simulation.Checks;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>
/// Concurrent etcd clients that put, get, delete and compare-and-swap a few keys through whichever node the dice name, and remember every call with the moments of its invocation and its
/// response. A call without a response stays open: it may have taken effect at any later time. What they remember is judged by the simulator's own checker (S17, R1.10).
/// </summary>
internal sealed class RecordedClients : IAsyncDisposable
{
    private const int Clients = 8;
    private const int Keys = 4;

    /// <summary>Longer than any stop or cut of the tests, so that an answer that comes late is still seen.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(6);

    /// <summary>A client's pause between two calls: a history of some thousand calls is judged within a second.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(4);

    private readonly ProcessCluster cluster;
    private readonly History history = new();
    private readonly HashSet<int> neverArrived = [];
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private readonly string prefix;
    private ulong lastValue;

    public RecordedClients(ProcessCluster cluster, int seed, string prefix = "chaos")
    {
        (this.cluster, this.prefix) = (cluster, prefix);
        running = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => LiveAsync(new Random((seed * 100) + client)))));
    }

    private int Acknowledged
    {
        get
        {
            lock (gate) return history.Acknowledged;
        }
    }

    /// <summary>Waits until so many more calls were answered: the service goes on.</summary>
    public async Task UntilAnsweredAsync(int more)
    {
        var target = Acknowledged + more;
        await Patient.UntilAsync(() => Task.FromResult(Acknowledged >= target), () => $"less than {more} answers; last words:\n{cluster.LastWords()}\n");
    }

    /// <summary>Ends the clients, reads every key through every node, and asserts that all of it together could have been one copy that does one thing at a time.</summary>
    public async Task AssertLinearizableAsync()
    {
        await EndAsync();
        for (var node = 0; node < cluster.Nodes; node++)
        {
            for (var key = 0; key < Keys; key++)
                while (!await CallAsync(node, key, OperationKind.Get, 0)) Assert.True(cluster.IsRunning(node), $"node {node} is gone; last words:\n{cluster.LastWords()}");
        }

        for (var key = 0; key < Keys; key++)
        {
            var calls = history.ForKey(key, neverArrived);
            Assert.True(calls.Count(call => call.HasReturned) > cluster.Nodes, $"key {key} was hardly used");
            Verdict.IsLinearizable(key, calls);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{history.Operations.Count} calls, {history.Acknowledged} answered: linearizable");
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        stop.Dispose();
    }

    private async Task EndAsync()
    {
        await stop.CancelAsync();
        await running;
    }

    private async Task LiveAsync(Random dice)
    {
        using var pause = new PeriodicTimer(Pause);
        var known = new ulong[Keys];
        while (!stop.IsCancellationRequested)
        {
            var (node, key) = (dice.Next(cluster.Nodes), dice.Next(Keys));
            var kind = dice.Next(10) switch { < 4 => OperationKind.Get, < 7 => OperationKind.Put, < 9 => OperationKind.CompareAndSwap, _ => OperationKind.Delete };
            await CallAsync(node, key, kind, known[key], saw => known[key] = saw);
            await pause.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>One call, recorded; false when its outcome is not known.</summary>
    private async Task<bool> CallAsync(int node, int key, OperationKind kind, ulong expected, Action<ulong>? learn = null)
    {
        Operation call;
        lock (gate) call = history.Call(key, kind, kind is OperationKind.Put or OperationKind.CompareAndSwap ? ++lastValue : 0, kind == OperationKind.CompareAndSwap ? expected : 0, Environment.TickCount64);
        try
        {
            var observed = await SendAsync(cluster.Kv(node), call);
            lock (gate) history.Return(call, observed, Environment.TickCount64);
            learn?.Invoke(call.Apply(observed));
            return true;
        }
        catch (RpcException failure)
        {
            // Cut off or too late: what became of it is open. Without a connection nothing became of it, for certain.
            if (!CallOutcome.NeverArrived(failure)) return false;
            lock (gate) neverArrived.Add(call.Id);
            return false;
        }
    }

    /// <summary>Sends the call; what the key held just before it took effect.</summary>
    private async Task<ulong> SendAsync(KV.KVClient store, Operation call)
    {
        var key = ByteString.CopyFromUtf8($"{prefix}/{call.Key}");
        var deadline = DateTime.UtcNow + Deadline;
        switch (call.Kind)
        {
            case OperationKind.Get:
                return ValueOf((await store.RangeAsync(new RangeRequest { Key = key }, deadline: deadline)).Kvs.SingleOrDefault());
            case OperationKind.Put:
                return ValueOf((await store.PutAsync(new PutRequest { Key = key, Value = Text(call.Value), PrevKv = true }, deadline: deadline)).PrevKv);
            case OperationKind.Delete:
                return ValueOf((await store.DeleteRangeAsync(new DeleteRangeRequest { Key = key, PrevKv = true }, deadline: deadline)).PrevKvs.SingleOrDefault());
            default:
                var swap = await store.TxnAsync(CompareAndSwap(key, call), deadline: deadline);
                return swap.Succeeded ? call.Expected : ValueOf(swap.Responses[0].ResponseRange.Kvs.SingleOrDefault());
        }
    }

    private static TxnRequest CompareAndSwap(ByteString key, Operation call)
    {
        var compare = call.Expected == 0
            ? new Compare { Key = key, Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, CreateRevision = 0 }
            : new Compare { Key = key, Target = Compare.Types.CompareTarget.Value, Result = Compare.Types.CompareResult.Equal, Value = Text(call.Expected) };
        return new TxnRequest
        {
            Compare = { compare },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = Text(call.Value) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        };
    }

    private static ByteString Text(ulong value) => ByteString.CopyFromUtf8(value.ToString(CultureInfo.InvariantCulture));

    private static ulong ValueOf(KeyValue? kv) => kv is null ? 0 : ulong.Parse(kv.Value.ToStringUtf8(), CultureInfo.InvariantCulture);
}
