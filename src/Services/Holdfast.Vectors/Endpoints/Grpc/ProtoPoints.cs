using System.Globalization;
using System.Text.Json;
using Google.Protobuf.Collections;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>Points and values between this room and gRPC's messages: written without JSON where there are many of them.</summary>
internal static class ProtoPoints
{
    /// <summary>Points of an upsert.</summary>
    public static List<PointWrite> Read(RepeatedField<Proto.PointStruct> points)
    {
        var reader = new PayloadReader();
        return [.. points.Select(reader.Read)];
    }

    /// <summary>Vectors of an update.</summary>
    public static List<PointWrite> Read(RepeatedField<Proto.PointVectors> points) => [.. points.Select(point => new PointWrite(Read(point.Id), Payload.Empty, Read(point.Vectors)))];

    /// <summary>A point's name.</summary>
    public static PointId Read(Proto.PointId? id) => id?.PointIdOptionsCase switch
    {
        Proto.PointId.PointIdOptionsOneofCase.Num => PointId.Of(id.Num),
        Proto.PointId.PointIdOptionsOneofCase.Uuid => PointId.TryParseUuid(id.Uuid, out var uuid) ? uuid : throw VectorFault.BadInput($"Unable to parse UUID: {id.Uuid}"),
        _ => throw VectorFault.BadInput("Malformed point id"),
    };

    /// <summary>A point that was found.</summary>
    public static Proto.ScoredPoint Scored(CollectionRecord collection, FoundPoint point, ContentShown shown)
    {
        var scored = new Proto.ScoredPoint { Id = Id(point.Id), Score = point.Score, Version = point.Version, Vectors = Vectors(collection.Config, point, shown), ShardKey = KeyOf(collection, point), OrderValue = Order(point) };
        if (shown.Payload.IsWanted) Fill(scored.Payload, shown.Payload.Of(point.Payload));
        return scored;
    }

    /// <summary>A point that was read.</summary>
    public static Proto.RetrievedPoint Retrieved(CollectionRecord collection, FoundPoint point, ContentShown shown)
    {
        var retrieved = new Proto.RetrievedPoint { Id = Id(point.Id), Vectors = Vectors(collection.Config, point, shown), ShardKey = KeyOf(collection, point), OrderValue = Order(point) };
        if (shown.Payload.IsWanted) Fill(retrieved.Payload, shown.Payload.Of(point.Payload));
        return retrieved;
    }

    /// <summary>A point's name.</summary>
    public static Proto.PointId Id(in PointId id) => id.IsUuid ? new Proto.PointId { Uuid = id.ToString() } : new Proto.PointId { Num = id.Number };

    /// <summary>A shard key.</summary>
    public static Proto.ShardKey Key(string key) => ulong.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? new Proto.ShardKey { Number = number } : new Proto.ShardKey { Keyword = TextOf(key) };

    /// <summary>A shard key as this room has it: JSON.</summary>
    public static string Key(Proto.ShardKey? key) => key?.KeyCase switch
    {
        Proto.ShardKey.KeyOneofCase.Keyword => $"\"{JsonEncodedText.Encode(key.Keyword, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"",
        Proto.ShardKey.KeyOneofCase.Number => key.Number.ToString(CultureInfo.InvariantCulture),
        _ => throw VectorFault.BadInput("Malformed shard key"),
    };

    /// <summary>A group's value.</summary>
    public static Proto.GroupId Group(string value)
    {
        if (value.StartsWith('"')) return new Proto.GroupId { StringValue = TextOf(value) };
        return ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? new Proto.GroupId { UnsignedValue = number } : new Proto.GroupId { IntegerValue = long.Parse(value, CultureInfo.InvariantCulture) };
    }

    /// <summary>A facet's value.</summary>
    public static Proto.FacetValue Facet(string value) => value switch
    {
        "true" or "false" => new Proto.FacetValue { BoolValue = value == "true" },
        ['"', ..] => new Proto.FacetValue { StringValue = TextOf(value) },
        _ => new Proto.FacetValue { IntegerValue = long.Parse(value, CultureInfo.InvariantCulture) },
    };

