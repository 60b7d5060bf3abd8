using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus;

/// <summary>What a frame between two replicas of a group holds. Numbers are on the wire: never reuse one.</summary>
public enum FrameKind : byte
{
    /// <summary>Not a frame.</summary>
    None = 0,

    /// <summary><see cref="Consensus.RequestVote"/>.</summary>
    RequestVote = 1,

    /// <summary><see cref="Consensus.VoteReply"/>.</summary>
    VoteReply = 2,

    /// <summary><see cref="AppendHeader"/> and an <see cref="EntryBatch"/>.</summary>
    Append = 3,

    /// <summary><see cref="Consensus.AppendReply"/>.</summary>
    AppendReply = 4,

    /// <summary><see cref="Consensus.OfferSnapshot"/>.</summary>
    OfferSnapshot = 5,

    /// <summary><see cref="Consensus.TimeoutNow"/>.</summary>
    TimeoutNow = 6,

    /// <summary><see cref="Consensus.ReadIndexRequest"/>.</summary>
    ReadIndexRequest = 7,

    /// <summary><see cref="Consensus.ReadIndexReply"/>.</summary>
    ReadIndexReply = 8,

    /// <summary><see cref="Consensus.ReleaseVote"/>.</summary>
    ReleaseVote = 9,

    /// <summary><see cref="Consensus.CallRoll"/>.</summary>
    CallRoll = 10,

    /// <summary><see cref="Consensus.RollAnswer"/>.</summary>
    RollAnswer = 11,

    /// <summary>The leader did not take a forwarded proposal: nothing was written.</summary>
    ForwardRefused = 33,

    /// <summary>Asks for a snapshot's manifest.</summary>
    ManifestRequest = 34,

    /// <summary>A snapshot's manifest, or that there is none.</summary>
    ManifestReply = 35,

    /// <summary>Asks for one chunk of a snapshot.</summary>
    ChunkRequest = 36,

    /// <summary>One chunk of a snapshot.</summary>
    ChunkReply = 37,

    /// <summary>A committed index and the state's hash there.</summary>
    StateHash = 38,

    /// <summary>Which trace the forwarded proposal that follows belongs to. Nothing rests on it: it is never repeated, and a binary that does not know it drops it.</summary>
    ForwardTrace = 39,

    /// <summary>A proposal on its way from a follower to its leader, with the term in which it may be taken. (32 was one without a term.)</summary>
    Forward = 40,

    /// <summary>What a face says to its like on another node: of no group, never repeated, and nobody's state depends on it.</summary>
    Face = 48,
}

/// <summary>What kinds of frames have in common.</summary>
public static class FrameKinds
{
    /// <summary>Whether the consensus core says it, and not what is built around it.</summary>
    public static bool IsConsensus(this FrameKind kind) => (byte)kind < 32;
}

/// <summary>How every frame of a group begins: version, kind, group, and the sender's feature level for it.</summary>
public readonly record struct FrameHeader(FrameKind Kind, GroupId Group, uint FeatureLevel)
{
    /// <summary>The frame format this binary writes and reads.</summary>
    public const byte Version = 1;

    /// <summary>Bytes on the wire.</summary>
    public const int Size = 14;

    /// <summary>Writes the header.</summary>
    public void Encode(SpanWriter writer)
    {
        writer.WriteByte(Version);
        writer.WriteByte((byte)Kind);
        writer.WriteUInt64(Group.Value);
        writer.WriteUInt32(FeatureLevel);
    }

    /// <summary>Reads the header; false when the frame is short or of a version this binary does not know.</summary>
    public static bool TryDecode(ref SpanReader reader, out FrameHeader header)
    {
        var version = reader.ReadByte();
        header = new FrameHeader((FrameKind)reader.ReadByte(), new GroupId(reader.ReadUInt64()), reader.ReadUInt32());
        return reader.IsWhole && version == Version;
    }
}

