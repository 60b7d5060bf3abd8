using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Raft;

/// <summary>
/// After all else, where the group has a witness: its leader is killed in the middle of writes and does not come back before somebody else leads. What is asserted after healing cannot show whether that is so,
/// for then everybody is back (decision 0030).
/// </summary>
internal sealed class WitnessDrill(RaftWorld world)
{
    private const int Rounds = 4;

    private static readonly Mark Held = new("sim: a leader beside a witness died, and another led");

    private readonly SeededRandom dice = new(world.Options.Seed ^ 0x517E55); // Of dice of its own, so that nothing before it draws differently.

    /// <summary>Slower disks and wires may keep a voter out of step for so long that its leader does without it, and then it waits for the leader that has more.</summary>
    private bool IsPrompt => 2 * (world.Options.SyncMax + world.Options.DelayMax) < TimeSpan.FromMilliseconds(80);

    public void Hold()
    {
        for (var round = 0; round < Rounds && IsPrompt; round++)
        {
            if (world.Leader() is not { } leader || !MayBeKilled(leader.Process!.Core.Configuration)) return;
            leader.Process!.Burst(1);
            Pass(TimeSpan.FromMilliseconds(400)); // Everybody has shown that it keeps up.
            KillWhileWriting(leader);
            Pass(TimeSpan.FromSeconds(4));
            RaftCheck.Require(world.Leader() is { Process.Core.HasCommittedInTerm: true }, $"beside a witness nobody leads after {leader.Node} died, with whom everybody kept up");
            Held.Hit();
            world.Network.RestoreAll();
            leader.Start(TimeSpan.Zero);
            Pass(TimeSpan.FromSeconds(3));
        }
    }

    private void KillWhileWriting(RaftSite leader)
    {
        var process = leader.Process!;
        for (var i = 0; i < 12; i++) world.Clock.After(dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(30)), () => process.Burst(dice.Next(1, 4)));
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(30)), () =>
        {
            if (leader.Process != process) return;
            if (world.IsTracing) world.Trace($"{leader.Node} is killed, and stays away");
            foreach (var site in world.Sites) world.Network.Cut(leader.Slot, site.Slot); // What it has under way is lost with it: it has reached some and not others.
            leader.Kill();
        });
    }

    /// <summary>One set is in force, with a witness in it, and every member is up and whole.</summary>
    private bool MayBeKilled(Configuration configuration)
    {
        var (counted, witnesses) = (0, 0);
        foreach (var member in configuration.Members)
        {
            if (world.SiteOf(member.Node) is not { IsUp: true, Process.Core.IsWhole: true }) return false;
            if (member.CountsForQuorum) counted++;
            if (member.Role == MemberRole.Witness) witnesses++;
        }

        return !configuration.IsJoint && witnesses > 0 && counted >= 3;
    }

    private void Pass(TimeSpan span)
    {
        var until = world.Clock.Now + span.Ticks;
        while (world.Clock.RunNext(until)) { }
        world.Clock.AdvanceTo(until);
    }
}
