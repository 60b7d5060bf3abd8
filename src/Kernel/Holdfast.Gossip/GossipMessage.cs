using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Gossip;

/// <summary>What a message is about; news about others rides on any.</summary>
internal enum GossipVerb : byte
{
    /// <summary>Are you there?</summary>
    Ping = 1,

    /// <summary>Yes.</summary>
    Answer = 2,

    /// <summary>Ask another in my place.</summary>
    Help = 3,

    /// <summary>I asked, and it has not answered me either: so it is not you (Lifeguard: nack).</summary>
    NoAnswer = 4,
}

/// <summary>A piece of news: what somebody believes of a node.</summary>
internal readonly record struct GossipNews(NodeId About, GossipState State, ulong Age, NodeId By, ReadOnlyMemory<byte> Metadata);

/// <summary>The bytes of a message: version, verb, number, subject, news. What is not whole is dropped.</summary>
internal sealed record GossipMessage(GossipVerb Verb, ulong Number, NodeId Subject, IReadOnlyList<GossipNews> News)
{
    private const byte Version = 1;

    /// <summary>Bytes of a message without news.</summary>
    public const int HeadBytes = 1 + 1 + 8 + 8 + 2;

    public static int SizeOf(in GossipNews news) => 8 + 1 + 8 + 8 + 4 + news.Metadata.Length;

    public byte[] Encode()
    {
        var buffer = new ByteBuffer(256);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte((byte)Verb);
        writer.WriteUInt64(Number);
        writer.WriteUInt64(Subject.Value);
        writer.WriteUInt16((ushort)News.Count);
        foreach (var news in News)
        {
            writer.WriteUInt64(news.About.Value);
            writer.WriteByte((byte)news.State);
            writer.WriteUInt64(news.Age);
            writer.WriteUInt64(news.By.Value);
            writer.WriteBlock(news.Metadata.Span);
        }

        return buffer.Written.ToArray();
    }

    /// <summary>Reads a message; null when it is none.</summary>
    public static GossipMessage? Decode(ReadOnlySpan<byte> bytes, int metadataBytesMax)
    {
        var reader = new SpanReader(bytes);
        if (reader.ReadByte() != Version) return null;
        var (verb, number, subject) = ((GossipVerb)reader.ReadByte(), reader.ReadUInt64(), new NodeId(reader.ReadUInt64()));
        var news = new List<GossipNews>();
        for (var left = (int)reader.ReadUInt16(); left > 0 && reader.IsWhole; left--)
        {
            var told = new GossipNews(new NodeId(reader.ReadUInt64()), (GossipState)reader.ReadByte(), reader.ReadUInt64(), new NodeId(reader.ReadUInt64()), reader.ReadBlock().ToArray());
            if (told.State > GossipState.Down || told.About == NodeId.None || told.Metadata.Length > metadataBytesMax) return null;
            news.Add(told);
        }

        return reader.IsWhole && verb is >= GossipVerb.Ping and <= GossipVerb.NoAnswer ? new GossipMessage(verb, number, subject, news) : null;
    }
}
