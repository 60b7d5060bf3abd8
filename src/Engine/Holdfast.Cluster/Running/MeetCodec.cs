using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>The bytes of questions and answers between nodes that meet.</summary>
internal static class MeetCodec
{
    public static byte[] Encode(MeetQuestion question)
    {
        var buffer = new ByteBuffer(512);
        var writer = new SpanWriter(buffer);
        DirectoryCodec.Write(writer, question.Member);
        writer.WriteByte((byte)question.Standing);
        writer.WriteUInt64(question.Cluster.Value);
        return buffer.Written.ToArray();
    }

    public static MeetQuestion? DecodeQuestion(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var question = new MeetQuestion(DirectoryCodec.ReadMember(ref reader), (MeetStanding)reader.ReadByte(), new ClusterId(reader.ReadUInt64()));
        return reader.IsWhole && question.Standing <= MeetStanding.Member ? question : null;
    }

    public static byte[] Encode(MeetAnswer answer)
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteByte((byte)answer.Verdict);
        writer.WriteUInt64(answer.Node.Value);
        writer.WriteUInt64(answer.Cluster.Value);
        writer.WriteUInt64(answer.Lowest.Value);
        writer.WriteText(answer.Token);
        return buffer.Written.ToArray();
    }

    public static MeetAnswer? DecodeAnswer(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        var answer = new MeetAnswer((MeetVerdict)reader.ReadByte(), new NodeId(reader.ReadUInt64()), new ClusterId(reader.ReadUInt64()), new NodeId(reader.ReadUInt64()), reader.ReadText());
        return reader.IsWhole && answer.Verdict <= MeetVerdict.Removed ? answer : null;
    }
}
