using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// From one reign to the next: what it means to enter a term, to follow a leader, to lead, and to lead no more. Every change of role passes through here, so that nothing of an earlier reign is left behind.
/// </summary>
internal sealed class Reigns(RaftOptions options, SupportTable support, Replica replica)
{
    private readonly Standing standing = replica.Standing;
    private readonly Follower follower = replica.Follower;
    private readonly RollCall roll = replica.Roll;
    private readonly Readers readers = replica.Readers;

    /// <summary>What this replica knows and owes while it leads; null while it does not.</summary>
    public Leadership? Leadership { get; private set; }

    /// <summary>A higher term: whatever was to be said in the one before is not said.</summary>
    public void EnterTerm(Term term)
    {
        standing.EnterTerm(term);
        roll.Close();
        follower.OnTerm();
        readers.OnTerm();
        replica.Held.ForgetMessages(); // They spoke for a term that is over.
    }

    /// <summary>The election is won.</summary>
    public void Lead(Instant now)
    {
        roll.Close();
        roll.OnLeader();
        standing.Become(RaftRole.Leader, standing.Self);
        Leadership = new Leadership(options, support, standing, replica.Journal, now);
    }

    /// <summary>A follower of <paramref name="leader"/>, or of nobody yet, in a term not before the present one. A leader refuses its readers and frees the votes that are bound to it (S2).</summary>
    public void Follow(Instant now, Term term, NodeId leader)
    {
        if (Leadership is not null)
        {
            readers.RefuseAll(Leadership);
            Leadership.ReleaseVotes(replica.Held);
        }

        if (term > standing.Term) EnterTerm(term);
        standing.Become(RaftRole.Follower, leader);
        roll.Close();
        Leadership = null;
        replica.Timer.Restart(now);
    }

    /// <summary>The leader of a term not before the present one was heard: there is no other in it (Raft paper 5.2).</summary>
    public void Obey(Instant now, Term term, NodeId leader)
    {
        Invariant.Holds(term > standing.Term || standing.Role != RaftRole.Leader, "two leaders in one term");
        Invariant.Holds(term > standing.Term || standing.Leader == NodeId.None || standing.Leader == leader, "two leaders in one term");
        if (term > standing.Term || standing.Role != RaftRole.Follower || standing.Leader != leader) Follow(now, term, leader);
        roll.OnLeader();
        follower.Obey(now);
    }
}
