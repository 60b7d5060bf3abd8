using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>Where a replica stands: its term, its vote in that term, its role, and whom it knows to lead. Term and vote outlive the process, so every change of them is owed to the disk.</summary>
internal sealed class Standing(NodeId self, HardState found, LogDurability durability)
{
    public NodeId Self { get; } = self;

    public Term Term { get; private set; } = found.Term;

    public NodeId Vote { get; private set; } = found.Vote;

    public RaftRole Role { get; private set; }

    public NodeId Leader { get; private set; }

    /// <summary>Whether role, term or known leader changed since <see cref="TakeNews"/>.</summary>
    public bool HasNews { get; private set; }

    public bool IsLeader => Role == RaftRole.Leader;

    /// <summary>A follower that knows its leader; one without has nobody to answer to.</summary>
    public bool FollowsSomebody => Role == RaftRole.Follower && Leader != NodeId.None;

    public HardState HardState => new(Term, Vote);

    /// <summary>One vote per term (Raft paper 5.2), and none against a leader that the term already has.</summary>
    public bool HasVoteFor(NodeId candidate) => (Vote == NodeId.None || Vote == candidate) && Role == RaftRole.Follower && Leader == NodeId.None;

    public void EnterTerm(Term term)
    {
        Invariant.Holds(term > Term, "a replica's term went back");
        Term = term;
        Vote = NodeId.None;
        durability.OnHardStateChanged();
    }

    public void GrantVote(NodeId candidate)
    {
        if (Vote == candidate) return;
        Vote = candidate;
        durability.OnHardStateChanged();
    }

    public void Become(RaftRole role, NodeId leader)
    {
        Role = role;
        Leader = leader;
        HasNews = true;
    }

    public RoleChange? TakeNews()
    {
        if (!HasNews) return null;
        HasNews = false;
        return new RoleChange(Role, Term, Leader);
    }
}
