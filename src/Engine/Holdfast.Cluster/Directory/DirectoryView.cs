using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// The directory's content after some entry. Immutable: any thread may look things up in it for as long as it likes. It is an index, possibly a little old;
/// each group's own log decides about that group (DESIGN section 5).
/// </summary>
public sealed record DirectoryView
{
    /// <summary>Most members a cluster may have: a configuration holds no more.</summary>
    public const int MembersMax = 64;

    /// <summary>The directory before its founding entry.</summary>
    public static DirectoryView Empty { get; } = new();

    /// <summary>The cluster; none before the founding entry.</summary>
    public ClusterId Cluster { get; init; }

    /// <summary>Rises with every change.</summary>
    public ulong Revision { get; init; }

    /// <summary>The SHA-256 of the cluster's certificate authority, in hex; empty without one.</summary>
    public string AuthorityFingerprint { get; init; } = "";

    /// <summary>The members by incarnation, those being added included.</summary>
    public ImmutableSortedDictionary<NodeId, MemberRecord> Members { get; init; } = ImmutableSortedDictionary<NodeId, MemberRecord>.Empty;

    /// <summary>The data groups. Groups 0 and 1 are not listed: their places follow from the members.</summary>
    public ImmutableSortedDictionary<GroupId, GroupRecord> Groups { get; init; } = ImmutableSortedDictionary<GroupId, GroupRecord>.Empty;

    /// <summary>The next group's id; ids are never reused (S6).</summary>
    public ulong NextGroup { get; init; } = 2;

    /// <summary>Data groups that were deleted: the proof on which a node deletes its replica (S6). Sixteen bytes each, for ever; groups are few and live long.</summary>
    public ImmutableSortedSet<GroupId> Tombstones { get; init; } = [];

    /// <summary>Settings that hold for the whole cluster.</summary>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Incarnations that may never come back (S4).</summary>
    public ImmutableSortedSet<NodeId> Removed { get; init; } = [];

    /// <summary>Join tokens by the hex SHA-256 of their secret.</summary>
    public ImmutableSortedDictionary<string, TokenRecord> Tokens { get; init; } = ImmutableSortedDictionary.Create<string, TokenRecord>(StringComparer.Ordinal);

    /// <summary>Procedures under way, and the latest that ended.</summary>
    public ImmutableSortedDictionary<ulong, ProcedureRecord> Procedures { get; init; } = ImmutableSortedDictionary<ulong, ProcedureRecord>.Empty;

    /// <summary>The next procedure's number.</summary>
    public ulong NextProcedure { get; init; } = 1;

    /// <summary>The member of that name, or nobody. While an incarnation is replaced there are two; the newer is the one that is being added.</summary>
    public MemberRecord? FindByName(string name)
    {
        MemberRecord? found = null;
        foreach (var (_, member) in Members)
            if (member.Name == name && (found is null || IsBeingReplaced(found.Node))) found = member;
        return found;
    }

    /// <summary>The procedure under way about that node, or none.</summary>
    public ProcedureRecord? RunningAbout(NodeId node)
    {
        foreach (var (_, procedure) in Procedures)
            if (procedure.State == ProcedureState.Running && procedure.Subject == node) return procedure;
        return null;
    }

    /// <summary>Whether another incarnation is taking this one's places.</summary>
    public bool IsBeingReplaced(NodeId node)
    {
        foreach (var (_, procedure) in Procedures)
            if (procedure.State == ProcedureState.Running && procedure.Replaces == node) return true;
        return false;
    }
}
