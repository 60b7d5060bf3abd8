using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>
/// A collection as it was created: the JSON that Qdrant shows as its configuration, defaults filled in, and what the rooms need of it. The JSON is the record: it is kept in the directory, it is a shard's first
/// entry, and everything else here is read from it. Immutable.
/// </summary>
internal sealed class CollectionConfig
{
    private CollectionRules? rules;
    private OptimizerRules? optimizers;
    private string? shown;

    private CollectionConfig(string json, IReadOnlyList<VectorParams> columns, int shards, int replicas)
    {
        (Json, Columns, Shards, Replicas) = (json, columns, shards, replicas);
        var alive = columns.Where(column => !column.IsGone).ToArray();
        HasNames = alive.Length != 1 || alive[0].Name.Length > 0;
    }

    /// <summary>The configuration as the directory and the shards keep it: as Qdrant shows it, and the columns' numbers where vectors were made or deleted later.</summary>
    public string Json { get; }

    /// <summary>The configuration as Qdrant shows it.</summary>
    public string Shown => shown ??= ColumnNumbers.Without(Json);

    /// <summary>The columns of vectors by their numbers: in the order of their names, those that were made later behind them, and those that were deleted in their places.</summary>
    public IReadOnlyList<VectorParams> Columns { get; }

    /// <summary>Whether vectors have names.</summary>
    public bool HasNames { get; }

    /// <summary>How many shards.</summary>
    public int Shards { get; }

    /// <summary>Replicas of a shard, as asked for.</summary>
    public int Replicas { get; }

    /// <summary>What the configuration says about requests and about who keeps what.</summary>
    public CollectionRules Rules => rules ??= CollectionRules.Read(Json);

    /// <summary>What the configuration asks of indexing.</summary>
    public OptimizerRules Optimizers
    {
        get
        {
            if (optimizers is { } known) return known;
            using var document = JsonDocument.Parse(Json);
            return optimizers = OptimizerRules.Read(document.RootElement);
        }
    }

