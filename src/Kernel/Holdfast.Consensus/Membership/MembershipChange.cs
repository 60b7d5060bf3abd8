using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What is left to do of a membership change once its newest configuration is committed.</summary>
internal enum MembershipStep : byte
{
    /// <summary>Nothing: one set is in force, and this leader belongs to it.</summary>
    None = 0,

    /// <summary>Both sets are in force and everybody knows: the old one may go (Raft paper 6).</summary>
    LeaveJoint = 1,

    /// <summary>The leader itself is not in the new set: it leaves (Raft thesis 4.2.2).</summary>
    LeaveGroup = 2,
}

/// <summary>The order in which a group's members change: one change at a time, each through a joint configuration unless the counted members stay the same.</summary>
internal sealed class MembershipChange(Standing standing, Journal journal)
{
    private static readonly Mark LeftJoint = new("raft: joint configuration left");
    private static readonly Mark RemovedLeaderLeft = new("raft: leader left after its own removal");

    /// <summary>The first configuration on the way to <paramref name="target"/>, or null when no change may begin now.</summary>
    public Configuration? Begin(Configuration target)
    {
        // One change at a time, and none before a commit in the own term (raft-dev, 2015: the single-server bug).
        var isRefused = !journal.HasCommittedIn(standing.Term) || journal.Configuration.IsJoint || journal.Configurations.CurrentIndex > journal.Commit || !target.HasVoter;
        if (isRefused) return null;
        return journal.Configuration.HasSameQuorumAs(target) ? target : journal.Configuration.JoinTowards(target);
    }

    /// <summary>What the leader is to do now.</summary>
    public MembershipStep Next()
    {
        if (journal.Configurations.CurrentIndex > journal.Commit || !journal.HasCommittedIn(standing.Term)) return MembershipStep.None;
        if (journal.Configuration.IsJoint)
        {
            LeftJoint.Hit();
            return MembershipStep.LeaveJoint;
        }

        if (journal.Configuration.MayLead(standing.Self)) return MembershipStep.None;
        RemovedLeaderLeft.Hit();
        return MembershipStep.LeaveGroup;
    }
}
