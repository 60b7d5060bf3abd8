using System.Buffers;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus;

/// <summary>A member's part in its group.</summary>
public enum MemberRole : byte
{
    /// <summary>Votes, acknowledges, keeps the state, may lead.</summary>
    Voter = 0,

    /// <summary>Receives everything, counts for nothing: a replica that is catching up or serves reads.</summary>
    Learner = 1,

    /// <summary>Votes and acknowledges, but keeps entries without their payload and no state, and never leads. Buys availability after one crash, not survival of a lost disk.</summary>
    Witness = 2,
}

/// <summary>One member of a group.</summary>
public readonly record struct Member(NodeId Node, MemberRole Role)
{
    /// <summary>Whether the member's vote and acknowledgement count.</summary>
    public bool CountsForQuorum => Role != MemberRole.Learner;
}

/// <summary>
/// Who belongs to a group. While it changes, two sets are in force at once and every decision needs a majority of both
/// (joint consensus, Raft paper 6). Immutable; members are kept in the order of their ids.
/// </summary>
public sealed class Configuration : IEquatable<Configuration>
{
    /// <summary>At most this many members in one set.</summary>
    public const int MembersMax = 64;

    private readonly Member[] incoming;
    private readonly Member[] outgoing;

    private Configuration(Member[] incoming, Member[] outgoing)
    {
        this.incoming = incoming;
        this.outgoing = outgoing;
    }

    /// <summary>A group nobody belongs to yet: the configuration of a replica that waits to be added.</summary>
    public static Configuration Empty { get; } = new([], []);

    /// <summary>The members of the set that is, or is about to be, in force alone.</summary>
    public ReadOnlySpan<Member> Members => incoming;

    /// <summary>The members of the set that is on its way out; empty unless joint.</summary>
    public ReadOnlySpan<Member> Outgoing => outgoing;

    /// <summary>Whether two sets are in force.</summary>
    public bool IsJoint => outgoing.Length > 0;

    /// <summary>Whether anybody may lead: a set of learners and witnesses is no group.</summary>
    public bool HasVoter => Array.Exists(incoming, static member => member.Role == MemberRole.Voter);

    /// <summary>A configuration of voters.</summary>
    public static Configuration OfVoters(params ReadOnlySpan<NodeId> voters)
    {
        var members = new Member[voters.Length];
        for (var i = 0; i < voters.Length; i++) members[i] = new Member(voters[i], MemberRole.Voter);
        return Of(members);
    }

    /// <summary>A configuration of the given members.</summary>
    public static Configuration Of(params ReadOnlySpan<Member> members) => new(Sorted(members), []);

    /// <summary>The joint configuration that leads from this one to <paramref name="target"/>.</summary>
    public Configuration JoinTowards(Configuration target)
    {
        Invariant.Holds(!IsJoint, "a membership change began while another was under way");
        Invariant.Holds(!target.IsJoint, "a membership change aims at a joint configuration");
        return new Configuration(target.incoming, incoming);
    }

    /// <summary>The configuration that a joint one leads to.</summary>
    public Configuration LeaveJoint() => new(incoming, []);

    /// <summary>Whether a change to <paramref name="target"/> leaves the counted members as they are, so that no joint step is needed.</summary>
    public bool HasSameQuorumAs(Configuration target)
    {
        foreach (var member in incoming)
            if (member.CountsForQuorum && !target.CountsForQuorum(member.Node)) return false;
        foreach (var member in target.incoming)
            if (member.CountsForQuorum && !CountsForQuorum(member.Node)) return false;
        return true;
    }

    /// <summary>Whether the node is in either set.</summary>
    public bool Contains(NodeId node) => Find(incoming, node) is not null || Find(outgoing, node) is not null;

    /// <summary>Whether the node's acknowledgement counts in either set.</summary>
    public bool CountsForQuorum(NodeId node) =>
        Find(incoming, node) is { CountsForQuorum: true } || Find(outgoing, node) is { CountsForQuorum: true };

