using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>Who answers: what every response header carries, and the list of members.</summary>
public sealed record CoordinationIdentity
{
    /// <summary>The cluster's id.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>This member's id: its node id.</summary>
    public required ulong MemberId { get; init; }

    /// <summary>The members as they are now: the replicas of the keyspace's group with their addresses. Asked for each MemberList; must not block.</summary>
    public required Func<IReadOnlyList<Member>> Members { get; init; }

    /// <summary>What may be done with the members; null where there is nothing to do, as in one process.</summary>
    public IMembership? Membership { get; init; }

    /// <summary>
    /// Asks the named leader how many seconds a lease has left there (<see cref="CoordinationFace.RemainingSecondsAsync"/>): only the leader's clock runs.
    /// Null from it: that member does not lead, or cannot be reached. Without one, a member that does not lead answers the granted time.
    /// </summary>
    public Func<ulong, long, CancellationToken, ValueTask<long?>>? AskLeader { get; init; }

    /// <summary>How much room the disks have that a majority needs, as far as this member knows; null from it while there was no reason to look. Asked ten times a second, must not block. None where nothing is on a disk.</summary>
    public Func<DiskRoom?>? DiskRoom { get; init; }

    /// <summary>The etcd version whose protocol this face speaks, for clients that ask before they use a feature.</summary>
    public string EtcdVersion { get; init; } = "3.6.0";
}
