using System.Runtime.InteropServices;
using Holdfast.Primitives;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Queries;

/// <summary>Questions as bytes, between nodes: kind, content wanted, filter, fields. The numbers never change; a kind that the other node does not know is refused there.</summary>
internal static class QuestionCodec
{
    private enum Kind : byte
    {
        Nearest = 1,
        Examples = 2,
        Retrieve = 3,
        Page = 4,
        Ordered = 5,
        Sample = 6,
        Count = 7,
        Names = 8,
        Facet = 9,
        Facts = 10,
        Part = 11,
        Split = 12,
    }

    /// <summary>Writes a question.</summary>
    public static void Write(SpanWriter writer, ShardQuestion question)
    {
        writer.WriteByte((byte)KindOf(question));
        writer.WriteByte(question.Wanted.Payload ? (byte)1 : (byte)0);
        writer.WriteUInt64(question.Wanted.Columns);
        writer.WriteText(question.Filter?.Json ?? "");
        switch (question)
        {
            case NearestQuestion nearest: WriteNearest(writer, nearest.Query); break;
            case ExampleQuestion examples: WriteExamples(writer, examples); break;
            case RetrieveQuestion retrieve:
                writer.WriteUInt32((uint)retrieve.Ids.Count);
                foreach (var id in retrieve.Ids) id.Write(writer);
                break;
            case PageQuestion page:
                writer.WriteByte(page.From is null ? (byte)0 : (byte)1);
                (page.From ?? default).Write(writer);
                writer.WriteUInt32((uint)page.Limit);
                break;
            case OrderedQuestion ordered:
                writer.WriteText(ordered.Order.Key);
                writer.WriteByte(ordered.Order.IsDescending ? (byte)1 : (byte)0);
                writer.WriteUInt64(BitConverter.DoubleToUInt64Bits(ordered.Order.StartFrom));
                writer.WriteUInt32((uint)ordered.Limit);
                break;
            case SampleQuestion sample:
                writer.WriteUInt32((uint)sample.Limit);
                writer.WriteUInt64(sample.Seed);
                writer.WriteUInt32((uint)sample.Column);
                break;
            case FacetQuestion facet: writer.WriteText(facet.Key); break;
            case PartQuestion part:
                ShardHold.WritePart(writer, part.Of);
                writer.WriteUInt64(part.After.Value);
                writer.WriteByte(part.From is null ? (byte)0 : (byte)1);
                (part.From ?? default).Write(writer);
                writer.WriteUInt32((uint)part.Limit);
                break;
            case SplitQuestion split:
                writer.WriteByte(split.Of is null ? (byte)0 : (byte)1);
                ShardHold.WritePart(writer, split.Of ?? default);
                break;
        }

        // Behind everything else, where a program that does not know it does not look.
        ShardHold.WritePart(writer, question.Part);
    }

    /// <summary>Reads a question; null when it is not whole or of a kind that this binary does not know.</summary>
    public static ShardQuestion? Read(ref SpanReader reader)
    {
        var kind = (Kind)reader.ReadByte();
        var wanted = new ContentWanted(reader.ReadByte() != 0, reader.ReadUInt64());
        var filter = FilterParser.Parse(reader.ReadText());
        ShardQuestion? question = kind switch
        {
            Kind.Nearest => ReadNearest(ref reader),
            Kind.Examples => ReadExamples(ref reader),
            Kind.Retrieve => ReadIds(ref reader),
            Kind.Page => ReadPage(ref reader),
            Kind.Ordered => new OrderedQuestion(new ValueOrder(reader.ReadText(), reader.ReadByte() != 0, BitConverter.UInt64BitsToDouble(reader.ReadUInt64())), (int)reader.ReadUInt32()),
            Kind.Sample => new SampleQuestion((int)reader.ReadUInt32(), reader.ReadUInt64()) { Column = (int)reader.ReadUInt32() },
            Kind.Count => new CountQuestion(),
            Kind.Names => new NamesQuestion(),
            Kind.Facet => new FacetQuestion(reader.ReadText()),
            Kind.Facts => new FactsQuestion(),
            Kind.Part => ReadPart(ref reader),
            Kind.Split => ReadSplit(ref reader),
            _ => null,
        };
        var believed = reader.Rest.IsEmpty ? default : ShardHold.ReadPart(ref reader);
        return question is null || !reader.IsWhole ? null : question with { Wanted = wanted, Filter = filter, Part = believed };
    }

    private static Kind KindOf(ShardQuestion question) => question switch
    {
        NearestQuestion => Kind.Nearest,
        ExampleQuestion => Kind.Examples,
        RetrieveQuestion => Kind.Retrieve,
        PageQuestion => Kind.Page,
        OrderedQuestion => Kind.Ordered,
        SampleQuestion => Kind.Sample,
        CountQuestion => Kind.Count,
        NamesQuestion => Kind.Names,
        FacetQuestion => Kind.Facet,
        PartQuestion => Kind.Part,
        SplitQuestion => Kind.Split,
        _ => Kind.Facts,
    };

