using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Queries;

/// <summary>Answers as bytes, between nodes. A page that would be longer than an answer may be is cut, and the next one begins where it ended.</summary>
internal static class AnswerCodec
{
    /// <summary>Of a page: behind so many bytes no further point is written. Well below what a control call carries.</summary>
    private const int PageBytesMax = 2 * 1024 * 1024;

    /// <summary>Writes an answer.</summary>
    public static void Write(ByteBuffer buffer, ShardAnswer answer, bool isPage, Func<string, int> columnOf)
    {
        var writer = new SpanWriter(buffer);
        writer.WriteUInt64(answer.Applied);
        writer.WriteUInt64(answer.Committed);
        writer.WriteUInt64(answer.Node);
        writer.WriteUInt64((ulong)answer.Count);
        WriteFacts(writer, answer.Facts);
        writer.WriteUInt32((uint)answer.Values.Count);
        foreach (var (value, count) in answer.Values)
        {
            writer.WriteText(value);
            writer.WriteUInt64((ulong)count);
        }

        writer.WriteUInt32((uint)answer.Traces.Count);
        foreach (var trace in answer.Traces)
        {
            writer.WriteUInt32((uint)trace.Segment);
            writer.WriteText(trace.Strategy);
            writer.WriteUInt32((uint)trace.Rows);
            writer.WriteUInt32((uint)trace.Visited);
            writer.WriteUInt32((uint)trace.Scanned);
            writer.WriteUInt32((uint)trace.Levels);
            writer.WriteUInt32((uint)trace.Candidates);
            writer.WriteByte((byte)trace.Encoding);
            writer.WriteUInt32((uint)trace.Admitted);
            writer.WriteText(trace.Filter);
            writer.WriteUInt64((ulong)trace.FilterMicros);
            writer.WriteUInt64((ulong)trace.SearchMicros);
        }

        var next = answer.Next;
        var (countAt, written) = (buffer.Length, 0u);
        writer.WriteUInt32(0);
        foreach (var point in answer.Points)
        {
            if (isPage && buffer.Length > PageBytesMax)
            {
                next = point.Id;
                break;
            }

            WritePoint(writer, point, columnOf);
            written++;
        }

        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(buffer.Patch(countAt, sizeof(uint)), written);
        writer.WriteByte(next is null ? (byte)0 : (byte)1);
        (next ?? default).Write(writer);
        foreach (var trace in answer.Traces) writer.WriteByte((byte)trace.Origin); // Behind everything else, where a program that does not know it does not look.
    }

    /// <summary>Reads an answer; null when it is not whole.</summary>
    public static ShardAnswer? Read(ref SpanReader reader, IReadOnlyList<VectorParams> columns)
    {
        var answer = new ShardAnswer { Applied = reader.ReadUInt64(), Committed = reader.ReadUInt64(), Node = reader.ReadUInt64(), Count = (long)reader.ReadUInt64(), Facts = ReadFacts(ref reader) };
        var values = new List<KeyValuePair<string, long>>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) values.Add(new(reader.ReadText(), (long)reader.ReadUInt64()));
        var traces = new List<SegmentTrace>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
            traces.Add(new SegmentTrace((int)reader.ReadUInt32(), reader.ReadText(), (int)reader.ReadUInt32(), (int)reader.ReadUInt32(), (int)reader.ReadUInt32())
            {
                Levels = (int)reader.ReadUInt32(),
                Candidates = (int)reader.ReadUInt32(),
                Encoding = (Graphs.GraphEncoding)reader.ReadByte(),
                Admitted = (int)reader.ReadUInt32(),
                Filter = reader.ReadText(),
                FilterMicros = (long)reader.ReadUInt64(),
                SearchMicros = (long)reader.ReadUInt64(),
            });
        var points = new List<FoundPoint>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) points.Add(ReadPoint(ref reader, columns));
        var hasNext = reader.ReadByte() != 0;
        var next = PointId.Read(ref reader);
        for (var at = 0; at < traces.Count && !reader.Rest.IsEmpty; at++) traces[at] = traces[at] with { Origin = (Graphs.GraphOrigin)reader.ReadByte() };
        return reader.IsWhole ? answer with { Values = values, Traces = traces, Points = points, Next = hasNext ? next : null } : null;
    }

    private static void WritePoint(SpanWriter writer, FoundPoint point, Func<string, int> columnOf)
    {
        writer.WriteUInt64(point.Version);
        writer.WriteUInt32(BitConverter.SingleToUInt32Bits(point.Score));
        writer.WriteByte(point.Order is not { } order ? (byte)0 : order.IsWhole ? (byte)1 : (byte)2);
        writer.WriteUInt64(BitConverter.DoubleToUInt64Bits(point.Order?.Number ?? 0));
        ShardCommand.WritePoint(writer, point.Id, point.Payload, point.Vectors, columnOf);
    }

    private static FoundPoint ReadPoint(ref SpanReader reader, IReadOnlyList<VectorParams> columns)
    {
        var (version, score) = (reader.ReadUInt64(), BitConverter.UInt32BitsToSingle(reader.ReadUInt32()));
        var (order, number) = (reader.ReadByte(), BitConverter.UInt64BitsToDouble(reader.ReadUInt64()));
        var point = ShardCommand.ReadPoint(ref reader, columns);
        return new FoundPoint(point.Id) { Version = version, Score = score, Order = order == 0 ? null : new OrderValue(number, order == 1), Payload = point.Payload, Vectors = point.Vectors };
    }

    private static void WriteFacts(SpanWriter writer, ShardFacts? facts)
    {
        writer.WriteByte(facts is null ? (byte)0 : (byte)1);
        if (facts is null) return;
        writer.WriteUInt64((ulong)facts.Points);
        writer.WriteUInt64((ulong)facts.Indexed);
        writer.WriteUInt32((uint)facts.Segments);
        writer.WriteByte(facts.IsGreen ? (byte)1 : (byte)0);
        writer.WriteUInt32((uint)facts.Indexes.Count);
        foreach (var (key, schema) in facts.Indexes)
        {
            writer.WriteText(key);
            writer.WriteText(schema);
        }
    }

    private static ShardFacts? ReadFacts(ref SpanReader reader)
    {
        if (reader.ReadByte() == 0) return null;
        var facts = new ShardFacts((long)reader.ReadUInt64(), (long)reader.ReadUInt64(), (int)reader.ReadUInt32(), reader.ReadByte() != 0, []);
        var indexes = new List<KeyValuePair<string, string>>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) indexes.Add(new(reader.ReadText(), reader.ReadText()));
        return facts with { Indexes = indexes };
    }
}
