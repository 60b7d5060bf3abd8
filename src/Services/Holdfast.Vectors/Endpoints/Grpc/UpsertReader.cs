using System.Runtime.InteropServices;
using Holdfast.Vectors.Points;
using Holdfast.Wire;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>
/// Reads upserts by the shortest way: a point's only vector of floats goes from the message's bytes into the array that is written, and not through a list of the generated message's first: with many points that list is half
/// of what the collector has to look after. Everything else, and each point of another shape, is read by the generated code.
/// </summary>
internal static class UpsertReader
{
    private const int PointsField = 3;
    private const int VectorsOfPoint = 4;
    private const int OnlyVector = 1;
    private const int DenseOfVector = 101;
    private const int Numbers = 1;

    /// <summary>A request without its points, and these; null for one that the generated code must read, or whose points are wrong, which is said when it is known whether the caller may write and what there is.</summary>
    public static (Proto.UpsertPoints Request, List<PointWrite> Points)? TryRead(ReadOnlySpan<byte> message)
    {
        try
        {
            var (besides, ofPoint) = (new ByteBuffer(256), new ByteBuffer(256));
            var points = new List<PointWrite>();
            var payloads = new PayloadReader();
            var scan = new FieldScan(message);
            while (scan.TryNext())
                if (scan.Number == PointsField && scan.IsBytes) points.Add(Point(scan.Content, ofPoint, payloads));
                else new SpanWriter(besides).WriteBytes(scan.Whole);
            return scan.IsAtEnd ? (Proto.UpsertPoints.Parser.ParseFrom(besides.Written), points) : null;
        }
        catch (VectorFault)
        {
            return null;
        }
    }

    private static PointWrite Point(ReadOnlySpan<byte> message, ByteBuffer besides, PayloadReader payloads)
    {
        besides.Clear();
        float[]? numbers = null;
        var vectors = 0;
        var scan = new FieldScan(message);
        while (scan.TryNext())
            if (scan.Number == VectorsOfPoint && scan.IsBytes && vectors++ == 0) numbers = DenseIn(scan.Content);
            else new SpanWriter(besides).WriteBytes(scan.Whole);
        if (numbers is null || vectors != 1 || !scan.IsAtEnd) return payloads.Read(Proto.PointStruct.Parser.ParseFrom(message));
        var point = Proto.PointStruct.Parser.ParseFrom(besides.Written);
        return new PointWrite(ProtoPoints.Read(point.Id), payloads.Read(point.Payload), [new NamedVector("", numbers)]);
    }

    /// <summary>The numbers of a vector without a name that is nothing but these, as clients send it now or sent it two minors ago; null for any other.</summary>
    private static float[]? DenseIn(ReadOnlySpan<byte> vectors)
    {
        if (Only(vectors, OnlyVector) is not { IsEmpty: false } vector) return null;
        var numbers = Only(vector, DenseOfVector) is { IsEmpty: false } dense ? Only(dense, Numbers) : Only(vector, Numbers);
        return numbers.IsEmpty || numbers.Length % sizeof(float) != 0 ? null : MemoryMarshal.Cast<byte, float>(numbers).ToArray();
    }

    /// <summary>A message's one field; empty when it has another, or more.</summary>
    private static ReadOnlySpan<byte> Only(ReadOnlySpan<byte> message, int number)
    {
        var scan = new FieldScan(message);
        return scan.TryNext() && scan.IsAtEnd && scan.Number == number ? scan.Content : default;
    }
}
