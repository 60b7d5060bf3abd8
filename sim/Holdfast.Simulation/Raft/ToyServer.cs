using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Faults;

namespace Holdfast.Simulation.Raft;

/// <summary>Serves clients of one process: writes wait until they are applied, reads for the core's word and then for the state.</summary>
internal sealed class ToyServer(RaftWorld world, RaftSite site, RaftProcess process, Applier applier, SeededRandom dice)
{
    private readonly Mutation mutation = world.Options.Mutation;
    private readonly Dictionary<ulong, PendingRead> reads = [];
    private ulong readContexts;

    private readonly record struct PendingRead(Operation Operation, Action<AnswerKind, ulong, NodeId> Answer);

    private RaftNode Core => process.Core;

    public void Serve(Operation operation, Action<AnswerKind, ulong, NodeId> answer)
    {
        if (site.IsWitness) answer(AnswerKind.Refused, 0, Core.Leader); // It keeps no state to read.
        else if (operation.Kind == OperationKind.Get) Read(operation, answer);
        else Write(operation, answer);
    }

    /// <summary>Writes for which nobody waits.</summary>
    public void Burst(int count)
    {
        if (Core.Role != RaftRole.Leader) return;
        for (var i = 0; i < count; i++)
        {
            var value = dice.NextUInt64();
            Core.Propose(process.Now, ToyRegisters.Encode(new Operation { Id = 0, Key = applier.BurstKey, Kind = OperationKind.Put, Value = value, CalledAt = 0 }, padding: 0));
        }
    }

    /// <summary>The core has decided about a read.</summary>
    public void OnReadReady(ReadReady ready)
    {
        if (!reads.Remove(ready.Context, out var pending)) return;
        if (!ready.Granted) pending.Answer(AnswerKind.Refused, 0, Core.Leader);
        else if (mutation == Mutation.ReadServedBeforeApplied) pending.Answer(AnswerKind.Done, applier.Read(pending.Operation.Key), NodeId.None);
        else applier.AwaitRead(ready.Index, pending.Operation.Key, pending.Answer);
    }

    private void Read(Operation operation, Action<AnswerKind, ulong, NodeId> answer)
    {
        if (mutation == Mutation.FollowerReadsWithoutAsking)
        {
            answer(AnswerKind.Done, applier.Read(operation.Key), NodeId.None);
            return;
        }

        var context = mutation == Mutation.ReusedReadContext ? 1 + (readContexts++ & 1) : ++readContexts;
        reads[context] = new PendingRead(operation, answer);
        if (Core.Role == RaftRole.Leader) world.Counts.LeaseReads++;
        else world.Counts.FollowerReads++;
        Core.ReadIndex(process.Now, context);
    }

    private void Write(Operation operation, Action<AnswerKind, ulong, NodeId> answer)
    {
        var result = Core.Propose(process.Now, ToyRegisters.Encode(operation, padding: dice.Chance(0.1) ? dice.Next(400) : 0));
        if (result.Status != ProposeStatus.Accepted) answer(AnswerKind.Refused, 0, result.Leader);
        else if (mutation == Mutation.AcknowledgedAtAppend) answer(AnswerKind.Done, applier.Read(operation.Key), NodeId.None);
        else applier.Await(result.Position, answer);
    }
}
