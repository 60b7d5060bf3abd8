using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Raft;

/// <summary>
/// Changes the group's members: removes incarnations that are gone, adds new ones as learners, promotes them, adds a witness, and now and then removes or
/// demotes somebody for no reason; several at once. A removed machine comes back empty under a new name.
/// </summary>
internal sealed class Administrator(RaftWorld world)
{
    private static readonly Mark Promoted = new("sim: learner promoted");
    private static readonly Mark WitnessAdded = new("sim: witness added");
    private static readonly Mark SeveralAtOnce = new("sim: several members changed at once");

    private readonly SeededRandom dice = world.Dice.Fork();

    public void Begin() => Later();

    private void Later()
    {
        var mean = world.Options.BetweenMembershipChanges;
        if (mean == TimeSpan.Zero) mean = TimeSpan.FromSeconds(2);
        if (world.IsHealed) mean = TimeSpan.FromMilliseconds(400);
        world.Clock.After(mean * (0.5 + dice.NextDouble()), () =>
        {
            Act();
            if (!world.IsClosing) Later();
        });
    }

    /// <summary>Looks at the members, and changes them if there is something to change.</summary>
    public void Act()
    {
        if (world.Leader() is not { } site || site.Process!.IsPaused) return;
        var core = site.Process.Core;
        var current = core.Configuration;
        if (current.IsJoint) return;
        Recycle(current);
        if (!site.IsUp) return; // The leader itself was leaving, and its machine has been given to somebody else.
        var target = Target(core, current, out var changes);
        if (changes == 0 || !world.Atlas.IsViable(target.Members)) return;
        if (changes > 1) SeveralAtOnce.Hit();
        site.Process.ChangeMembers(target);
    }

    private Configuration Target(RaftNode core, Configuration current, out int changes)
    {
        changes = 0;
        var members = new List<Member>();
        var voters = 0;
        var hasWitness = false;
        foreach (var member in current.Members)
        {
            if (world.SiteOf(member.Node) is null)
            {
                changes++; // Gone for good: its disk was lost.
                continue;
            }

            var role = member.Role;
            if (role == MemberRole.Learner && core.MatchOf(member.Node).Value + 30 >= core.Commit.Value && dice.Chance(world.IsHealed ? 0.8 : world.Options.PromoteChance))
            {
                Promoted.Hit();
                role = MemberRole.Voter;
                changes++;
            }

            members.Add(new Member(member.Node, role));
            if (role == MemberRole.Voter) voters++;
            if (role == MemberRole.Witness) hasWitness = true;
        }

        foreach (var site in world.Sites)
        {
            if (current.Contains(site.Node) || !site.IsUp || world.Atlas.IsDamaged(site.Node) || (world.IsHealed && voters >= 3) || !dice.Chance(0.6)) continue;
            // Once meant for a witness, an incarnation is never anything else: its log may lack payloads.
            if (site.IsWitness && hasWitness) continue;
            var asWitness = site.IsWitness || (!hasWitness && !site.WasMember && voters >= 2 && dice.Chance(0.3));
            if (asWitness) WitnessAdded.Hit();
            hasWitness |= asWitness;
            site.IsWitness |= asWitness;
            site.WasMember = true;
            members.Add(new Member(site.Node, asWitness ? MemberRole.Witness : MemberRole.Learner));
            changes++;
        }

        if (!world.IsHealed && voters > 3 && dice.Chance(0.4)) voters -= Lessen(members, ref changes);
        return Configuration.Of([.. members]);
    }

    private int Lessen(List<Member> members, ref int changes)
    {
        var at = dice.Next(members.Count);
        var member = members[at];
        if (member.Role != MemberRole.Voter) return 0;
        changes++;
        if (dice.Chance(0.3)) members[at] = new Member(member.Node, MemberRole.Learner);
        else members.RemoveAt(at);
        return 1;
    }

    /// <summary>Whoever was a member and is none any more gives up its disk, as an operator would do before using the machine again.</summary>
    private void Recycle(Configuration current)
    {
        if (world.IsHealed || !dice.Chance(0.5)) return;
        foreach (var site in world.Sites)
        {
            if (!site.WasMember || current.Contains(site.Node) || world.Sites.Any(other => other != site && other.LastConfiguration.Contains(site.Node))) continue;
            site.Wipe();
            site.Start(TimeSpan.FromMilliseconds(100));
            return;
        }
    }
}
