using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Procedures;

/// <summary>
/// A kind of trouble that a run whose members the directory decides keeps coming back to, while something is under way: what independent misfortunes bring about between two steps of a procedure is too rare. It knows
/// nothing of the mistake that it may bring to light.
/// </summary>
internal enum ProcedurePressure : byte
{
    /// <summary>Only the swarm's independent misfortunes.</summary>
    None = 0,

    /// <summary>Whoever leads the directory dies between steps, again and again.</summary>
    DriverDies,

    /// <summary>Whoever leads the directory is cut off from most, and not from all, or is paused, or its loop is stuck, for longer than it takes to depose it: two think that they drive.</summary>
    TwoDrivers,

    /// <summary>The node that a procedure is about dies, or is paused, in the middle of it.</summary>
    SubjectFails,

    /// <summary>The leader of a group that is asked to change is paused for less than it takes to depose it, and what it is asked is read long after its asker was cut off.</summary>
    LateServant,

    /// <summary>While a voter is sent away nobody hears of the learners, of whom one should follow it.</summary>
    LearnersAway,

    /// <summary>A node's disk is lost, and another of few is sent away at once.</summary>
    Shorthanded,

    /// <summary>The leader of a data group is cut off from its new members as soon as it has written down that the old ones count no more, and from nobody else; disks are lost, and nobody is sent away.</summary>
    LeaderAlone,

    /// <summary>Groups are created, moved and deleted all the time.</summary>
    Restless,
}

/// <summary>What a run under a pressure is like.</summary>
internal static class ProcedurePressureDraw
{
    /// <summary>Of any eleven seeds three have none, and each pressure has one: runs of this world are few in a sweep over all.</summary>
    public static ProcedurePressure Of(ulong seed) => (ProcedurePressure)Math.Max(0, (int)(seed % 11) - 2);

    public static ClusterOptions Apply(ClusterOptions drawn) => drawn.Procedures switch
    {
        // Five vote, and there are some to spare.
        ProcedurePressure.LearnersAway => drawn with { Voters = 5, Machines = 8 },
        ProcedurePressure.Shorthanded => drawn with { Voters = 3, Machines = 3, BetweenWipes = TimeSpan.Zero },
        // A data group's members can be apart, and the directory's still be enough.
        ProcedurePressure.LeaderAlone => drawn with { Voters = 5, Machines = 6, BetweenWipes = TimeSpan.FromSeconds(1) },
        _ => drawn,
    };
}
