using System.Text.Json;
using Holdfast.Vectors.Graphs;

namespace Holdfast.Vectors.Collections;

/// <summary>Reads Qdrant's <c>quantization_config</c>.</summary>
internal static class QuantizationReader
{
    /// <summary>Without a word about it a graph is walked by 8-bit codes; <c>"Disabled"</c> asks for the full vectors.</summary>
    /// <exception cref="VectorFault">It is of none of the known kinds, or out of its range.</exception>
    public static Quantization Read(JsonElement config, Quantization otherwise)
    {
        switch (config.ValueKind)
        {
            case JsonValueKind.Null:
                return otherwise;
            case JsonValueKind.String when config.ValueEquals("Disabled"):
                return otherwise with { Encoding = GraphEncoding.Exact };
            case JsonValueKind.Object:
                foreach (var kind in config.EnumerateObject())
                    if (kind.Value.ValueKind == JsonValueKind.Object) return Of(kind.Name, kind.Value, otherwise) with { IsAlwaysInMemory = kind.Value.TryGetProperty("always_ram", out var always) && always.ValueKind == JsonValueKind.True };
                break;
        }

        throw VectorFault.BadJson("data did not match any variant of untagged enum QuantizationConfig: scalar, product, binary or turbo");
    }

    private static Quantization Of(string kind, JsonElement config, Quantization otherwise) => kind switch
    {
        "scalar" => otherwise with { Encoding = GraphEncoding.Int8, Quantile = QuantileOf(config) },
        "product" => otherwise with { Encoding = GraphEncoding.Product, Compression = CompressionOf(config) },
        "binary" => BinaryOf(config, otherwise),
        "turbo" => otherwise with { Encoding = GraphEncoding.Turned, Bits = BitsOf(config) },
        _ => throw VectorFault.BadJson($"unknown field `{kind}`, expected one of `scalar`, `product`, `binary`, `turbo`"),
    };

    private static double QuantileOf(JsonElement config)
    {
        if (!config.TryGetProperty("quantile", out var quantile) || quantile.ValueKind == JsonValueKind.Null) return new Quantization().Quantile;
        return quantile.TryGetDouble(out var share) && share is >= 0.5 and <= 1 ? share : throw VectorFault.Invalid("quantization_config.scalar.quantile", "must be from 0.5 to 1.0");
    }

    private static int CompressionOf(JsonElement config) => Text(config, "compression") switch
    {
        "x4" => 4,
        "x8" => 8,
        "x16" => 16,
        "x32" => 32,
        "x64" => 64,
        null => throw VectorFault.BadJson("missing field `compression`"),
        var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `x4`, `x8`, `x16`, `x32`, `x64`"),
    };

    /// <summary>One bit per component is its sign, and where a query is to keep more of itself, or rows two bits, vectors are turned as well: the same size, and more is found.</summary>
    private static Quantization BinaryOf(JsonElement config, Quantization otherwise)
    {
        var bits = Text(config, "encoding") switch
        {
            null or "one_bit" => 1,
            "two_bits" or "one_and_half_bits" => 2,
            var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `one_bit`, `two_bits`, `one_and_half_bits`"),
        };
        var isQueryFiner = Text(config, "query_encoding") switch
        {
            null or "default" or "binary" => false,
            "scalar4bits" or "scalar8bits" => true,
            var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `default`, `binary`, `scalar4bits`, `scalar8bits`"),
        };
        return bits == 1 && !isQueryFiner ? otherwise with { Encoding = GraphEncoding.Binary } : otherwise with { Encoding = GraphEncoding.Turned, Bits = bits };
    }

    private static int BitsOf(JsonElement config) => Text(config, "bits") switch
    {
        null or "bits4" => 4,
        "bits2" or "bits1_5" => 2,
        "bits1" => 1,
        var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `bits4`, `bits2`, `bits1_5`, `bits1`"),
    };

    private static string? Text(JsonElement config, string name) => config.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
