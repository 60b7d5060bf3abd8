using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>Learns how a step on a shard ended: whether what it changed, and all before it, is committed.</summary>
internal delegate void StepEnded(bool isCommitted);

/// <summary>Steps that a shard's leader takes for others than clients (moves), each as an entry of its own, one after the other. For the shard's loop.</summary>
internal sealed class StepDesk : IShardWork, IProposalCompletion
{
    /// <summary>Steps that wait; more are refused at once.</summary>
    private const int WaitingMax = 256;

    private readonly ShardSeat seat;
    private readonly byte[] work;
    private readonly Queue<(Action<CommandCall> Run, StepEnded Ended)> waiting = new();
    private bool isUnderway;
    private bool isExecuted;

    public StepDesk(ShardSeat seat)
    {
        this.seat = seat;
        work = seat.Machine.Register(this);
    }

    /// <summary>Has a step executed on the leader; the end is told on the loop.</summary>
    public void Take(Action<CommandCall> run, StepEnded ended)
    {
        if (waiting.Count >= WaitingMax)
        {
            ended(false);
            return;
        }

        waiting.Enqueue((run, ended));
        Depart();
    }

    public void Run(ShardMachine shard)
    {
        isExecuted = true;
        waiting.Peek().Run(shard.Call);
    }

    public void OnCompleted(in ProposeOutcome outcome)
    {
        isUnderway = false;
        var (_, ended) = waiting.Dequeue();
        ended(isExecuted && outcome.IsApplied);
        Depart();
    }

    private void Depart()
    {
        if (isUnderway || waiting.Count == 0) return;
        (isUnderway, isExecuted) = (true, false);
        seat.Log.Propose(work, default, this);
    }
}
