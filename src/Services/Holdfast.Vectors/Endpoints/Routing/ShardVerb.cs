using Holdfast.Primitives;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>How one replica of a shard stands, by its own word.</summary>
/// <param name="Leads">Whether it leads.</param>
/// <param name="Serves">Whether its state is there, and counts.</param>
/// <param name="Term">Its term.</param>
/// <param name="Applied">What it has applied.</param>
/// <param name="Committed">What it knows to be committed.</param>
/// <param name="StateHash">The hash of its state at what it has applied: equal on replicas that have applied the same.</param>
/// <param name="Points">Its points.</param>
/// <param name="ReadMicros">What answering questions has taken it since it began, in microseconds of the threads that answered.</param>
internal sealed record ReplicaStanding(bool Leads, bool Serves, ulong Term, ulong Applied, ulong Committed, ulong StateHash, long Points, long ReadMicros);

/// <summary>A shard's calls between nodes, as bytes: version, what is wanted, the group, and then the question or the command. Numbers never change.</summary>
internal static class ShardVerb
{
    /// <summary>The control verb.</summary>
    public const ushort Number = 0x0501;

    private const byte Version = 1;
    private const byte Ask = 1;
    private const byte Propose = 2;
    private const byte Standing = 3;
    private const byte FetchPiece = 4;
    private const byte AddPiece = 5;
    private const byte TakeWhole = 6;
    private const byte PassLead = 7;

    // 8 and 9 are GraphVerb's.

    /// <summary>Of a proposal that programs before the late commands must not put into a log: they refuse the version.</summary>
    private const byte LateVersion = 2;

    /// <summary>The first word of an answer that comes in pieces; no status is so low.</summary>
    private const ushort IsLong = 1;

