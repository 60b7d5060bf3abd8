using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>The byte form of the directory's records and of a whole view. Readers never throw: a reader that is not whole says it afterwards.</summary>
internal static class DirectoryCodec
{
    /// <summary>Most elements of any list in these formats.</summary>
    private const uint ListMax = 1 << 20;

    public static void Write(SpanWriter writer, MemberRecord member)
    {
        writer.WriteUInt64(member.Node.Value);
        writer.WriteText(member.Name);
        writer.WriteText(member.Host);
        writer.WriteUInt16((ushort)member.Port);
        writer.WriteText(member.Zone);
        writer.WriteByte((byte)member.Roles);
        writer.WriteUInt32(member.FeatureLevelMin);
        writer.WriteUInt32(member.FeatureLevelMax);
        writer.WriteUInt32((uint)member.ClientUrls.Length);
        foreach (var url in member.ClientUrls) writer.WriteText(url);
    }

    public static MemberRecord ReadMember(ref SpanReader reader)
    {
        var member = new MemberRecord
        {
            Node = new NodeId(reader.ReadUInt64()),
            Name = reader.ReadText(),
            Host = reader.ReadText(),
            Port = reader.ReadUInt16(),
            Zone = reader.ReadText(),
            Roles = (NodeRoles)reader.ReadByte(),
            FeatureLevelMin = reader.ReadUInt32(),
            FeatureLevelMax = reader.ReadUInt32(),
        };
        var urls = ImmutableArray.CreateBuilder<string>();
        for (var left = Count(ref reader); left > 0 && reader.IsWhole; left--) urls.Add(reader.ReadText());
        return member with { ClientUrls = urls.ToImmutable() };
    }

    public static void Write(SpanWriter writer, ImmutableArray<ReplicaPlace> places)
    {
        writer.WriteUInt32((uint)places.Length);
        foreach (var place in places)
        {
            writer.WriteUInt64(place.Node.Value);
            writer.WriteByte((byte)place.Role);
        }
    }

    public static ImmutableArray<ReplicaPlace> ReadPlaces(ref SpanReader reader)
    {
        var places = ImmutableArray.CreateBuilder<ReplicaPlace>();
        for (var left = Count(ref reader); left > 0 && reader.IsWhole; left--)
            places.Add(new ReplicaPlace(new NodeId(reader.ReadUInt64()), (MemberRole)reader.ReadByte()));
        return places.ToImmutable();
    }

    /// <summary>Writes a whole view, a record in each step: between steps its writer may do something else.</summary>
    public static IEnumerable<int> WriteInSteps(ByteBuffer target, DirectoryView view)
    {
        WriteHead(new SpanWriter(target), view);
        yield return target.Length;
        new SpanWriter(target).WriteUInt32((uint)view.Members.Count);
        foreach (var (_, member) in view.Members)
        {
            Write(new SpanWriter(target), member);
            yield return target.Length;
        }

        new SpanWriter(target).WriteUInt32((uint)view.Groups.Count);
        foreach (var (_, group) in view.Groups)
        {
            Write(new SpanWriter(target), group);
            yield return target.Length;
        }

        new SpanWriter(target).WriteUInt32((uint)view.Tombstones.Count);
        foreach (var group in view.Tombstones)
        {
            new SpanWriter(target).WriteUInt64(group.Value);
            yield return target.Length;
        }

        new SpanWriter(target).WriteUInt32((uint)view.Settings.Count);
        foreach (var (key, value) in view.Settings)
        {
            new SpanWriter(target).WriteText(key);
            new SpanWriter(target).WriteText(value);
            yield return target.Length;
        }

        new SpanWriter(target).WriteUInt32((uint)view.Removed.Count);
        foreach (var node in view.Removed)
        {
            new SpanWriter(target).WriteUInt64(node.Value);
            yield return target.Length;
        }

        new SpanWriter(target).WriteUInt32((uint)view.Tokens.Count);
        foreach (var (hash, token) in view.Tokens)
        {
            Write(new SpanWriter(target), hash, token);
            yield return target.Length;
        }

        new SpanWriter(target).WriteUInt32((uint)view.Procedures.Count);
        foreach (var (_, procedure) in view.Procedures)
        {
            Write(new SpanWriter(target), procedure);
            yield return target.Length;
        }
    }

    /// <summary>What stands before the records: a view that has none of them yet.</summary>
    public static DirectoryView ReadHead(ref SpanReader reader) => new()
    {
        Cluster = new ClusterId(reader.ReadUInt64()),
        Revision = reader.ReadUInt64(),
        AuthorityFingerprint = reader.ReadText(),
        NextGroup = reader.ReadUInt64(),
        NextProcedure = reader.ReadUInt64(),
    };

    public static GroupRecord ReadGroup(ref SpanReader reader) => new(new GroupId(reader.ReadUInt64()), reader.ReadText(), ReadPlaces(ref reader)) { Founders = ReadPlaces(ref reader) };

    public static (string Hash, TokenRecord Token) ReadToken(ref SpanReader reader) => (reader.ReadText(), new TokenRecord((long)reader.ReadUInt64(), reader.ReadUInt32(), new NodeId(reader.ReadUInt64())));

    public static ProcedureRecord ReadProcedure(ref SpanReader reader)
    {
        var procedure = new ProcedureRecord(reader.ReadUInt64(), (ProcedureKind)reader.ReadByte(), new NodeId(reader.ReadUInt64()), new NodeId(reader.ReadUInt64()), (ProcedureState)reader.ReadByte(), reader.ReadText());
        return procedure.Kind != ProcedureKind.MovePart
            ? procedure
            : procedure with { Move = new GroupMove(new GroupId(reader.ReadUInt64()), new GroupId(reader.ReadUInt64()), reader.ReadText(), reader.ReadFlag()) };
    }

    /// <summary>How many elements follow; never an absurd number.</summary>
    public static uint Count(ref SpanReader reader) => Math.Min(reader.ReadUInt32(), ListMax);

    private static void WriteHead(SpanWriter writer, DirectoryView view)
    {
        writer.WriteUInt64(view.Cluster.Value);
        writer.WriteUInt64(view.Revision);
        writer.WriteText(view.AuthorityFingerprint);
        writer.WriteUInt64(view.NextGroup);
        writer.WriteUInt64(view.NextProcedure);
    }

    private static void Write(SpanWriter writer, GroupRecord group)
    {
        writer.WriteUInt64(group.Id.Value);
        writer.WriteText(group.Face);
        Write(writer, group.Replicas);
        Write(writer, group.Founders);
    }

    private static void Write(SpanWriter writer, string hash, TokenRecord token)
    {
        writer.WriteText(hash);
        writer.WriteUInt64((ulong)token.ExpiresMicros);
        writer.WriteUInt32(token.UsesLeft);
        writer.WriteUInt64(token.LastUser.Value);
    }

    private static void Write(SpanWriter writer, ProcedureRecord procedure)
    {
        writer.WriteUInt64(procedure.Id);
        writer.WriteByte((byte)procedure.Kind);
        writer.WriteUInt64(procedure.Subject.Value);
        writer.WriteUInt64(procedure.Replaces.Value);
        writer.WriteByte((byte)procedure.State);
        writer.WriteText(procedure.Note);
        if (procedure.Kind != ProcedureKind.MovePart) return;
        writer.WriteUInt64(procedure.Move!.Source.Value);
        writer.WriteUInt64(procedure.Move.Target.Value);
        writer.WriteText(procedure.Move.Part);
        writer.WriteFlag(procedure.Move.IsCancelled);
    }
}
