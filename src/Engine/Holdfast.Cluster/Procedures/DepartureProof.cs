using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// The proof that a group counts on a node no more, from what its leader says at two looks (S6): at the first its members are others, and no change is under way; at the second, in the same term, all that its log
/// had at the first is committed, the change that removed the node included. Pure. A leader that is deposed in between proves nothing, for its log may have been another one.
/// </summary>
internal sealed class DepartureProof(NodeId self)
{
    private readonly Dictionary<GroupId, (Term Term, LogIndex Last)> seen = [];

    /// <summary>One look; true when it is proven.</summary>
    /// <param name="group">The group.</param>
    /// <param name="leader">What its leader says; null when nobody says that it leads.</param>
    public bool Look(GroupId group, ReplicaReport? leader)
    {
        if (leader is not { Leads: true, Last: { } last, Configuration.IsJoint: false } || leader.Configuration.Contains(self) || leader.Configuration.Members.Length == 0)
        {
            seen.Remove(group);
            return false;
        }

        if (seen.TryGetValue(group, out var before) && before.Term == leader.Term) return leader.Commit >= before.Last;
        seen[group] = (leader.Term, last);
        return false;
    }

    /// <summary>Forgets what was seen of a group.</summary>
    public void Forget(GroupId group) => seen.Remove(group);
}