/// <summary>The consensus messages as bytes, little-endian, fields in the order of their declaration. A decoder reads all fields and asks once whether they were there.</summary>
public static class MessageCodec
{
    /// <summary>Writes a vote request.</summary>
    public static void Encode(SpanWriter writer, in RequestVote message)
    {
        writer.WriteUInt64(message.Term.Value);
        WritePosition(writer, message.Last);
        writer.WriteByte(Bits(message.IsPreVote, message.IsTransfer, false));
    }

    /// <summary>Reads a vote request.</summary>
    public static bool TryDecode(ref SpanReader reader, out RequestVote message)
    {
        var term = new Term(reader.ReadUInt64());
        var last = ReadPosition(ref reader);
        var bits = reader.ReadByte();
        message = new RequestVote(term, last, (bits & 1) != 0, (bits & 2) != 0);
        return reader.IsWhole;
    }

    /// <summary>Writes a vote answer.</summary>
    public static void Encode(SpanWriter writer, in VoteReply message)
    {
        writer.WriteUInt64(message.Term.Value);
        writer.WriteByte(Bits(message.Granted, message.IsPreVote, false));
    }

    /// <summary>Reads a vote answer.</summary>
    public static bool TryDecode(ref SpanReader reader, out VoteReply message)
    {
        var term = new Term(reader.ReadUInt64());
        var bits = reader.ReadByte();
        message = new VoteReply(term, (bits & 1) != 0, (bits & 2) != 0);
        return reader.IsWhole;
    }

    /// <summary>Writes an append, its entries taken from the log.</summary>
    public static void Encode(SpanWriter writer, in AppendOutbound message, RaftLog log)
    {
        writer.WriteUInt64(message.Header.Term.Value);
        WritePosition(writer, message.Header.Previous);
        writer.WriteUInt64(message.Header.Commit.Value);
        writer.WriteUInt64(message.Header.ReadRound);
        EntryBatch.Encode(writer, log, message.First, message.Count, message.StripPayload);
    }

    /// <summary>Reads an append; the entries are a view over the frame.</summary>
    public static bool TryDecode(ref SpanReader reader, out AppendHeader header, out EntryBatch entries)
    {
        var term = new Term(reader.ReadUInt64());
        var previous = ReadPosition(ref reader);
        header = new AppendHeader(term, previous, new LogIndex(reader.ReadUInt64()), reader.ReadUInt64());
        return EntryBatch.TryDecode(ref reader, out entries);
    }

    /// <summary>Writes an append's answer.</summary>
    public static void Encode(SpanWriter writer, in AppendReply message)
    {
        writer.WriteUInt64(message.Term.Value);
        writer.WriteByte(Bits(message.Accepted, message.IsWhole, false));
        writer.WriteUInt64(message.Match.Value);
        WritePosition(writer, message.Hint);
        writer.WriteUInt64(message.ReadRound);
        writer.WriteUInt64(message.Bound.Value);
    }

    /// <summary>Reads an append's answer.</summary>
    public static bool TryDecode(ref SpanReader reader, out AppendReply message)
    {
        var term = new Term(reader.ReadUInt64());
        var bits = reader.ReadByte();
        var match = new LogIndex(reader.ReadUInt64());
        var hint = ReadPosition(ref reader);
        message = new AppendReply(term, (bits & 1) != 0, match, hint, reader.ReadUInt64(), new SupportEpoch(reader.ReadUInt64()), (bits & 2) != 0);
        return reader.IsWhole;
    }

    /// <summary>Writes a snapshot offer.</summary>
    public static void Encode(SpanWriter writer, in OfferSnapshot message)
    {
        writer.WriteUInt64(message.Term.Value);
        WritePosition(writer, message.Position);
    }

    /// <summary>Reads a snapshot offer.</summary>
    public static bool TryDecode(ref SpanReader reader, out OfferSnapshot message)
    {
        message = new OfferSnapshot(new Term(reader.ReadUInt64()), ReadPosition(ref reader));
        return reader.IsWhole;
    }

    /// <summary>Writes a request to stand.</summary>
    public static void Encode(SpanWriter writer, in TimeoutNow message) => writer.WriteUInt64(message.Term.Value);

