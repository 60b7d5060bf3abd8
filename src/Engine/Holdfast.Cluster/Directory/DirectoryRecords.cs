using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>Which faces a node carries (DESIGN section 5, budgets).</summary>
[Flags]
public enum NodeRoles : byte
{
    /// <summary>Only consensus and storage.</summary>
    None = 0,

    /// <summary>The etcd face.</summary>
    Coordination = 1,

    /// <summary>The Redis face.</summary>
    Keyspace = 2,

    /// <summary>The vector face.</summary>
    Vectors = 4,

    /// <summary>The PostgreSQL face.</summary>
    Postgres = 8,

    /// <summary>Of the faces that it does not carry, witnesses: votes and the places of their logs, none of their data.</summary>
    Witness = 16,
}

/// <summary>Which roles carry which groups.</summary>
public static class NodeRolesExtensions
{
    /// <summary>Whether a node of these roles carries data groups of a face, by the face's name in a group's record, which may go on after a slash ("vectors/…"). A face that no role names is carried by every node that is no witness.</summary>
    public static bool Carry(this NodeRoles roles, string face) => face.Split('/')[0] switch
    {
        "keyspace" => roles.HasFlag(NodeRoles.Keyspace),
        "vectors" => roles.HasFlag(NodeRoles.Vectors),
        "postgres" => roles.HasFlag(NodeRoles.Postgres),
        _ => !roles.HasFlag(NodeRoles.Witness),
    };

    /// <summary>Whether a node of these roles may be a witness of data groups of a face: it has asked for that, and does not carry the face itself.</summary>
    public static bool Witnesses(this NodeRoles roles, string face) => roles.HasFlag(NodeRoles.Witness) && !roles.Carry(face);
}

/// <summary>A node as the cluster knows it: one incarnation under its name.</summary>
public sealed record MemberRecord
{
    /// <summary>The incarnation (S4).</summary>
    public required NodeId Node { get; init; }

    /// <summary>The name that people gave it; unique among the members at any time.</summary>
    public required string Name { get; init; }

    /// <summary>Host of the peer address, without brackets.</summary>
    public required string Host { get; init; }

    /// <summary>Port of the peer address.</summary>
    public required int Port { get; init; }

    /// <summary>Where clients reach its etcd face.</summary>
    public ImmutableArray<string> ClientUrls { get; init; } = [];

    /// <summary>The failure domain it stands in; nodes without one share the empty zone.</summary>
    public string Zone { get; init; } = "";

    /// <summary>The faces it carries.</summary>
    public NodeRoles Roles { get; init; } = NodeRoles.Coordination;

    /// <summary>The lowest feature level that its binary can still run.</summary>
    public uint FeatureLevelMin { get; init; } = 1;

    /// <summary>The highest feature level that its binary knows (S5).</summary>
    public uint FeatureLevelMax { get; init; } = 1;
}

/// <summary>Where one replica of a group should be.</summary>
public readonly record struct ReplicaPlace(NodeId Node, MemberRole Role);

/// <summary>A group as the directory knows it: the index. The authority on who its members are is the group's own log.</summary>
/// <param name="Id">The group; never used again (S6).</param>
/// <param name="Face">What it carries, such as "keyspace".</param>
/// <param name="Replicas">Where its replicas should be.</param>
public sealed record GroupRecord(GroupId Id, string Face, ImmutableArray<ReplicaPlace> Replicas)
{
    /// <summary>
    /// Where they were to be when the group was created. Never changed: a node that finds itself here begins its replica with this configuration, however late it is;
    /// every other begins empty and waits for the group's leader to add it (S4).
    /// </summary>
    public ImmutableArray<ReplicaPlace> Founders { get; init; } = [];
}

/// <summary>A join token, known by the hash of its secret only.</summary>
/// <param name="ExpiresMicros">After this stamped time it opens nothing.</param>
/// <param name="UsesLeft">How many nodes it may still admit.</param>
/// <param name="LastUser">Whom it admitted last: that node may ask again, because an answer can get lost.</param>
public sealed record TokenRecord(long ExpiresMicros, uint UsesLeft, NodeId LastUser);

/// <summary>What a procedure does.</summary>
public enum ProcedureKind : byte
{
    /// <summary>A new node becomes a member: group 0 as learner first, then group 1, then its data groups (S5).</summary>
    AddNode = 1,

    /// <summary>A node leaves: data groups, then group 1, group 0 last (S5).</summary>
    RemoveNode = 2,

    /// <summary>A wiped node came back under its name: the new incarnation takes the old one's places (S4).</summary>
    ReplaceIncarnation = 3,

    /// <summary>A part of one data group's content goes to another group of the same face. The groups' own logs tell how far it is, and the leader of the source drives it (S21).</summary>
    MovePart = 4,
}

/// <summary>What moves between two data groups.</summary>
/// <param name="Source">Who has it.</param>
/// <param name="Target">Who shall have it.</param>
/// <param name="Part">Which part, in the face's own words, such as slots "0-99".</param>
/// <param name="IsCancelled">Whether it is to be given up, if it still can be.</param>
public sealed record GroupMove(GroupId Source, GroupId Target, string Part, bool IsCancelled);

/// <summary>How far a procedure is.</summary>
public enum ProcedureState : byte
{
    /// <summary>Under way; whoever leads group 0 goes on with it.</summary>
    Running = 0,

    /// <summary>Done.</summary>
    Done = 1,

    /// <summary>Given up, for a reason that is written beside it.</summary>
    Failed = 2,
}

/// <summary>A multi-step change, recorded so that whoever leads group 0 can go on with it. Its place is found from the groups' own configurations, never remembered.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Subject">The node that is added or removed.</param>
/// <param name="Replaces">The old incarnation, when there is one.</param>
/// <param name="State">How far it is.</param>
/// <param name="Note">Why it failed.</param>
public sealed record ProcedureRecord(ulong Id, ProcedureKind Kind, NodeId Subject, NodeId Replaces, ProcedureState State, string Note)
{
    /// <summary>What moves, of a <see cref="ProcedureKind.MovePart"/>.</summary>
    public GroupMove? Move { get; init; }
}
