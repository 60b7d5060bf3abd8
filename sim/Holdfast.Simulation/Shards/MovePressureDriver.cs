using Holdfast.Keyspace;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>What becomes of a question to a move's target, besides what the wires do to it.</summary>
internal readonly record struct QuestionFate(TimeSpan Late, bool LosesAnswer);

/// <summary>Brings about the run's <see cref="MovePressure"/>: who leads a source, and which words about a move are late, while it is under way.</summary>
internal sealed class MovePressureDriver(ClusterWorld world)
{
    private static readonly Mark AdoptionLate = new("sim pressure: the word to adopt was late, and the source changed hands");
    private static readonly Mark SealLost = new("sim pressure: a leader was cut off from its shard as it sealed");
    private static readonly Mark CameBack = new("sim pressure: a source changed hands, and back, within one question of a move");

    private static readonly TimeSpan TransferEvery = TimeSpan.FromMilliseconds(15);

    // Of dice of its own, so that a run without a pressure draws what it drew before there were any.
    private readonly SeededRandom dice = new(world.Options.Seed ^ 0x5EA1_ED);
    private readonly MovePressure pressure = world.Options.Moves;
    private NodeId absent;
    private GroupId handed;
    private long until;

    public QuestionFate FateOf(ClusterProcess source, MoveQuestion question)
    {
        if (pressure == MovePressure.None || world.IsHealed) return default;
        if (pressure == MovePressure.LateAdoption && question.Verb == MoveVerb.Adopt && dice.Chance(0.6))
        {
            AdoptionLate.Hit();
            Hand(question.Source, NodeId.None);
            return new(Ms(15, 250), false);
        }

        if (pressure != MovePressure.ThereAndBack) return default;
        if (world.Clock.Now < until) return new(handed == question.Source && source.Node != absent ? Ms(900, 1400) : default, false);
        if (question is not { Verb: MoveVerb.Stage, IsSealed: false } || !dice.Chance(0.5)) return default;
        (absent, handed, until) = (source.Node, question.Source, world.Clock.Now + Ms(700, 750).Ticks);
        Hand(question.Source, NodeId.None);
        world.Clock.After(Ms(80, 300), () => BringBack(source, question.Source));
        return new(default, true);
    }

    /// <summary>A step of a move was executed on its source, and nothing of it has left the node yet.</summary>
    public void AfterStep(ClusterProcess source, DeparturePhase? before, DeparturePhase? after)
    {
        if (pressure != MovePressure.SealedAlone || world.IsHealed || (before, after) is not (DeparturePhase.Open, DeparturePhase.Sealed) || !dice.Chance(0.7)) return;
        SealLost.Hit();
        if (world.IsTracing) world.Trace($"pressure: {source.Node} is cut off as it seals");
        var inside = new bool[world.Machines.Count];
        inside[source.Machine.Slot] = true;
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(Ms(900, 1600), world.Mesh.RestoreAll);
    }

    private void Hand(GroupId group, NodeId target)
    {
        if (world.LeaderOf(group) is not { IsPaused: false } leader) return;
        if (world.IsTracing) world.Trace($"pressure: {leader.Node} hands group {group} to {(target == NodeId.None ? "anybody" : target)}");
        leader.SeatOf(group).Loop.Post(new OnLoop(now => leader.GroupOf(group).TransferLeadership(now, target)));
    }

    /// <summary>Asked of whoever leads, again and again, until the source is where it was.</summary>
    private void BringBack(ClusterProcess source, GroupId group)
    {
        if (world.IsHealed || !source.IsAlive || world.Clock.Now >= until) return;
        if (world.LeaderOf(group) == source)
        {
            CameBack.Hit();
            return;
        }

        Hand(group, source.Node);
        world.Clock.After(TransferEvery, () => BringBack(source, group));
    }

    private TimeSpan Ms(int low, int high) => TimeSpan.FromMicroseconds(dice.Next(low * 1000, high * 1000 + 1));
}

/// <summary>Draws the pressure of a run of shards, and takes away the misfortunes that would only hide it.</summary>
internal static class MovePressureDraw
{
    public static ClusterOptions Apply(ClusterOptions drawn)
    {
        var dice = new SeededRandom(drawn.Seed ^ 0x9E55_5A4D);
        if (dice.Chance(0.4)) return drawn;
        var pressed = drawn with { Moves = (MovePressure)dice.Next(1, (int)MovePressure.ThereAndBack + 1), Pressure = ClusterPressure.None };
        return dice.Chance(0.7) ? pressed.WithoutUpheaval().OnFastDisks(4) : pressed;
    }
}
