using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>Who a group's members should be, and the single next step towards it. Pure.</summary>
internal static class DesiredMembers
{
    private static readonly Mark SlowLearner = new("cluster: a promotion waits for a learner");

    /// <summary>
    /// Groups 0 and 1 follow from the cluster's members: five voters, or as many as there are, everybody else a learner. Removed incarnations are never kept (S4). A node that came to a learner's place votes
    /// when that was asked for, and not before.
    /// </summary>
    public static SortedDictionary<NodeId, MemberRole> OfWholeCluster(GroupSighting sighting, ProcedureRecord? procedure, DirectoryView view)
    {
        var wanted = new SortedDictionary<NodeId, MemberRole>();
        foreach (var member in sighting.Configuration.Members)
            if (!view.Removed.Contains(member.Node)) wanted[member.Node] = member.Role;
        PromoteAsked(wanted, sighting, view);

        if (procedure is { Kind: ProcedureKind.RemoveNode })
        {
            wanted.Remove(procedure.Subject);
            if (sighting.Configuration.CountsForQuorum(procedure.Subject)) FillVoters(wanted, sighting, view);
        }
        else if (procedure is { Kind: ProcedureKind.AddNode })
        {
            var others = CountVoters(wanted) - (wanted.GetValueOrDefault(procedure.Subject, MemberRole.Learner) == MemberRole.Voter ? 1 : 0);
            wanted[procedure.Subject] = others < Genesis.VotersMax && !IsHeld(view, procedure.Subject) ? MemberRole.Voter : MemberRole.Learner;
        }
        else if (procedure is { Kind: ProcedureKind.ReplaceIncarnation })
        {
            if (wanted.Remove(procedure.Replaces, out var role)) wanted[procedure.Subject] = role;
            else if (!wanted.ContainsKey(procedure.Subject)) wanted[procedure.Subject] = CountVoters(wanted) < Genesis.VotersMax ? MemberRole.Voter : MemberRole.Learner;
        }

        else if (procedure is null)
        {
            FillVoters(wanted, sighting, view);
        }

        return wanted;
    }

    /// <summary>A data group follows from the directory's record of it.</summary>
    public static SortedDictionary<NodeId, MemberRole> OfDataGroup(GroupRecord group)
    {
        var wanted = new SortedDictionary<NodeId, MemberRole>();
        foreach (var place in group.Replicas) wanted[place.Node] = place.Role;
        return wanted;
    }

    /// <summary>
    /// The next step: first everybody new as a learner; then, when those who are to vote have caught up, the whole wish in one change, old out and new in together
    /// (joint consensus), so that the group is never weaker in between. Null when there is nothing left to do.
    /// </summary>
    public static ProcedureAction? NextStep(GroupSighting sighting, SortedDictionary<NodeId, MemberRole> wanted)
    {
        var configuration = sighting.Configuration;
        if (configuration.IsJoint || !sighting.HasCommittedMembers) return new ProcedureAction.Wait($"group {sighting.Group}: a membership change is under way");
        if (!wanted.ContainsValue(MemberRole.Voter)) return new ProcedureAction.Wait($"group {sighting.Group}: nobody would be left to vote");

        var withLearners = new List<Member>(configuration.Members.ToArray());
        foreach (var (node, _) in wanted)
            if (!configuration.Contains(node)) withLearners.Add(new Member(node, MemberRole.Learner));
        if (withLearners.Count > configuration.Members.Length)
            return new ProcedureAction.ChangeMembers(sighting.Group, configuration, Configuration.Of(withLearners.ToArray())) { Since = sighting.Since };

        foreach (var (node, role) in wanted)
        {
            if (role == MemberRole.Learner || configuration.CountsForQuorum(node) || sighting.CaughtUp.Contains(node)) continue;
            SlowLearner.Hit();
            return new ProcedureAction.Wait($"group {sighting.Group}: node {node} is catching up");
        }

        var target = Configuration.Of(wanted.Select(pair => new Member(pair.Key, pair.Value)).ToArray());
        return target.Equals(configuration) ? null : new ProcedureAction.ChangeMembers(sighting.Group, configuration, target) { Since = sighting.Since };
    }

    /// <summary>When a voter leaves a group that has learners to spare, one that has caught up takes its place in the same change; where none had, one does as soon as it has.</summary>
    private static void FillVoters(SortedDictionary<NodeId, MemberRole> wanted, GroupSighting sighting, DirectoryView view)
    {
        foreach (var (node, role) in wanted)
        {
            if (role != MemberRole.Learner || CountVoters(wanted) >= Genesis.VotersMax) continue;
            if (!sighting.CaughtUp.Contains(node) || view.RunningAbout(node) is not null || !view.Members.ContainsKey(node) || IsHeld(view, node)) continue;
            wanted[node] = MemberRole.Voter;
            return;
        }
    }

    /// <summary>Those that were held back and may vote now, once they have caught up: nothing else waits for them.</summary>
    private static void PromoteAsked(SortedDictionary<NodeId, MemberRole> wanted, GroupSighting sighting, DirectoryView view)
    {
        foreach (var node in sighting.CaughtUp)
        {
            if (wanted.GetValueOrDefault(node) != MemberRole.Learner || CountVoters(wanted) >= Genesis.VotersMax) continue;
            if (!view.Members.TryGetValue(node, out var member) || !ReservedPlace.IsPromoted(view, member)) continue;
            wanted[node] = MemberRole.Voter;
        }
    }

    private static bool IsHeld(DirectoryView view, NodeId node) => view.Members.TryGetValue(node, out var member) && ReservedPlace.IsHeld(view, member);

    private static int CountVoters(SortedDictionary<NodeId, MemberRole> members)
    {
        var voters = 0;
        foreach (var (_, role) in members)
            if (role == MemberRole.Voter) voters++;
        return voters;
    }
}
