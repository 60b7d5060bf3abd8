using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// A follower's promise for one group: while this node supports the leader's node at the bound epoch, it votes for no one else, itself included (S2).
/// It outlives the term in which it was made, and ends only when support was withdrawn, or another leader was accepted, which proves that the old lease is void.
/// </summary>
internal sealed class VoteBinding(SupportTable support)
{
    public NodeId Leader { get; private set; }

    public SupportEpoch Epoch { get; private set; }

    /// <summary>The term of the leader that the vote is bound to.</summary>
    public Term Term { get; private set; }

    public bool IsBound => Epoch != SupportEpoch.None && support.EpochFor(Leader) == Epoch;

    public void BindTo(NodeId leader, Term term)
    {
        Leader = leader;
        Term = term;
        Epoch = support.EpochFor(leader);
    }

    /// <summary>Frees the vote: the leader itself has said that its reign is over.</summary>
    public void Release() => Epoch = SupportEpoch.None;

    /// <summary>Frees the vote if the promise has lapsed; false while it must be kept.</summary>
    public bool TryRelease(Instant now)
    {
        if (IsBound && !support.TryWithdraw(now, Leader)) return false;
        Epoch = SupportEpoch.None;
        return true;
    }
}