    private static void WriteNearest(SpanWriter writer, NearestQuery query)
    {
        writer.WriteByte((byte)query.Column);
        WriteVector(writer, new NamedVector("", query.Vector, query.Indices));
        writer.WriteUInt32((uint)query.Limit);
        WriteThreshold(writer, query.ScoreThreshold);
        writer.WriteUInt32((uint)(query.Ef ?? 0));
        writer.WriteByte(query.IsExact ? (byte)1 : (byte)0);
        writer.WriteByte(query.IgnoresCodes ? (byte)1 : (byte)0);
        writer.WriteUInt64(BitConverter.DoubleToUInt64Bits(query.Oversampling ?? double.NaN));
    }

    private static NearestQuestion ReadNearest(ref SpanReader reader)
    {
        var column = reader.ReadByte();
        var vector = ReadVector(ref reader);
        var limit = (int)reader.ReadUInt32();
        var threshold = ReadThreshold(ref reader);
        var ef = (int)reader.ReadUInt32();
        var (isExact, ignoresCodes, oversampling) = (reader.ReadByte() != 0, reader.ReadByte() != 0, BitConverter.UInt64BitsToDouble(reader.ReadUInt64()));
        return new NearestQuestion(new NearestQuery { Column = column, Vector = vector.Values, Indices = vector.Indices, Limit = limit, ScoreThreshold = threshold, Ef = ef == 0 ? null : ef, IsExact = isExact, IgnoresCodes = ignoresCodes, Oversampling = double.IsNaN(oversampling) ? null : oversampling });
    }

    private static void WriteExamples(SpanWriter writer, ExampleQuestion question)
    {
        writer.WriteByte((byte)question.Column);
        writer.WriteByte((byte)question.Rule);
        WriteVectors(writer, question.Positive);
        WriteVectors(writer, question.Negative);
        WriteVectors(writer, question.Target is { } target ? [target] : []);
        writer.WriteUInt32((uint)question.Limit);
        WriteThreshold(writer, question.ScoreThreshold);
        if (question.Rule == ExampleRule.Feedback) writer.WriteBlock(MemoryMarshal.AsBytes<float>([.. question.Weights]));
    }

    private static ExampleQuestion? ReadExamples(ref SpanReader reader)
    {
        var (column, rule) = (reader.ReadByte(), (ExampleRule)reader.ReadByte());
        var (positive, negative, target) = (ReadVectors(ref reader), ReadVectors(ref reader), ReadVectors(ref reader));
        var question = new ExampleQuestion(column, rule, positive, negative, target.Count == 0 ? null : target[0], (int)reader.ReadUInt32(), ReadThreshold(ref reader));
        if (rule == ExampleRule.Feedback) question = question with { Weights = MemoryMarshal.Cast<byte, float>(reader.ReadBlock()).ToArray() };
        var isSound = rule <= ExampleRule.Feedback && (rule != ExampleRule.Feedback || (target.Count == 1 && positive.Count == negative.Count && question.Weights.Count == positive.Count + 1));
        return isSound ? question : null;
    }

    private static RetrieveQuestion ReadIds(ref SpanReader reader)
    {
        var ids = new List<PointId>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) ids.Add(PointId.Read(ref reader));
        return new RetrieveQuestion(ids);
    }

    private static PageQuestion ReadPage(ref SpanReader reader)
    {
        var hasFrom = reader.ReadByte() != 0;
        var from = PointId.Read(ref reader);
        return new PageQuestion(hasFrom ? from : null, (int)reader.ReadUInt32());
    }

    private static PartQuestion ReadPart(ref SpanReader reader)
    {
        var (part, after, hasFrom) = (ShardHold.ReadPart(ref reader), new LogIndex(reader.ReadUInt64()), reader.ReadByte() != 0);
        var from = PointId.Read(ref reader);
        return new PartQuestion(part, after, hasFrom ? from : null, (int)reader.ReadUInt32());
    }

    private static SplitQuestion ReadSplit(ref SpanReader reader)
    {
        var isCounted = reader.ReadByte() != 0;
        var part = ShardHold.ReadPart(ref reader);
        return new SplitQuestion(isCounted ? part : null);
    }

    private static void WriteVectors(SpanWriter writer, IReadOnlyList<NamedVector> vectors)
    {
        writer.WriteUInt32((uint)vectors.Count);
        foreach (var vector in vectors) WriteVector(writer, vector);
    }

    private static List<NamedVector> ReadVectors(ref SpanReader reader)
    {
        var vectors = new List<NamedVector>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) vectors.Add(ReadVector(ref reader));
        return vectors;
    }

    private static void WriteVector(SpanWriter writer, in NamedVector vector)
    {
        writer.WriteByte(vector.Indices is null ? (byte)0 : (byte)1);
        writer.WriteBlock(MemoryMarshal.AsBytes<uint>(vector.Indices));
        writer.WriteBlock(MemoryMarshal.AsBytes<float>(vector.Values));
    }

    private static NamedVector ReadVector(ref SpanReader reader)
    {
        var isSparse = reader.ReadByte() != 0;
        var indices = MemoryMarshal.Cast<byte, uint>(reader.ReadBlock()).ToArray();
        return new NamedVector("", MemoryMarshal.Cast<byte, float>(reader.ReadBlock()).ToArray(), isSparse ? indices : null);
    }

    private static void WriteThreshold(SpanWriter writer, float? threshold) => writer.WriteUInt32(BitConverter.SingleToUInt32Bits(threshold ?? float.NaN));

    private static float? ReadThreshold(ref SpanReader reader) => BitConverter.UInt32BitsToSingle(reader.ReadUInt32()) is var threshold && float.IsNaN(threshold) ? null : threshold;
}
