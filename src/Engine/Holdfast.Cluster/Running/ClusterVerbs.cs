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

    public static byte[] EncodeJoin(MemberRecord member, ReadOnlySpan<byte> secret)
    {
        var buffer = new ByteBuffer(512);
        var writer = new SpanWriter(buffer);
        DirectoryCodec.Write(writer, member);
        writer.WriteBlock(secret);
        return buffer.Written.ToArray();
    }

    public static byte[] Encode(GroupStatus status)
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteFlag(status.IsServingLeader);
        writer.WriteUInt64(status.Term.Value);
        writer.WriteUInt64(status.Commit.Value);
        writer.WriteUInt64(status.Applied.Value);
        writer.WriteUInt32(status.FeatureLevel);
        status.Configuration.Encode(buffer);
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
        return Configuration.TryDecode(ref reader, out var configuration) ? new ReplicaReport(leads, term, commit, applied, level, configuration) : null;
    }

    public static byte[] Encode(ProcedureAction.ChangeMembers change)
    {
        var buffer = new ByteBuffer(512);
        new SpanWriter(buffer).WriteUInt64(change.Group.Value);
        change.From.Encode(buffer);
        change.To.Encode(buffer);
        return buffer.Written.ToArray();
    }

    public static ProcedureAction.ChangeMembers? DecodeChange(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var group = new GroupId(reader.ReadUInt64());
        var isWhole = Configuration.TryDecode(ref reader, out var from) & Configuration.TryDecode(ref reader, out var to);
        return isWhole ? new ProcedureAction.ChangeMembers(group, from, to) : null;
    }

    public static byte[] GroupKey(GroupId group)
    {
        var buffer = new ByteBuffer(8);
        new SpanWriter(buffer).WriteUInt64(group.Value);
        return buffer.Written.ToArray();
    }
}

/// <summary>What a replica says of itself over a control call.</summary>
internal sealed record ReplicaReport(bool Leads, Term Term, LogIndex Commit, LogIndex Applied, uint FeatureLevel, Configuration Configuration);
