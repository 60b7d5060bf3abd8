namespace Holdfast.Replication;

/// <summary>
/// What a read passes before it may look at a replica's state. Strong reads need no entry in the log: the leader's lease, or a round to a quorum, confirms an
/// index, and the read waits until its own replica has applied it; on a follower the question goes to the leader.
/// </summary>
public sealed class ReadBarrier
{
    private readonly GroupLoop loop;
    private readonly Replica replica;

    internal ReadBarrier(GroupLoop loop, Replica replica) => (this.loop, this.replica) = (loop, replica);

    /// <summary>Passes the barrier. From any thread. What is read afterwards on the group's loop is at least as new as the grant.</summary>
    public ValueTask<ReadGrant> PassAsync(ReadConsistency consistency = default)
    {
        var call = new ReadCall(replica, consistency);
        loop.Post(call);
        return call.Task;
    }

    /// <summary>Passes the barrier. On the group's loop only.</summary>
    public void Pass(ReadConsistency consistency, IReadCompletion completion) => replica.Reads.Ask(loop.Now, consistency, completion);
}
