using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>A group's copy in one data directory.</summary>
/// <param name="Source">Which of the given directories, from 0.</param>
/// <param name="Node">The incarnation that the directory belongs to.</param>
/// <param name="Group">The group.</param>
/// <param name="Last">The last entry that can be read.</param>
/// <param name="InForce">The newest configuration in the log.</param>
/// <param name="DamagedUpTo">Not zero: entries up to here may be missing (S8).</param>
internal sealed record GroupCopy(int Source, NodeId Node, GroupId Group, LogPosition Last, Configuration InForce, LogIndex DamagedUpTo)
{
    public bool IsWhole => DamagedUpTo == LogIndex.Zero;
}

/// <summary>
/// Recovery by hand, decided: per group the log with the highest (last term, last index) (S12), or why not. Pure. It refuses what would lose more than the disks that are gone:
/// a voter that is neither given nor named as lost, a majority that needs no recovery, a damaged log that nobody has accepted.
/// </summary>
internal sealed class RecoveryPlan
{
    private RecoveryPlan(IReadOnlyList<GroupCopy> chosen, IReadOnlyCollection<NodeId> missing, bool isNeeded, IReadOnlyList<string> faults) => (Chosen, Missing, IsNeeded, Faults) = (chosen, missing, isNeeded, faults);

    /// <summary>The voters whose directories were not given.</summary>
    public IReadOnlyCollection<NodeId> Missing { get; }

    /// <summary>Whether some group has no majority among the given directories.</summary>
    public bool IsNeeded { get; }

    /// <summary>The copy that each group continues from, in the order of the groups.</summary>
    public IReadOnlyList<GroupCopy> Chosen { get; }

    /// <summary>All that speaks against it, a sentence each.</summary>
    public IReadOnlyList<string> Faults { get; }

    /// <summary>Decides.</summary>
    /// <param name="copies">Every copy in the given directories.</param>
    /// <param name="nameOf">A node's name, or its id where no name is known.</param>
    /// <param name="lost">Names or ids of the voters whose disks are gone for good.</param>
    /// <param name="acceptsDamage">Whether the operator gives up what cannot be read.</param>
    public static RecoveryPlan Of(IReadOnlyList<GroupCopy> copies, Func<NodeId, string> nameOf, IReadOnlyCollection<string> lost, bool acceptsDamage)
    {
        var chosen = new List<GroupCopy>();
        var faults = new List<string>();
        var missing = new SortedSet<NodeId>();
        var needsRecovery = false;
        foreach (var group in copies.GroupBy(copy => copy.Group).OrderBy(group => group.Key))
        {
            var best = group.OrderByDescending(copy => copy.Last).ThenByDescending(copy => copy.IsWhole).ThenBy(copy => copy.Source).First();
            chosen.Add(best);
            if (best.InForce.IsWitness(best.Node))
                faults.Add($"group {group.Key}: the newest log is {nameOf(best.Node)}'s, a witness, which keeps no data: give the directory of a voter that has it");
            if (!best.IsWhole && !acceptsDamage)
                faults.Add($"group {group.Key}: the newest log, {nameOf(best.Node)}'s, is damaged: entries up to {best.DamagedUpTo} may be missing, and {best.Last} is the last that can be read; give a whole copy, or accept the loss with --accept-damage");
            var whole = group.Where(copy => copy.IsWhole).Select(copy => copy.Node).ToHashSet();
            if (!HasQuorum(best.InForce, whole)) needsRecovery = true;
            foreach (var voter in Voters(best.InForce))
                if (!group.Any(copy => copy.Node == voter)) missing.Add(voter);
        }

        if (!chosen.Exists(copy => copy.Group == GroupId.Directory) || !chosen.Exists(copy => copy.Group == GroupId.Coordination))
            faults.Add("the given directories do not hold both the directory (group 0) and the etcd keyspace (group 1): give those of more nodes");
        foreach (var voter in missing)
            if (!lost.Contains(nameOf(voter)) && !lost.Contains(voter.ToString()))
                faults.Add($"{nameOf(voter)} votes and its data directory is not given: give it with --data, because it may hold writes that the others lack; or, if its disk is gone for good, say so with --lost {nameOf(voter)}");
        if (chosen.Count > 0 && !needsRecovery)
            faults.Add("a majority of every group's voters is here and whole: start those nodes, and nothing at all is lost");
        return new RecoveryPlan(chosen, missing, needsRecovery, faults);
    }

    private static IEnumerable<NodeId> Voters(Configuration configuration)
    {
        var voters = new SortedSet<NodeId>();
        foreach (var member in configuration.Members)
            if (member.CountsForQuorum) voters.Add(member.Node);
        foreach (var member in configuration.Outgoing)
            if (member.CountsForQuorum) voters.Add(member.Node);
        return voters;
    }

    private static bool HasQuorum(Configuration configuration, HashSet<NodeId> present) => IsMajority(configuration.Members, present) && (!configuration.IsJoint || IsMajority(configuration.Outgoing, present));

    private static bool IsMajority(ReadOnlySpan<Member> members, HashSet<NodeId> present)
    {
        var (voters, here) = (0, 0);
        foreach (var member in members)
        {
            if (!member.CountsForQuorum) continue;
            voters++;
            if (present.Contains(member.Node)) here++;
        }

        return here > voters / 2;
    }
}