    /// <summary>Whether the node may stand for election: a voter of either set.</summary>
    public bool MayLead(NodeId node) => Find(incoming, node) is { Role: MemberRole.Voter } || Find(outgoing, node) is { Role: MemberRole.Voter };

    /// <summary>Whether the node keeps entries without payload. In a joint configuration it must be a witness wherever it appears.</summary>
    public bool IsWitness(NodeId node) =>
        Find(incoming, node) is { } now ? now.Role == MemberRole.Witness : Find(outgoing, node) is { Role: MemberRole.Witness };

    /// <summary>Whether this is the only counted member there is.</summary>
    public bool IsSoleVoter(NodeId node) => !IsJoint && MayLead(node) && QuorumSize(incoming) == 1 && CountedMembers(incoming) == 1;

    /// <summary>Writes the configuration: version, then both sets as (node, role).</summary>
    public void Encode(IBufferWriter<byte> target)
    {
        var writer = new SpanWriter(target);
        writer.WriteByte(1);
        Write(writer, incoming);
        Write(writer, outgoing);
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; false when the bytes are not a configuration.</summary>
    public static bool TryDecode(ref SpanReader reader, out Configuration configuration)
    {
        var version = reader.ReadByte();
        var incoming = Read(ref reader);
        var outgoing = Read(ref reader);
        configuration = incoming is null || outgoing is null || version != 1 || !reader.IsWhole ? Empty : new Configuration(incoming, outgoing);
        return reader.IsWhole && version == 1 && incoming is not null && outgoing is not null;
    }

    /// <inheritdoc/>
    public bool Equals(Configuration? other) => other is not null && incoming.AsSpan().SequenceEqual(other.incoming) && outgoing.AsSpan().SequenceEqual(other.outgoing);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Configuration);

    /// <inheritdoc/>
    public override int GetHashCode() => incoming.Length * 31 + outgoing.Length;

    /// <inheritdoc/>
    public override string ToString() => IsJoint ? $"{Text(outgoing)} -> {Text(incoming)}" : Text(incoming);

    private static string Text(Member[] members) =>
        "{" + string.Join(" ", members.Select(member => member.Role switch
        {
            MemberRole.Learner => $"{member.Node}(learner)",
            MemberRole.Witness => $"{member.Node}(witness)",
            _ => member.Node.ToString(),
        })) + "}";

    private static int CountedMembers(Member[] members)
    {
        var counted = 0;
        foreach (var member in members)
            if (member.CountsForQuorum) counted++;
        return counted;
    }

    private static int QuorumSize(Member[] members) => CountedMembers(members) / 2 + 1;

    private static Member? Find(Member[] members, NodeId node)
    {
        foreach (var member in members)
            if (member.Node == node) return member;
        return null;
    }

    private static Member[] Sorted(ReadOnlySpan<Member> members)
    {
        Invariant.Holds(members.Length <= MembersMax, "a group has more members than a configuration holds");
        var sorted = members.ToArray();
        Array.Sort(sorted, static (left, right) => left.Node.CompareTo(right.Node));
        for (var i = 1; i < sorted.Length; i++)
            Invariant.Holds(sorted[i - 1].Node != sorted[i].Node, "a configuration names a node twice");
        return sorted;
    }

    private static void Write(SpanWriter writer, Member[] members)
    {
        writer.WriteByte((byte)members.Length);
        foreach (var member in members)
        {
            writer.WriteUInt64(member.Node.Value);
            writer.WriteByte((byte)member.Role);
        }
    }

    private static Member[]? Read(ref SpanReader reader)
    {
        var count = reader.ReadByte();
        if (count > MembersMax) return null;
        var members = new Member[count];
        for (var i = 0; i < count; i++)
        {
            members[i] = new Member(new NodeId(reader.ReadUInt64()), (MemberRole)reader.ReadByte());
            if (members[i].Role > MemberRole.Witness) return null;
            if (i > 0 && members[i - 1].Node.CompareTo(members[i].Node) >= 0) return null;
        }

        return members;
    }
}
