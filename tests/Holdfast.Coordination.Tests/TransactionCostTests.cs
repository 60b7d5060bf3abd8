using Google.Protobuf;
using Holdfast.Consensus;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Coordination.Tests;

/// <summary>
/// Locks, elections and Kubernetes write by transactions only, so one compare and one put must cost about what the put does. What each allocates says so on any machine, however busy.
/// </summary>
public sealed class TransactionCostTests
{
    private const int Times = 2000;
    private static readonly ByteString Value = ByteString.CopyFrom(new byte[256]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_transaction_of_one_compare_and_one_put_allocates_little_more_than_the_put(bool isReplyWanted)
    {
        var put = BytesOfEach(CommandKind.Put, static key => new PutRequest { Key = key, Value = Value }, isReplyWanted);
        var txn = BytesOfEach(CommandKind.Txn, Compared, isReplyWanted);

        // The transaction's own messages, as protobuf makes them, are about 600 bytes; its response about 300.
        Assert.True(txn <= put + (isReplyWanted ? 1100 : 750), $"a put allocates {put} bytes, the transaction {txn}");
    }

    /// <summary>Nobody reads it, and two replicas of three would build it for each write.</summary>
    [Fact]
    public void Where_nobody_waits_no_response_is_built_and_the_state_is_the_same()
    {
        var (waited, alone) = (new CoordinationStateMachine(), new CoordinationStateMachine());
        for (var i = 0; i < 50; i++)
        {
            var key = ByteString.CopyFromUtf8($"k{i % 7}");
            var command = Command.Encode(CommandKind.Txn, new TxnRequest
            {
                Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = 1 } },
                Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key, PrevKv = true } }, new RequestOp { RequestRange = new RangeRequest { Key = key } } },
                Failure = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = Value, PrevKv = true } }, new RequestOp { RequestTxn = Compared(ByteString.CopyFromUtf8($"n{i % 3}")) } },
            });
            Assert.NotNull(Reply(waited, command, i, true).Message);
            Assert.Null(Reply(alone, command, i, false).Message);
            Assert.Equal(waited.StateHash, alone.StateHash);
            Assert.Equal(waited.Store.Revision, alone.Store.Revision);
        }

        Assert.Equal(waited.Store.Versions, alone.Store.Versions);
    }

    private static TxnRequest Compared(ByteString key) => new()
    {
        Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = -1 } },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = Value } } },
    };

    private static long BytesOfEach(CommandKind kind, Func<ByteString, IMessage> request, bool isReplyWanted)
    {
        var machine = new CoordinationStateMachine();
        var commands = Enumerable.Range(0, 100).Select(i => Command.Encode(kind, request(ByteString.CopyFromUtf8($"bench/{i:D6}")))).ToArray();
        for (var i = 0; i < Times; i++) Reply(machine, commands[i % commands.Length], i, isReplyWanted);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = Times; i < 2 * Times; i++) Reply(machine, commands[i % commands.Length], i, isReplyWanted);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Times;
    }

    private static CommandReply Reply(CoordinationStateMachine machine, byte[] command, int index, bool isReplyWanted)
    {
        var result = machine.Apply(new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex((ulong)index + 1)), TimeMicros = 1, FeatureLevel = 1, Command = command, ReplyWanted = isReplyWanted });
        Assert.True(result.IsDone);
        return Assert.IsType<CommandReply>(result.Reply);
    }
}