    /// <summary>A call, read.</summary>
    /// <param name="Group">The shard's group.</param>
    /// <param name="Question">What is asked; null for a proposal.</param>
    /// <param name="Demand">How fresh.</param>
    /// <param name="Command">What is proposed.</param>
    internal readonly record struct Call(GroupId Group, ShardQuestion? Question, ReadDemand Demand, byte[] Command)
    {
        /// <summary>Whether the asker fetches an answer in pieces when it is long.</summary>
        public bool TakesPieces { get; init; }
    }

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
        writer.WriteByte(1); // It takes pieces: behind everything else, where a program that does not know it does not look.
        return buffer.Written.ToArray();
    }

    /// <summary>A proposal.</summary>
    public static byte[] Encode(GroupId group, byte[] command)
    {
        var buffer = new ByteBuffer(command.Length + 32);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(ShardCommand.LevelOf(command) > 1 ? LateVersion : Version);
        writer.WriteByte(Propose);
        writer.WriteUInt64(group.Value);
        writer.WriteBlock(command);
        return buffer.Written.ToArray();
    }

    /// <summary>Asks how the replica stands.</summary>
    public static byte[] Stand(GroupId group) => Short(Standing, group.Value);

    /// <summary>Asks the node that leads a shard to hand it over to another.</summary>
    public static byte[] HandOver(GroupId group, ulong to)
    {
        var buffer = new ByteBuffer(32);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte(PassLead);
        writer.WriteUInt64(group.Value);
        writer.WriteUInt64(to);
        return buffer.Written.ToArray();
    }

    /// <summary>Whether a call asks that a lead be handed over: of which group, and to whom.</summary>
    public static (GroupId Group, ulong To)? HandOverOf(ReadOnlySpan<byte> call)
    {
        var reader = new SpanReader(call);
        return reader.ReadByte() == Version && reader.ReadByte() == PassLead && (new GroupId(reader.ReadUInt64()), reader.ReadUInt64()) is var asked && reader.IsWhole ? asked : null;
    }

    /// <summary>Done; there is nothing to say.</summary>
    public static byte[] Answer() => [0, 0];

    /// <summary>Asks for a piece of a long answer.</summary>
    public static byte[] Fetch(ulong name, int from) => Short(FetchPiece, name, (uint)from);

    /// <summary>Says that a long question is there, and to be answered.</summary>
    public static byte[] Whole(ulong name) => Short(TakeWhole, name);

    /// <summary>A piece of a long question.</summary>
    public static byte[] Piece(ulong name, int length, int from, ReadOnlySpan<byte> piece)
    {
        var buffer = new ByteBuffer(piece.Length + 64);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte(AddPiece);
        writer.WriteUInt64(name);
        writer.WriteUInt32((uint)length);
        writer.WriteUInt32((uint)from);
        writer.WriteBlock(piece);
        return buffer.Written.ToArray();
    }

    /// <summary>Does what is asked about long messages; null when the call is about a shard. A long question that is whole now comes out and is to be read instead.</summary>
    public static byte[]? Serve(LongMessages messages, ref ReadOnlyMemory<byte> call)
    {
        var reader = new SpanReader(call.Span);
        var (version, kind, name) = (reader.ReadByte(), reader.ReadByte(), reader.ReadUInt64());
        if (version != Version || kind is not (FetchPiece or AddPiece or TakeWhole)) return null;
        if (kind == TakeWhole)
        {
            call = messages.Take(name);
            return null;
        }

        var buffer = new ByteBuffer(64);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(0);
        if (kind == FetchPiece) writer.WriteBytes(messages.PieceOf(name, (int)reader.ReadUInt32()).Span);
        else
        {
            var (length, from) = ((int)reader.ReadUInt32(), (int)reader.ReadUInt32());
            var piece = reader.ReadBlock().ToArray();
            if (!reader.IsWhole) throw VectorFault.Unavailable("a piece of a long message is not whole");
            messages.Add(name, length, from, piece);
        }

        return buffer.Written.ToArray();
    }

    /// <summary>An answer as it is, or the name under which it is kept to be fetched.</summary>
    public static ReadOnlyMemory<byte> Shortened(ReadOnlyMemory<byte> answer, bool takesPieces, LongMessages messages)
    {
        if (answer.Length <= LongMessages.PieceBytes || !takesPieces) return answer;
        var name = messages.Keep(answer);
        var buffer = new ByteBuffer(32);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(IsLong);
        writer.WriteUInt64(name);
        writer.WriteUInt64((ulong)answer.Length);
        return buffer.Written.ToArray();
    }

    /// <summary>The name and length of an answer that is to be fetched; null for one that is here.</summary>
    public static (ulong Name, long Length)? LongAnswer(ReadOnlySpan<byte> answer)
    {
        var reader = new SpanReader(answer);
        return reader.ReadUInt16() == IsLong ? (reader.ReadUInt64(), (long)reader.ReadUInt64()) : null;
    }

    /// <summary>What a call was refused with; null when it was not.</summary>
    public static VectorFault? RefusalIn(ReadOnlySpan<byte> answer)
    {
        var reader = new SpanReader(answer);
        return reader.ReadUInt16() is var status && status > IsLong ? VectorFault.Relayed(status, reader.ReadText()) : null;
    }

    /// <summary>The piece that an answer brings.</summary>
    public static ReadOnlyMemory<byte> PieceIn(ReadOnlyMemory<byte> answer) => answer.Length > sizeof(ushort) ? answer[sizeof(ushort)..] : default;

    /// <summary>Whether a call asks how a replica stands, and which.</summary>
    public static GroupId? StandingOf(ReadOnlySpan<byte> call)
    {
        var reader = new SpanReader(call);
        return reader.ReadByte() == Version && reader.ReadByte() == Standing && new GroupId(reader.ReadUInt64()) is var group && reader.IsWhole ? group : null;
    }

    /// <summary>How a replica stands.</summary>
    public static byte[] Answer(ReplicaStanding standing)
    {
        var buffer = new ByteBuffer(64);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(0);
        writer.WriteByte(standing.Leads ? (byte)1 : (byte)0);
        writer.WriteByte(standing.Serves ? (byte)1 : (byte)0);
        foreach (var number in (ReadOnlySpan<ulong>)[standing.Term, standing.Applied, standing.Committed, standing.StateHash, (ulong)standing.Points, (ulong)standing.ReadMicros]) writer.WriteUInt64(number);
        return buffer.Written.ToArray();
    }

    /// <summary>Reads how a replica stands; null when there is none.</summary>
    public static ReplicaStanding? DecodeStanding(ReadOnlySpan<byte> answer)
    {
        var reader = new SpanReader(answer);
        if (reader.ReadUInt16() != 0) return null;
        var standing = new ReplicaStanding(reader.ReadByte() != 0, reader.ReadByte() != 0, reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), (long)reader.ReadUInt64(), (long)reader.ReadUInt64());
        return reader.IsWhole ? standing : null;
    }

    /// <summary>Reads a call; null when it is not whole, or of a newer program.</summary>
    public static Call? Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var (version, kind, group) = (reader.ReadByte(), reader.ReadByte(), new GroupId(reader.ReadUInt64()));
        if (version != Version && !(version == LateVersion && kind == Propose)) return null;
        if (kind == Propose) return reader.ReadBlock().ToArray() is var command && reader.IsWhole ? new Call(group, null, default, command) : null;
        if (kind != Ask) return null;
        var demand = new ReadDemand((ReadLevel)reader.ReadByte(), new LogIndex(reader.ReadUInt64()));
        return QuestionCodec.Read(ref reader) is { } question ? new Call(group, question, demand, []) { TakesPieces = !reader.Rest.IsEmpty && reader.ReadByte() == 1 } : null;
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
        reply.Missed?.Write(writer); // Behind everything else, where a program that does not know it does not look.
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
        if (!reader.Rest.IsEmpty) reply = reply with { Missed = PointId.Read(ref reader) };
        return reader.IsWhole ? reply : throw VectorFault.Unknown("another node's answer is not whole");
    }

    private static byte[] Short(byte kind, ulong name, uint? from = null)
    {
        var buffer = new ByteBuffer(32);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte(kind);
        writer.WriteUInt64(name);
        if (from is { } place) writer.WriteUInt32(place);
        return buffer.Written.ToArray();
    }

    private static void ThrowIfRefused(ref SpanReader reader)
    {
        var status = reader.ReadUInt16();
        if (status != 0) throw VectorFault.Relayed(status, reader.ReadText());
    }
}
