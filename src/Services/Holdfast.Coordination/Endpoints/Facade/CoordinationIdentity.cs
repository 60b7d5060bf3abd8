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

    /// <summary>The etcd version whose protocol this face speaks, for clients that ask before they use a feature.</summary>
    public string EtcdVersion { get; init; } = "3.6.0";
}
