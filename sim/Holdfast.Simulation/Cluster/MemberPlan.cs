using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Keeps each group's members in step with the machines: incarnations that are gone are taken out, new ones come in as learners and are promoted when they
/// have caught up; now and then a healthy voter is made a learner for no reason.
/// </summary>
internal sealed class MemberPlan(ClusterWorld world)
{
    private const ulong CaughtUpWithin = 40;

    private static readonly Mark Promoted = new("sim: a learner of a whole node's group was promoted");
    private static readonly Mark Replaced = new("sim: a lost incarnation was taken out of a group");
    private static readonly Mark Demoted = new("sim: a healthy voter was made a learner");

    private readonly SeededRandom dice = world.Dice.Fork();

    public void Begin() => Later();

    private void Later()
    {
        var mean = world.Options.BetweenMembershipChanges;
        if (mean == TimeSpan.Zero) mean = TimeSpan.FromSeconds(2);
        if (world.IsHealed) mean = TimeSpan.FromMilliseconds(400);
        world.Clock.After(mean * (0.5 + dice.NextDouble()), () =>
        {
            foreach (var group in world.Groups) Plan(group);
            if (!world.IsClosing) Later();
        });
    }

    private void Plan(GroupId group)
    {
        if (world.LeaderOf(group) is not { IsPaused: false } leader) return;
        leader.SeatOf(group).Loop.Post(new OnLoop(now =>
        {
            var replica = leader.GroupOf(group);
            var core = replica.Replica.Node;
            if (core.Role != RaftRole.Leader || core.Configuration.IsJoint) return;
            var target = Target(core, core.Configuration, out var changes);
            if (changes > 0 && world.Atlas.IsViable(target.Members)) replica.ChangeMembership(now, target);
        }));
    }

    private Configuration Target(RaftNode core, Configuration current, out int changes)
    {
        changes = 0;
        var members = new List<Member>();
        var voters = 0;
        foreach (var member in current.Members)
        {
            if (world.MachineOf(member.Node) is null)
            {
                Replaced.Hit();
                changes++;
                continue;
            }

            var role = member.Role;
            if (role == MemberRole.Learner && core.MatchOf(member.Node).Value + CaughtUpWithin >= core.Commit.Value && dice.Chance(0.8))
            {
                Promoted.Hit();
                role = MemberRole.Voter;
                changes++;
            }

            members.Add(new Member(member.Node, role));
            if (role == MemberRole.Voter) voters++;
        }

        foreach (var machine in world.Machines)
        {
            if (current.Contains(machine.Node) || !machine.IsUp || world.Atlas.IsDamaged(machine.Node) || !dice.Chance(0.7)) continue;
            members.Add(new Member(machine.Node, MemberRole.Learner));
            changes++;
        }

        if (!world.IsHealed && voters > 3 && dice.Chance(0.2)) Demote(members, ref changes);
        return Configuration.Of([.. members]);
    }

    private void Demote(List<Member> members, ref int changes)
    {
        var at = dice.Next(members.Count);
        if (members[at].Role != MemberRole.Voter) return;
        Demoted.Hit();
        members[at] = new Member(members[at].Node, MemberRole.Learner);
        changes++;
    }
}
