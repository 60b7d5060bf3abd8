using System.Text.Json;

namespace Holdfast.Vectors.Collections;

/// <summary>
/// What a collection's <c>optimizers_config</c> asks of its indexing, on every replica. What Qdrant writes by default leaves the choice to the node (<see cref="Machine.IndexWorkerOptions"/>): a client that says
/// nothing is shown the defaults, and cannot be told from one that says them.
/// </summary>
internal sealed record OptimizerRules
{
    /// <summary>The part of a configuration that this is read from.</summary>
    public const string Name = "optimizer_config";

    /// <summary>What is shown where nothing was said: Qdrant's defaults.</summary>
    public const string Defaults = """{"deleted_threshold":0.2,"vacuum_min_vector_number":1000,"default_segment_number":0,"max_segment_size":null,"memmap_threshold":null,"indexing_threshold":10000,"flush_interval_sec":5,"max_optimization_threads":null}""";

    private static readonly OptimizerRules Usual = Parse(Defaults);

    /// <summary>The share of a sealed segment's rows that may be dead before it is written anew.</summary>
    public double DeadShareMax { get; private init; }

    /// <summary>Dead rows below which a sealed segment is left alone.</summary>
    public long DeadRowsMin { get; private init; }

    /// <summary>Kilobytes of vectors from which on a segment gets a graph; zero for never.</summary>
    public long GraphKilobytesMin { get; private init; }

    /// <summary>Kilobytes of vectors beyond which segments are not merged; null for no bound.</summary>
    public long? SegmentKilobytesMax { get; private init; }

    /// <summary>Threads that may work on a shard; zero for none. One works at least, whatever other number is said.</summary>
    public long? Threads { get; private init; }

    /// <summary>Whether dead rows are left to the node.</summary>
    public bool IsDeadShareUsual => DeadShareMax.Equals(Usual.DeadShareMax);

    /// <inheritdoc cref="IsDeadShareUsual"/>
    public bool IsDeadRowsUsual => DeadRowsMin == Usual.DeadRowsMin;

    /// <summary>Whether it is left to the node when a segment gets a graph.</summary>
    public bool IsGraphMinUsual => GraphKilobytesMin == Usual.GraphKilobytesMin;

    /// <summary>Reads them from a configuration. What cannot be read is as if nothing was said: <see cref="Require"/> refuses it where it is asked for.</summary>
    public static OptimizerRules Read(JsonElement config) => config.TryGetProperty(Name, out var rules) && rules.ValueKind == JsonValueKind.Object ? Of(rules) : Usual;

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="VectorFault">A number is none, or out of its range.</exception>
    public static void Require(JsonElement request)
    {
        if (!request.TryGetProperty("optimizers_config", out var rules) || rules.ValueKind == JsonValueKind.Null) return;
        if (rules.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: optimizers_config is an object");
        foreach (var rule in rules.EnumerateObject())
        {
            if (rule.Value.ValueKind == JsonValueKind.Null) continue;
            switch (rule.Name)
            {
                case "deleted_threshold":
                    if (rule.Value.ValueKind != JsonValueKind.Number || rule.Value.GetDouble() is not (>= 0 and <= 1)) throw VectorFault.Invalid("optimizers_config.deleted_threshold", "must be from 0.0 to 1.0");
                    break;
                case "max_segment_size":
                    RequireAtLeast(rule, 1);
                    break;
                case "vacuum_min_vector_number" or "indexing_threshold" or "memmap_threshold" or "default_segment_number" or "flush_interval_sec":
                    RequireAtLeast(rule, 0);
                    break;
                case "max_optimization_threads":
                    if (rule.Value.ValueKind != JsonValueKind.String || !rule.Value.ValueEquals("auto")) RequireAtLeast(rule, 0);
                    break;
            }
        }
    }

    private static OptimizerRules Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Of(document.RootElement);
    }

    private static void RequireAtLeast(JsonProperty rule, long least)
    {
        if (rule.Value.ValueKind != JsonValueKind.Number || !rule.Value.TryGetInt64(out var number)) throw VectorFault.BadJson($"invalid type: optimizers_config.{rule.Name} is a whole number");
        if (number < least) throw VectorFault.Invalid($"optimizers_config.{rule.Name}", $"value {number} invalid, must be {least} or larger");
    }

    private static OptimizerRules Of(JsonElement rules) => new()
    {
        DeadShareMax = rules.TryGetProperty("deleted_threshold", out var share) && share.ValueKind == JsonValueKind.Number ? share.GetDouble() : Usual.DeadShareMax,
        DeadRowsMin = Number(rules, "vacuum_min_vector_number") ?? Usual.DeadRowsMin,
        GraphKilobytesMin = Number(rules, "indexing_threshold") ?? Usual.GraphKilobytesMin,
        SegmentKilobytesMax = Number(rules, "max_segment_size"),
        Threads = Number(rules, "max_optimization_threads"),
    };

    private static long? Number(JsonElement rules, string name) => rules.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
}
