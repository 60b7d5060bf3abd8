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

    /// <summary>Whoever leads the directory is cut off from most, and not from all: two think that they drive.</summary>
    TwoDrivers,

    /// <summary>The node that a procedure is about dies, or is paused, in the middle of it.</summary>
    SubjectFails,

    /// <summary>The leader of a group that is asked to change is paused for less than it takes to depose it.</summary>
    LateServant,
}
