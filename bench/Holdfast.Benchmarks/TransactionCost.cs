using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Benchmarks;

/// <summary>
/// What one replica does to a put, and to the transaction of one compare and the same put, from the entry's bytes to the changed keyspace: with the reply, as where its client waits, and without,
/// as on the others. A write to three nodes costs one with and two without.
/// </summary>
[MemoryDiagnoser]
public class TransactionCost
{
    private const int Keys = 1000;

    private readonly CoordinationStateMachine puts = new();
    private readonly CoordinationStateMachine transactions = new();
    private readonly byte[][] put = new byte[Keys][];
    private readonly byte[][] transaction = new byte[Keys][];
    private ulong index;

    [Params(true, false)]
    public bool IsReplyWanted { get; set; }

    [GlobalSetup]
    public void Encode()
    {
        var value = ByteString.CopyFrom(new byte[256]);
        for (var i = 0; i < Keys; i++)
        {
            var key = ByteString.CopyFromUtf8($"bench/{i:D6}");
            var request = new PutRequest { Key = key, Value = value };
            put[i] = [1, .. request.ToByteArray()];
            transaction[i] = [3, .. new TxnRequest
            {
                Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = -1 } },
                Success = { new RequestOp { RequestPut = request } },
            }.ToByteArray()];
        }
    }

    [Benchmark(Baseline = true)]
    public object? Put() => Apply(puts, put[index % Keys]);

    [Benchmark]
    public object? Transaction() => Apply(transactions, transaction[index % Keys]);

    private object? Apply(CoordinationStateMachine machine, byte[] command)
    {
        index++;
        var reply = machine.Apply(new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index)), TimeMicros = 1, FeatureLevel = 1, Command = command, ReplyWanted = IsReplyWanted }).Reply;

        // Old versions go, or the benchmark measures a growing heap.
        if (index % 50_000 == 0) Compact(machine);
        return reply;
    }

    private void Compact(CoordinationStateMachine machine)
    {
        byte[] command = [4, .. new CompactionRequest { Revision = (long)(index / 2) }.ToByteArray()];
        machine.Apply(new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(++index)), TimeMicros = 1, FeatureLevel = 1, Command = command, ReplyWanted = false });
    }
}
