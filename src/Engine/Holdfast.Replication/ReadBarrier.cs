namespace Holdfast.Replication;

/// <summary>
/// What a read passes before it may look at a replica's state. Strong reads need no entry in the log: the leader's lease, or a round to a quorum, confirms an
/// index, and the read waits until its own replica has applied it; on a follower the question goes to the leader.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Strong: the read sees every write that was acknowledged, by any node, before it was asked. Under the lease this takes no message; the lease is checked against
/// the time of the very turn that grants (S3), and <c>LeaseReads = false</c> asks a quorum instead, for machines that are paused.</item>
/// <item>Stale: every write acknowledged longer ago than the bound, its age counted from this node's own question (S14); older knowledge asks the leader.</item>
/// <item>Local: this replica's applied state, whatever its age.</item>
/// <item>No grant shows effects that are executed and not yet committed (S15, S18), or a state that is being restored: then all of them are refused.</item>
/// <item>A grant says what may be read, not until when: it is for the read that follows at once on the loop. A refused read read nothing; asking again is safe.</item>
/// </list>
/// </remarks>
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
