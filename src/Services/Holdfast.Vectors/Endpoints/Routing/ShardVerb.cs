using Holdfast.Primitives;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>A shard's calls between nodes, as bytes: version, what is wanted, the group, and then the question or the command. Numbers never change.</summary>
internal static class ShardVerb
{
    /// <summary>The control verb.</summary>
    public const ushort Number = 0x0501;

    private const byte Version = 1;
    private const byte Ask = 1;
    private const byte Propose = 2;

    /// <summary>A call, read.</summary>
    /// <param name="Group">The shard's group.</param>
    /// <param name="Question">What is asked; null for a proposal.</param>
    /// <param name="Demand">How fresh.</param>
    /// <param name="Command">What is proposed.</param>
    internal readonly record struct Call(GroupId Group, ShardQuestion? Question, ReadDemand Demand, byte[] Command);

    /// <summary>A question.</summary>
    public static byte[] Encode(GroupId group, ShardQuestion question, ReadDemand demand)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte(Ask);
        writer.WriteUInt64(group.Value);
        writer.WriteByte((byte)demand.Level);
        writer.WriteUInt64(demand.AtLeast.Value);
        QuestionCodec.Write(writer, question);
        return buffer.Written.ToArray();
    }

    /// <summary>A proposal.</summary>
    public static byte[] Encode(GroupId group, byte[] command)
    {
        var buffer = new ByteBuffer(command.Length + 32);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte(Propose);
        writer.WriteUInt64(group.Value);
        writer.WriteBlock(command);
        return buffer.Written.ToArray();
    }

    /// <summary>Reads a call; null when it is not whole, or of a newer program.</summary>
    public static Call? Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var (version, kind, group) = (reader.ReadByte(), reader.ReadByte(), new GroupId(reader.ReadUInt64()));
        if (version != Version) return null;
        if (kind == Propose) return reader.ReadBlock().ToArray() is var command && reader.IsWhole ? new Call(group, null, default, command) : null;
        if (kind != Ask) return null;
        var demand = new ReadDemand((ReadLevel)reader.ReadByte(), new LogIndex(reader.ReadUInt64()));
        return QuestionCodec.Read(ref reader) is { } question ? new Call(group, question, demand, []) : null;
    }

    /// <summary>A refusal as an answer.</summary>
    public static byte[] Refusal(VectorFault fault)
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16((ushort)fault.Status);
        writer.WriteText(fault.Message);
        return buffer.Written.ToArray();
    }

    /// <summary>What a shard answered.</summary>
    public static ReadOnlyMemory<byte> Answer(ShardAnswer answer, bool isPage, Func<string, int> columnOf)
    {
        var buffer = new ByteBuffer(4096);
        new SpanWriter(buffer).WriteUInt16(0);
        AnswerCodec.Write(buffer, answer, isPage, columnOf);
        return buffer.WrittenMemory;
    }

    /// <summary>What a proposal became.</summary>
    public static byte[] Answer(ShardReply reply)
    {
        var buffer = new ByteBuffer(64);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(0);
        writer.WriteUInt64(reply.Index.Value);
        writer.WriteUInt32((uint)reply.Changed);
        return buffer.Written.ToArray();
    }

    /// <summary>Reads an answer.</summary>
    /// <exception cref="VectorFault">What the other node refused with.</exception>
    public static ShardAnswer DecodeAnswer(ReadOnlySpan<byte> bytes, IReadOnlyList<VectorParams> columns)
    {
        var reader = new SpanReader(bytes);
        ThrowIfRefused(ref reader);
        return AnswerCodec.Read(ref reader, columns) ?? throw VectorFault.Unavailable("another node's answer is not whole");
    }

    /// <summary>Reads what a proposal became.</summary>
    /// <exception cref="VectorFault">What the other node refused with.</exception>
    public static ShardReply DecodeReply(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        ThrowIfRefused(ref reader);
        var reply = new ShardReply(new LogIndex(reader.ReadUInt64()), null, (int)reader.ReadUInt32());
        return reader.IsWhole ? reply : throw VectorFault.Unknown("another node's answer is not whole");
    }

    private static void ThrowIfRefused(ref SpanReader reader)
    {
        var status = reader.ReadUInt16();
        if (status != 0) throw VectorFault.Relayed(status, reader.ReadText());
    }
}
