using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Who waits at this replica for a read index (Raft thesis 6.4): this node's own batches, which a follower sends on to its leader and forgets when no answer
/// comes, and on a leader everybody's, which its <see cref="Leadership"/> keeps until a lease or a round confirms them. Whoever cannot be answered is told so.
/// </summary>
internal sealed class Readers(RaftOptions options, Standing standing, Journal journal, Effects held)
{
    private static readonly Mark ForwardedReadOverdue = new("raft: forwarded read overdue");

    private readonly ForwardedReads forwarded = new();

    public Instant Deadline => forwarded.Deadline;

    /// <summary>This node's own batch: it waits at the leader, here or elsewhere.</summary>
    public void Ask(Instant now, ulong context, Leadership? leadership)
    {
        if (leadership is not null && leadership.TryAddRead(NodeId.None, context)) return;
        if (!standing.FollowsSomebody)
        {
            Refuse(NodeId.None, context);
            return;
        }

        forwarded.Add(context, now + options.ElectionTimeout);
        held.ReadIndexRequests.Add(new(standing.Leader, new ReadIndexRequest(standing.Term, context)));
    }

    /// <summary>A follower's batch.</summary>
    public void OnRequest(NodeId from, in ReadIndexRequest request, Leadership? leadership)
    {
        if (request.Term == standing.Term && leadership is not null && leadership.TryAddRead(from, request.Context)) return;
        held.ReadIndexReplies.Add(new(from, new ReadIndexReply(request.Term, request.Context, LogIndex.Zero, false)));
    }

    /// <summary>The leader's answer; one that names another term or a batch that no longer waits is not the asked-for one.</summary>
    public void OnReply(in ReadIndexReply reply)
    {
        if (reply.Term == standing.Term && forwarded.TryRemove(reply.Context)) held.Reads.Add(new ReadReady(reply.Context, reply.Index, reply.Granted));
    }

    public void GiveUpOverdue(Instant now)
    {
        while (forwarded.TryTakeOverdue(now, out var context))
        {
            ForwardedReadOverdue.Hit();
            Refuse(NodeId.None, context);
        }
    }

    /// <summary>A new term: nobody will answer what was asked of the old leader.</summary>
    public void OnTerm()
    {
        while (forwarded.TryTakeAny(out var context)) Refuse(NodeId.None, context);
    }

    /// <summary>Grants, at the commit index of now, whatever the lease or a confirmed round allows.</summary>
    public void Decide(Instant now, Leadership leadership)
    {
        var isCommitKnown = journal.HasCommittedIn(standing.Term) || options.Bug == PlantedBug.ReadBeforeOwnTermCommit;
        while (leadership.TryTakeConfirmedRead(now, isCommitKnown, out var asker, out var context))
        {
            if (asker == NodeId.None) held.Reads.Add(new ReadReady(context, journal.Commit, true));
            else held.ReadIndexReplies.Add(new(asker, new ReadIndexReply(standing.Term, context, journal.Commit, true)));
        }
    }

    /// <summary>A reign is over: whoever waited for its word asks anew.</summary>
    public void RefuseAll(Leadership leadership)
    {
        while (leadership.TryTakeAnyRead(out var asker, out var context)) Refuse(asker, context);
    }

    private void Refuse(NodeId asker, ulong context)
    {
        if (asker == NodeId.None) held.Reads.Add(new ReadReady(context, LogIndex.Zero, false));
        else held.ReadIndexReplies.Add(new(asker, new ReadIndexReply(standing.Term, context, LogIndex.Zero, false)));
    }
}