    /// <summary>Reads a configuration that was written by <see cref="Create"/>.</summary>
    public static CollectionConfig Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var parameters = document.RootElement.GetProperty("params");
        var graph = GraphOf(document.RootElement.GetProperty("hnsw_config"), new GraphOptions());
        var quantization = QuantizationReader.Read(document.RootElement.GetProperty("quantization_config"), new Quantization());
        return new CollectionConfig(json, ColumnNumbers.Order(document.RootElement, ColumnsOf(parameters, graph, quantization)), parameters.GetProperty("shard_number").GetInt32(), parameters.GetProperty("replication_factor").GetInt32());
    }

    /// <summary>Makes a configuration from what a client asks for, its defaults filled in.</summary>
    /// <exception cref="VectorFault">It asks for something that cannot be.</exception>
    public static CollectionConfig Create(JsonElement request, int replicasByDefault)
    {
        if (request.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: expected an object");
        OptimizerRules.Require(request);
        RequireLog(request);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("params");
            if (Has(request, "vectors", out var vectors)) WriteAsked(writer, "vectors", vectors);
            else WriteEmpty(writer, "vectors");
            writer.WriteNumber("shard_number", Positive(request, "shard_number", 1, CollectionLimits.ShardsMax));
            if (Has(request, "sharding_method", out var method)) WriteCopy(writer, "sharding_method", method);
            writer.WriteNumber("replication_factor", Positive(request, "replication_factor", replicasByDefault, 64));
            writer.WriteNumber("write_consistency_factor", Positive(request, "write_consistency_factor", 1, 64));
            writer.WriteBoolean("on_disk_payload", !Has(request, "on_disk_payload", out var onDisk) || onDisk.ValueKind == JsonValueKind.True);
            if (Has(request, "sparse_vectors", out var sparse) && sparse.ValueKind == JsonValueKind.Object && sparse.EnumerateObject().Any()) WriteAsked(writer, "sparse_vectors", sparse);
            writer.WriteEndObject();
            Merged(writer, "hnsw_config", """{"m":16,"ef_construct":100,"full_scan_threshold":10000,"max_indexing_threads":0,"on_disk":false}""", request);
            Merged(writer, OptimizerRules.Name, OptimizerRules.Defaults, request, "optimizers_config");
            Merged(writer, "wal_config", """{"wal_capacity_mb":32,"wal_segments_ahead":0,"wal_retain_closed":1}""", request);
            if (Has(request, "quantization_config", out var quantization) || Has(request, "quantization", out quantization)) WriteAsked(writer, "quantization_config", quantization);
            else writer.WriteNull("quantization_config");
            if (Has(request, "strict_mode_config", out var strict)) WriteAsked(writer, "strict_mode_config", strict);
            if (Has(request, "metadata", out var metadata)) WriteCopy(writer, "metadata", metadata);
            writer.WriteEndObject();
        }

        return Parse(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>The column of that name; empty for a collection's only one.</summary>
    /// <exception cref="VectorFault">There is none.</exception>
    public int ColumnOf(string name)
    {
        for (var column = 0; column < Columns.Count; column++)
            if (Columns[column].Name == name && !Columns[column].IsGone) return column;
        throw VectorFault.NoSuchVector(name);
    }

    private static List<VectorParams> ColumnsOf(JsonElement parameters, GraphOptions graph, Quantization quantization)
    {
        var vectors = parameters.GetProperty("vectors");
        var columns = new List<VectorParams>();
        if (vectors.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: vectors is an object");
        if (vectors.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number) columns.Add(ColumnOf("", "vectors", vectors, graph, quantization));
        else columns.AddRange(vectors.EnumerateObject().OrderBy(each => each.Name, StringComparer.Ordinal).Select(each => ColumnOf(each.Name, $"vectors.{each.Name}", each.Value, graph, quantization)));
        if (Has(parameters, "sparse_vectors", out var sparse)) columns.AddRange(sparse.EnumerateObject().OrderBy(each => each.Name, StringComparer.Ordinal).Select(SparseOf));
        if (columns.Select(column => column.Name).Distinct(StringComparer.Ordinal).Count() < columns.Count) throw VectorFault.BadInput("a sparse vector has the name of another vector");
        if (columns.Count > CollectionLimits.ColumnsMax) throw VectorFault.BadInput($"a collection has at most {CollectionLimits.ColumnsMax} named vectors");
        return columns;
    }

    private static VectorParams ColumnOf(string name, string where, JsonElement vector, GraphOptions graph, Quantization quantization)
    {
        if (vector.ValueKind != JsonValueKind.Object || !vector.TryGetProperty("size", out var size) || !size.TryGetInt64(out var number)) throw VectorFault.BadJson($"{where}: missing field `size`");
        if (number is < 1 or > VectorParams.SizeMax) throw VectorFault.Invalid($"{where}.size", $"value {number} invalid, must be from 1 to {VectorParams.SizeMax}");
        return new VectorParams
        {
            Name = name,
            Size = (int)number,
            Distance = DistanceOf(vector, where),
            Datatype = DatatypeOf(vector),
            Graph = Has(vector, "hnsw_config", out var hnsw) ? GraphOf(hnsw, graph) : graph,
            Kind = Has(vector, "multivector_config", out var multi) ? MultiOf(multi, where) : VectorKind.Dense,
            IsOnDisk = Has(vector, "on_disk", out var onDisk) && onDisk.ValueKind == JsonValueKind.True,
            Quantization = Has(vector, "quantization_config", out var own) ? QuantizationReader.Read(own, quantization) : quantization,
        };
    }

    private static Distance DistanceOf(JsonElement vector, string where)
    {
        if (!vector.TryGetProperty("distance", out var distance)) throw VectorFault.BadJson($"{where}: missing field `distance`");
        return distance.GetString() switch
        {
            "Cosine" => Distance.Cosine,
            "Dot" => Distance.Dot,
            "Euclid" => Distance.Euclid,
            "Manhattan" => Distance.Manhattan,
            var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `Cosine`, `Euclid`, `Dot`, `Manhattan`"),
        };
    }

    private static VectorDatatype DatatypeOf(JsonElement vector) => !Has(vector, "datatype", out var datatype) ? VectorDatatype.Float32 : datatype.GetString() switch
    {
        "float32" => VectorDatatype.Float32,
        "float16" => VectorDatatype.Float16,
        "uint8" => VectorDatatype.Uint8,
        var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `float32`, `uint8`, `float16`"),
    };

    private static GraphOptions GraphOf(JsonElement hnsw, GraphOptions otherwise)
    {
        var fullScan = Number(hnsw, "full_scan_threshold", otherwise.FullScanKilobytes ?? GraphOptions.FullScanUsual);
        var options = otherwise with
        {
            M = Number(hnsw, "m", otherwise.M),
            EfConstruct = Number(hnsw, "ef_construct", otherwise.EfConstruct),
            TenantM = Has(hnsw, "payload_m", out _) ? Number(hnsw, "payload_m", 0) : otherwise.TenantM,
            FullScanKilobytes = fullScan == GraphOptions.FullScanUsual ? null : fullScan,
            IsOnDisk = Has(hnsw, "on_disk", out var onDisk) ? onDisk.ValueKind == JsonValueKind.True : otherwise.IsOnDisk,
        };
        var faults = options.Validate();
        return faults.Count == 0 ? options : throw VectorFault.Invalid($"hnsw_config.{faults[0].Split(": ", 2)[0]}", faults[0].Split(": ", 2)[1]);
    }

    private static VectorParams SparseOf(JsonProperty sparse) => new()
    {
        Name = sparse.Name,
        Size = 0,
        Distance = Distance.Dot,
        Kind = VectorKind.Sparse,
        IsWeightedByRarity = Has(sparse.Value, "modifier", out var modifier) && modifier.GetString() switch
        {
            "idf" => true,
            "none" => false,
            var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected `none` or `idf`"),
        },
    };

    private static VectorKind MultiOf(JsonElement multi, string where) => multi.ValueKind == JsonValueKind.Object && multi.TryGetProperty("comparator", out var comparator) && comparator.ValueEquals("max_sim")
        ? VectorKind.Multi
        : throw VectorFault.BadJson($"{where}.multivector_config.comparator: expected `max_sim`");

    private static int Positive(JsonElement request, string name, int otherwise, int most)
    {
        var number = Number(request, name, otherwise);
        return number >= 1 && number <= most ? number : throw VectorFault.Invalid(name, $"value {number} invalid, must be from 1 to {most}");
    }

    private static int Number(JsonElement element, string name, int otherwise) =>
        !Has(element, name, out var value) ? otherwise : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw VectorFault.BadJson($"invalid type: {name} is a whole number");

    private static void Merged(Utf8JsonWriter writer, string name, string defaults, JsonElement request, string? requestName = null)
    {
        var merged = JsonNode.Parse(defaults)!.AsObject();
        if (Has(request, requestName ?? name, out var own)) merged = CollectionChange.Merge(merged, own);
        writer.WritePropertyName(name);
        merged.WriteTo(writer);
    }

    /// <summary>What is kept and shown only has bounds too.</summary>
    private static void RequireLog(JsonElement request)
    {
        if (!Has(request, "wal_config", out var log)) return;
        foreach (var name in (string[])["wal_capacity_mb", "wal_retain_closed"])
            if (Number(log, name, 1) is var number && number < 1) throw VectorFault.Invalid($"wal_config.{name}", $"value {number} invalid, must be 1 or larger");
    }

    /// <summary>As it was asked for; what is null was not.</summary>
    private static void WriteAsked(Utf8JsonWriter writer, string name, JsonElement element)
    {
        writer.WritePropertyName(name);
        WriteAsked(writer, element);
    }

    private static void WriteAsked(Utf8JsonWriter writer, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            element.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        foreach (var property in element.EnumerateObject())
            if (property.Value.ValueKind != JsonValueKind.Null) WriteAsked(writer, property.Name, property.Value);
        writer.WriteEndObject();
    }

    private static void WriteCopy(Utf8JsonWriter writer, string name, JsonElement element)
    {
        writer.WritePropertyName(name);
        element.WriteTo(writer);
    }

    private static void WriteEmpty(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject(name);
        writer.WriteEndObject();
    }

    private static bool Has(JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }
}