    /// <summary>Reads a request to stand.</summary>
    public static bool TryDecode(ref SpanReader reader, out TimeoutNow message)
    {
        message = new TimeoutNow(new Term(reader.ReadUInt64()));
        return reader.IsWhole;
    }

    /// <summary>Writes a release of bound votes.</summary>
    public static void Encode(SpanWriter writer, in ReleaseVote message) => writer.WriteUInt64(message.Term.Value);

    /// <summary>Reads a release of bound votes.</summary>
    public static bool TryDecode(ref SpanReader reader, out ReleaseVote message)
    {
        message = new ReleaseVote(new Term(reader.ReadUInt64()));
        return reader.IsWhole;
    }

    /// <summary>Writes a roll call.</summary>
    public static void Encode(SpanWriter writer, in CallRoll message)
    {
        writer.WriteUInt64(message.Term.Value);
        WritePosition(writer, message.Last);
        writer.WriteByte(Bits(message.IsTrial, false, false));
    }

    /// <summary>Reads a roll call.</summary>
    public static bool TryDecode(ref SpanReader reader, out CallRoll message)
    {
        message = new CallRoll(new Term(reader.ReadUInt64()), ReadPosition(ref reader), (reader.ReadByte() & 1) != 0);
        return reader.IsWhole;
    }

    /// <summary>Writes a roll call's answer.</summary>
    public static void Encode(SpanWriter writer, in RollAnswer message)
    {
        writer.WriteUInt64(message.Term.Value);
        writer.WriteByte(Bits(message.Granted, message.IsTrial, false));
        WritePosition(writer, message.Last);
        writer.WriteUInt64(message.DamagedUpTo.Value);
    }

    /// <summary>Reads a roll call's answer.</summary>
    public static bool TryDecode(ref SpanReader reader, out RollAnswer message)
    {
        var term = new Term(reader.ReadUInt64());
        var bits = reader.ReadByte();
        message = new RollAnswer(term, (bits & 1) != 0, (bits & 2) != 0, ReadPosition(ref reader), new LogIndex(reader.ReadUInt64()));
        return reader.IsWhole;
    }

    /// <summary>Writes a read-index request.</summary>
    public static void Encode(SpanWriter writer, in ReadIndexRequest message)
    {
        writer.WriteUInt64(message.Term.Value);
        writer.WriteUInt64(message.Context);
    }

    /// <summary>Reads a read-index request.</summary>
    public static bool TryDecode(ref SpanReader reader, out ReadIndexRequest message)
    {
        message = new ReadIndexRequest(new Term(reader.ReadUInt64()), reader.ReadUInt64());
        return reader.IsWhole;
    }

    /// <summary>Writes a read-index answer.</summary>
    public static void Encode(SpanWriter writer, in ReadIndexReply message)
    {
        writer.WriteUInt64(message.Term.Value);
        writer.WriteUInt64(message.Context);
        writer.WriteUInt64(message.Index.Value);
        writer.WriteByte(Bits(message.Granted, false, false));
    }

    /// <summary>Reads a read-index answer.</summary>
    public static bool TryDecode(ref SpanReader reader, out ReadIndexReply message)
    {
        message = new ReadIndexReply(new Term(reader.ReadUInt64()), reader.ReadUInt64(), new LogIndex(reader.ReadUInt64()), (reader.ReadByte() & 1) != 0);
        return reader.IsWhole;
    }

    /// <summary>Writes a log position: term, index.</summary>
    public static void WritePosition(SpanWriter writer, LogPosition position)
    {
        writer.WriteUInt64(position.Term.Value);
        writer.WriteUInt64(position.Index.Value);
    }

    /// <summary>Reads a log position.</summary>
    public static LogPosition ReadPosition(ref SpanReader reader) => new(new Term(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()));

    private static byte Bits(bool first, bool second, bool third) => (byte)((first ? 1 : 0) | (second ? 2 : 0) | (third ? 4 : 0));
}
