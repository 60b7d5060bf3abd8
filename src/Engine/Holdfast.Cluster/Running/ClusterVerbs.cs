using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>The verbs of this room among the control calls, and their bytes. The numbers never change.</summary>
internal static class ClusterVerbs
{
    public const ushort Who = 0x0101;
    public const ushort Join = 0x0102;
    public const ushort Status = 0x0103;
    public const ushort Change = 0x0104;
    public const ushort Sign = 0x0105;
    public const ushort Level = 0x0106;
    public const ushort Meet = 0x0107;

    public static byte[] Encode(BootstrapAnswer answer)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        DirectoryCodec.Write(writer, answer.Member);
        writer.WriteFlag(answer.Genesis is not null);
        answer.Genesis?.Encode(writer);
        return buffer.Written.ToArray();
    }

    public static BootstrapAnswer? DecodeAnswer(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var member = DirectoryCodec.ReadMember(ref reader);
        Genesis? genesis = null;
        if (reader.ReadFlag() && Genesis.TryDecode(ref reader, out var found)) genesis = found;
        return reader.IsWhole ? new BootstrapAnswer(member.Node, member.Name, genesis, member) : null;
    }

    public static byte[] Encode(JoinQuestion question)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        DirectoryCodec.Write(writer, question.Member);
        writer.WriteBlock(question.Secret);
        writer.WriteBlock(question.SigningRequest);
        return buffer.Written.ToArray();
    }

    public static JoinQuestion? DecodeQuestion(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var question = new JoinQuestion(DirectoryCodec.ReadMember(ref reader), reader.ReadBlock().ToArray(), reader.ReadBlock().ToArray());
        return reader.IsWhole ? question : null;
    }

    public static byte[] Encode(JoinAnswer answer)
    {
        var buffer = new ByteBuffer(4096);
        var writer = new SpanWriter(buffer);
        answer.Genesis.Encode(writer);
        writer.WriteBlock(answer.Certificate);
        writer.WriteByte((byte)answer.Authorities.Length);
        foreach (var authority in answer.Authorities) writer.WriteBlock(authority);
        return buffer.Written.ToArray();
    }

    public static JoinAnswer? DecodeJoined(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        if (!Genesis.TryDecode(ref reader, out var genesis)) return null;
        var certificate = reader.ReadBlock().ToArray();
        var authorities = new byte[reader.ReadByte()][];
        for (var i = 0; i < authorities.Length; i++) authorities[i] = reader.ReadBlock().ToArray();
        return reader.IsWhole ? new JoinAnswer(genesis, certificate, authorities) : null;
    }

    public static byte[] Encode(GroupStatus status)
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteFlag(status.IsServingLeader);
        writer.WriteUInt64(status.Term.Value);
        writer.WriteUInt64(status.Commit.Value);
        writer.WriteUInt64(status.IsRestored ? status.Applied.Value : 0); // Nobody is caught up without a state.
        writer.WriteUInt32(status.FeatureLevel);
        status.Configuration.Encode(buffer);
        new SpanWriter(buffer).WriteUInt64(status.Last.Index.Value); // Programs from before do not look for it, nor for what follows.
        new SpanWriter(buffer).WriteFlag(status.HasCommittedMembers);
        new SpanWriter(buffer).WriteUInt64(status.ConfigurationIndex.Value);
        return buffer.Written.ToArray();
    }

    public static ReplicaReport? DecodeReport(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var leads = reader.ReadFlag();
        var term = new Term(reader.ReadUInt64());
        var commit = new LogIndex(reader.ReadUInt64());
        var applied = new LogIndex(reader.ReadUInt64());
        var level = reader.ReadUInt32();
        if (!Configuration.TryDecode(ref reader, out var configuration)) return null;
        var report = new ReplicaReport(leads, term, commit, applied, level, configuration);
        if (reader.Rest.Length < sizeof(ulong)) return report;
        report = report with { Last = new LogIndex(reader.ReadUInt64()) };
        if (reader.Rest.Length == 0) return report;
        report = report with { HasCommittedMembers = reader.ReadFlag() };
        return reader.Rest.Length < sizeof(ulong) ? report : report with { ConfigurationIndex = new LogIndex(reader.ReadUInt64()) };
    }

    public static byte[] Encode(ProcedureAction.ChangeMembers change)
    {
        var buffer = new ByteBuffer(512);
        new SpanWriter(buffer).WriteUInt64(change.Group.Value);
        change.From.Encode(buffer);
        change.To.Encode(buffer);
        if (change.Since is { } since) new SpanWriter(buffer).WriteUInt64(since.Value); // Programs from before do not look for it.
        return buffer.Written.ToArray();
    }

    public static ProcedureAction.ChangeMembers? DecodeChange(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var group = new GroupId(reader.ReadUInt64());
        var isWhole = Configuration.TryDecode(ref reader, out var from) & Configuration.TryDecode(ref reader, out var to);
        if (!isWhole) return null;
        return new ProcedureAction.ChangeMembers(group, from, to) { Since = reader.Rest.Length < sizeof(ulong) ? null : new LogIndex(reader.ReadUInt64()) };
    }

    public static byte[] EncodeLevel(uint level)
    {
        var buffer = new ByteBuffer(8);
        new SpanWriter(buffer).WriteUInt32(level);
        return buffer.Written.ToArray();
    }

    public static uint DecodeLevel(ReadOnlySpan<byte> bytes) => new SpanReader(bytes).ReadUInt32();

    public static byte[] GroupKey(GroupId group)
    {
        var buffer = new ByteBuffer(8);
        new SpanWriter(buffer).WriteUInt64(group.Value);
        return buffer.Written.ToArray();
    }
}

/// <summary>A node asks to come in.</summary>
/// <param name="Member">What the cluster shall know of it.</param>
/// <param name="Secret">Its token's secret; empty when its certificate is its proof.</param>
/// <param name="SigningRequest">PKCS#10, DER, when it has no certificate yet; else empty.</param>
internal sealed record JoinQuestion(MemberRecord Member, byte[] Secret, byte[] SigningRequest);

/// <summary>It is in.</summary>
/// <param name="Genesis">Which cluster, and a first address book.</param>
/// <param name="Certificate">Its certificate, DER, when it asked for one; else empty.</param>
/// <param name="Authorities">The cluster's authorities, DER; none without TLS.</param>
internal sealed record JoinAnswer(Genesis Genesis, byte[] Certificate, byte[][] Authorities);

/// <summary>What a replica says of itself over a control call.</summary>
/// <param name="Leads">Whether it leads.</param>
/// <param name="Term">Its term.</param>
/// <param name="Commit">What it knows to be committed.</param>
/// <param name="Applied">What it has applied.</param>
/// <param name="FeatureLevel">The group's feature level, as far as it has applied.</param>
/// <param name="Configuration">The members that it knows.</param>
public sealed record ReplicaReport(bool Leads, Term Term, LogIndex Commit, LogIndex Applied, uint FeatureLevel, Configuration Configuration)
{
    /// <summary>Its log's last entry; null where its program does not say.</summary>
    public LogIndex? Last { get; init; }

    /// <summary>Where the members stand in its log; null where its program does not say.</summary>
    public LogIndex? ConfigurationIndex { get; init; }

    /// <summary>Whether the members are committed; true where its program does not say.</summary>
    public bool HasCommittedMembers { get; init; } = true;
}
