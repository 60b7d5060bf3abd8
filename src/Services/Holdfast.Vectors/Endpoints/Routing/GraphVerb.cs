using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>
/// What replicas of a shard say to each other of their graphs, as bytes, under <see cref="ShardVerb.Number"/>: version, what is wanted, the group, and the rest. Numbers never change. A program that does not know them refuses
/// the call, and is passed over.
/// </summary>
internal static class GraphVerb
{
    private const byte Version = 1;
    private const byte AskGraphs = 8;
    private const byte GraphPiece = 9;

    /// <summary>Asks what a replica has built.</summary>
    public static byte[] Encode(GroupId group, GraphAsk ask)
    {
        var buffer = new ByteBuffer(2048);
        var writer = Begin(buffer, AskGraphs, group);
        writer.WriteUInt64(ask.SettingsHash);
        writer.WriteByte((byte)ask.Column);
        writer.WriteByte((byte)ask.Sample.Count);
        foreach (var id in ask.Sample) id.Write(writer);
        return buffer.Written.ToArray();
    }

    /// <summary>Whether a call asks what was built, and of which rows.</summary>
    public static (GroupId Group, GraphAsk Ask)? AskOf(ReadOnlySpan<byte> call)
    {
        var reader = new SpanReader(call);
        if (reader.ReadByte() != Version || reader.ReadByte() != AskGraphs) return null;
        var (group, settings, column, count) = (new GroupId(reader.ReadUInt64()), reader.ReadUInt64(), reader.ReadByte(), reader.ReadByte());
        if (count > GraphAsk.SampleMax) return null;
        var sample = new PointId[count];
        for (var at = 0; at < count; at++) sample[at] = PointId.Read(ref reader);
        return reader.IsWhole ? (group, new GraphAsk(settings, column, sample)) : null;
    }

    /// <summary>What was built; null where there is nothing to be had.</summary>
    public static byte[] Answer(GraphTold? told)
    {
        var buffer = new ByteBuffer(512);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(told is null ? (byte)0 : (byte)1);
        if (told is null) return buffer.Written.ToArray();
        writer.WriteByte(told.IsAtWork ? (byte)1 : (byte)0);
        writer.WriteUInt64(told.Progress);
        writer.WriteByte((byte)told.Offers.Count);
        foreach (var offer in told.Offers)
        {
            writer.WriteUInt32((uint)offer.Rows);
            writer.WriteByte((byte)offer.Hits);
            writer.WriteByte((byte)offer.Graphs.Count);
            foreach (var graph in offer.Graphs)
            {
                writer.WriteByte((byte)graph.Column);
                WriteFile(writer, graph.File);
                writer.WriteUInt64((ulong)graph.Bytes);
            }
        }

        return buffer.Written.ToArray();
    }

    /// <summary>Reads an answer; null where there is nothing to be had, or it is not whole.</summary>
    public static GraphTold? DecodeTold(ReadOnlySpan<byte> answer)
    {
        var reader = new SpanReader(answer);
        if (reader.ReadByte() != 1) return null;
        var (isAtWork, progress, count) = (reader.ReadByte() != 0, reader.ReadUInt64(), reader.ReadByte());
        if (count > GraphTold.OffersMax) return null;
        var offers = new List<GraphOffer>();
        for (; count > 0 && reader.IsWhole; count--)
        {
            var (rows, hits, graphs) = ((int)reader.ReadUInt32(), reader.ReadByte(), new List<OfferedGraph>());
            for (var left = reader.ReadByte(); left > 0 && reader.IsWhole; left--)
            {
                var column = reader.ReadByte();
                var file = reader.Take(FileHash.Size);
                if (reader.IsWhole) graphs.Add(new OfferedGraph(column, new FileHash(file), (long)reader.ReadUInt64()));
            }

            if (graphs.Count > 0) offers.Add(new GraphOffer(rows, hits, graphs));
        }

        return reader.IsWhole ? new GraphTold(isAtWork, progress, offers) : null;
    }

    /// <summary>Asks for a piece of a graph's file. What comes is the piece, or nothing.</summary>
    public static byte[] Piece(GroupId group, FileHash file, long from)
    {
        var buffer = new ByteBuffer(64);
        var writer = Begin(buffer, GraphPiece, group);
        WriteFile(writer, file);
        writer.WriteUInt64((ulong)from);
        return buffer.Written.ToArray();
    }

    /// <summary>Whether a call asks for a piece, and of which file.</summary>
    public static (GroupId Group, FileHash File, long From)? PieceOf(ReadOnlySpan<byte> call)
    {
        var reader = new SpanReader(call);
        if (reader.ReadByte() != Version || reader.ReadByte() != GraphPiece) return null;
        var group = new GroupId(reader.ReadUInt64());
        var file = reader.Take(FileHash.Size);
        var from = (long)reader.ReadUInt64();
        return reader.IsWhole ? (group, new FileHash(file), from) : null;
    }

    private static SpanWriter Begin(ByteBuffer buffer, byte kind, GroupId group)
    {
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte(kind);
        writer.WriteUInt64(group.Value);
        return writer;
    }

    private static void WriteFile(SpanWriter writer, FileHash file)
    {
        Span<byte> bytes = stackalloc byte[FileHash.Size];
        file.CopyTo(bytes);
        writer.WriteBytes(bytes);
    }
}