    /// <summary>A value.</summary>
    public static Proto.Value Value(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String: return new Proto.Value { StringValue = element.GetString() };
            case JsonValueKind.True or JsonValueKind.False: return new Proto.Value { BoolValue = element.GetBoolean() };
            case JsonValueKind.Number: return element.TryGetInt64(out var whole) ? new Proto.Value { IntegerValue = whole } : new Proto.Value { DoubleValue = element.GetDouble() };
            case JsonValueKind.Array:
                var list = new Proto.ListValue();
                foreach (var each in element.EnumerateArray()) list.Values.Add(Value(each));
                return new Proto.Value { ListValue = list };
            case JsonValueKind.Object:
                var fields = new Proto.Struct();
                foreach (var property in element.EnumerateObject()) fields.Fields[property.Name] = Value(property.Value);
                return new Proto.Value { StructValue = fields };
            default: return new Proto.Value { NullValue = Proto.NullValue.NullValue };
        }
    }

    /// <summary>A payload's keys and values.</summary>
    public static void Fill(MapField<string, Proto.Value> target, Payload payload)
    {
        using var document = payload.Parse();
        foreach (var property in document.RootElement.EnumerateObject()) target[property.Name] = Value(property.Value);
    }

    private static string TextOf(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetString() ?? "";
    }

    private static Proto.ShardKey? KeyOf(CollectionRecord collection, FoundPoint point) => collection.Layout.Keys.Count > 0 && collection.Layout.KeyOf(point.Shard) is { } key ? Key(key) : null;

    private static Proto.OrderValue? Order(FoundPoint point) => point.Order is not { } order ? null : order.IsWhole ? new Proto.OrderValue { Int = (long)order.Number } : new Proto.OrderValue { Float = order.Number };

    private static Proto.VectorsOutput? Vectors(CollectionConfig config, FoundPoint point, ContentShown shown)
    {
        if (!shown.Vectors.IsWanted) return null;
        if (point.Vectors is [{ Name.Length: 0 } only]) return new Proto.VectorsOutput { Vector = Output(only, config.Columns[config.ColumnOf("")]) };
        if (!config.HasNames) return null;
        var named = new Proto.NamedVectorsOutput();
        foreach (var vector in point.Vectors) named.Vectors[vector.Name] = Output(vector, config.Columns[config.ColumnOf(vector.Name)]);
        return new Proto.VectorsOutput { Vectors = named };
    }

#pragma warning disable CS0612 // Clients of two minors ago read the numbers where they stood then.
    private static Proto.VectorOutput Output(in NamedVector vector, VectorParams column)
    {
        if (vector.Indices is { } indices)
        {
            var sparse = new Proto.SparseVector();
            sparse.Indices.AddRange(indices);
            sparse.Values.AddRange(vector.Values);
            return new Proto.VectorOutput { Sparse = sparse };
        }

        if (column.Kind == VectorKind.Dense) return new Proto.VectorOutput { Dense = Dense(vector.Values) };
        var multi = new Proto.MultiDenseVector();
        multi.Vectors.AddRange(vector.Values.Chunk(column.Size).Select(Dense));
        return new Proto.VectorOutput { MultiDense = multi };
    }

    private static Proto.DenseVector Dense(float[] values)
    {
        var dense = new Proto.DenseVector();
        dense.Data.AddRange(values);
        return dense;
    }

    /// <summary>A point's vectors.</summary>
    public static List<NamedVector> Read(Proto.Vectors? vectors) => vectors?.VectorsOptionsCase switch
    {
        Proto.Vectors.VectorsOptionsOneofCase.Vector => [Read("", vectors.Vector)],
        Proto.Vectors.VectorsOptionsOneofCase.Vectors_ => [.. vectors.Vectors_.Vectors.Select(each => Read(each.Key, each.Value))],
        _ => [],
    };

    /// <summary>Dense ones by the shortest way; the others as REST has them.</summary>
    private static NamedVector Read(string name, Proto.Vector vector)
    {
        if (vector.VectorCase == Proto.Vector.VectorOneofCase.Dense) return new NamedVector(name, [.. vector.Dense.Data]);
        if (vector.VectorCase == Proto.Vector.VectorOneofCase.None && vector.Indices is null && vector.VectorsCount <= 1) return new NamedVector(name, [.. vector.Data]);
        using var document = ProtoToJson.Document(vector);
        return VectorBodies.Read(name, document.RootElement, isQuery: false);
    }
#pragma warning restore CS0612
}
