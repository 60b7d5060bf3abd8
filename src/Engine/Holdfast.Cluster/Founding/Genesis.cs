using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>How a data directory came to its cluster.</summary>
public enum GenesisOrigin : byte
{
    /// <summary>The node is one of the founders: its groups begin with the founders as members.</summary>
    Founded = 1,

    /// <summary>The node was admitted later: its groups begin empty, and wait to be added (S4).</summary>
    Joined = 2,

    /// <summary>A cluster was recovered by hand into this directory (S12): its groups continue an old cluster's content, with this node as their only voter.</summary>
    Recovered = 3,
}

/// <summary>
/// What a cluster begins with, written once by the founder (the lowest name) and the same on all founders. A node that joined later keeps it too, as proof of which
/// cluster its data belongs to and as a first address book.
/// </summary>
public sealed record Genesis
{
    /// <summary>Most voters of group 0 and group 1; every other node is a learner (DESIGN section 5).</summary>
    public const int VotersMax = 5;

    private const byte Version = 1;

    /// <summary>The cluster.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>Who formed it.</summary>
    public required NodeId Founder { get; init; }

    /// <summary>The members by name, in ordinal order; of a joined node: those it was told of.</summary>
    public required ImmutableArray<MemberRecord> Members { get; init; }

    /// <summary>The SHA-256 of the cluster's authority, in hex; empty without TLS.</summary>
    public string AuthorityFingerprint { get; init; } = "";

    /// <summary>The authority's certificate (DER); empty without TLS.</summary>
    public ImmutableArray<byte> AuthorityCertificate { get; init; } = [];

    /// <summary>How this data directory came to it.</summary>
    public GenesisOrigin Origin { get; init; } = GenesisOrigin.Founded;

    /// <summary>The configuration that groups 0 and 1 begin with on this node.</summary>
    public Configuration InitialConfiguration()
    {
        if (Origin == GenesisOrigin.Joined) return Configuration.Empty;
        var members = new Member[Members.Length];
        for (var i = 0; i < members.Length; i++) members[i] = new Member(Members[i].Node, i < VotersMax ? MemberRole.Voter : MemberRole.Learner);
        return Configuration.Of(members);
    }

    /// <summary>The genesis of a node that founds its cluster alone.</summary>
    internal static Genesis Of(MemberRecord alone, ClusterId cluster) => new() { Cluster = cluster, Founder = alone.Node, Members = [alone] };

    /// <summary>The founding member of that name, or null.</summary>
    public MemberRecord? Find(string name)
    {
        foreach (var member in Members)
            if (member.Name == name) return member;
        return null;
    }

    internal byte[] ToBytes()
    {
        var buffer = new ByteBuffer(1024);
        Encode(new SpanWriter(buffer));
        return buffer.Written.ToArray();
    }

    internal void Encode(SpanWriter writer)
    {
        writer.WriteByte(Version);
        writer.WriteByte((byte)Origin);
        writer.WriteUInt64(Cluster.Value);
        writer.WriteUInt64(Founder.Value);
        writer.WriteText(AuthorityFingerprint);
        writer.WriteBlock(AuthorityCertificate.AsSpan());
        writer.WriteUInt16((ushort)Members.Length);
        foreach (var member in Members) DirectoryCodec.Write(writer, member);
    }

    internal static bool TryDecode(ref SpanReader reader, out Genesis genesis)
    {
        var version = reader.ReadByte();
        var origin = (GenesisOrigin)reader.ReadByte();
        var cluster = new ClusterId(reader.ReadUInt64());
        var founder = new NodeId(reader.ReadUInt64());
        var fingerprint = reader.ReadText();
        var authority = reader.ReadBlock().ToArray();
        var count = reader.ReadUInt16();
        var members = ImmutableArray.CreateBuilder<MemberRecord>();
        for (var left = Math.Min(count, (ushort)DirectoryView.MembersMax); left > 0 && reader.IsWhole; left--) members.Add(DirectoryCodec.ReadMember(ref reader));
        genesis = new Genesis { Cluster = cluster, Founder = founder, Members = members.ToImmutable(), AuthorityFingerprint = fingerprint, AuthorityCertificate = [.. authority], Origin = origin };
        return reader.IsWhole && version == Version && count <= DirectoryView.MembersMax && cluster != ClusterId.None
            && origin is >= GenesisOrigin.Founded and <= GenesisOrigin.Recovered && IsSound(genesis.Members);
    }

    private static bool IsSound(ImmutableArray<MemberRecord> members)
    {
        for (var i = 0; i < members.Length; i++)
        {
            if (members[i].Node == NodeId.None || members[i].Name.Length == 0) return false;
            for (var j = 0; j < i; j++)
                if (members[j].Node == members[i].Node) return false;
        }

        return true;
    }
}
