using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Faults;

/// <summary>
/// Remembers which replicas have lost data for good, and refuses damage from which the group could not come back. Crashes and partitions are not
/// bounded, they pass; lost data is: in each half of every configuration that may be in force, a majority stays whole. So after healing the group
/// must make progress, and the simulator may assert it.
/// </summary>
internal sealed class FaultAtlas
{
    private readonly HashSet<NodeId> damaged = [];

    public bool IsDamaged(NodeId node) => damaged.Contains(node);

    /// <summary>Whether the node may lose data now, given every configuration that some replica has in its log.</summary>
    public bool Permits(NodeId victim, IEnumerable<Configuration> inForce)
    {
        foreach (var configuration in inForce)
        {
            if (!Survives(configuration.Members, victim)) return false;
            if (configuration.IsJoint && !Survives(configuration.Outgoing, victim)) return false;
        }

        return true;
    }

    /// <summary>Whether a set could still decide if it were in force now.</summary>
    public bool IsViable(ReadOnlySpan<Member> members) => Survives(members, NodeId.None);

    public void Damage(NodeId node) => damaged.Add(node);

    public void Repair(NodeId node) => damaged.Remove(node);

    private bool Survives(ReadOnlySpan<Member> members, NodeId victim)
    {
        int counted = 0, whole = 0, wholeVoters = 0;
        var hasWitness = false;
        foreach (var member in members)
        {
            if (!member.CountsForQuorum) continue;
            counted++;
            hasWitness |= member.Role == MemberRole.Witness;
            if (member.Node == victim || damaged.Contains(member.Node)) continue;
            whole++;
            if (member.Role == MemberRole.Voter) wholeVoters++;
        }

        // A witness buys availability after a crash, not survival of a lost disk: it may hold the longest log and cannot lead. Two whole voters must stay.
        if (hasWitness && whole < counted) return false;
        return counted == 0 || (whole >= counted / 2 + 1 && wholeVoters >= Math.Min(2, counted));
    }
}
