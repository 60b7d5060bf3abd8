using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Queries;

/// <summary>Reads a formula from Qdrant's JSON.</summary>
internal static class FormulaParser
{
    private const int DepthMax = 32;

    /// <summary>Reads a formula and its defaults.</summary>
    /// <exception cref="VectorFault">It is none.</exception>
    public static Formula Parse(JsonElement formula, JsonElement? defaults)
    {
        var given = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (defaults is { ValueKind: JsonValueKind.Object } values)
            foreach (var property in values.EnumerateObject()) given[property.Name] = property.Value.Clone();
        return new Formula(Read(formula, 0), given);
    }

    private static FormulaNode Read(JsonElement part, int depth)
    {
        if (depth > DepthMax) throw VectorFault.BadInput($"a formula is nested deeper than {DepthMax} levels");
        switch (part.ValueKind)
        {
            case JsonValueKind.Number: return new ConstantNode(part.GetDouble());
            case JsonValueKind.String: return Variable(part.GetString()!);
            case JsonValueKind.Object: break;
            default: throw VectorFault.BadJson("data did not match any variant of untagged enum Expression");
        }

        foreach (var property in part.EnumerateObject())
        {
            var value = property.Value;
            switch (property.Name)
            {
                case "sum": return new FoldNode(Parts(value, depth), IsProduct: false);
                case "mult": return new FoldNode(Parts(value, depth), IsProduct: true);
                case "neg": return new MapNode(Read(value, depth + 1), static x => -x);
                case "abs": return new MapNode(Read(value, depth + 1), Math.Abs);
                case "sqrt": return new MapNode(Read(value, depth + 1), Math.Sqrt);
                case "exp": return new MapNode(Read(value, depth + 1), Math.Exp);
                case "log10": return new MapNode(Read(value, depth + 1), Math.Log10);
                case "ln": return new MapNode(Read(value, depth + 1), Math.Log);
                case "div": return new QuotientNode(Part(value, "left", depth), Part(value, "right", depth), Number(value, "by_zero_default"));
                case "pow": return new PowerNode(Part(value, "base", depth), Part(value, "exponent", depth));
                case "lin_decay": return Fade(Fading.Linear, value, depth);
                case "exp_decay": return Fade(Fading.Exponential, value, depth);
                case "gauss_decay": return Fade(Fading.Gaussian, value, depth);
                case "datetime": return new ConstantNode(value.ValueKind == JsonValueKind.String && Moments.TryParse(value.GetString()!, out var micros) ? micros / 1e6 : throw VectorFault.BadJson("datetime is a date and time (RFC 3339)"));
                case "datetime_key": return new MomentNode(Key(value));
                case "geo_distance":
                    if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("origin", out var origin) || !GeoPoint.TryRead(origin, out var point) || !value.TryGetProperty("to", out var to)) throw VectorFault.BadJson("geo_distance needs origin and to");
                    return new GeoNode(point, Key(to));
            }
        }

        // Anything else is a condition.
        using var condition = JsonDocument.Parse($$"""{"must":[{{part.GetRawText()}}]}""");
        return new ConditionNode(FilterParser.Parse(condition.RootElement.Clone())!);
    }

    private static FormulaNode Variable(string name)
    {
        if (name == "$score") return new ScoreNode(0);
        if (name.StartsWith("$score[", StringComparison.Ordinal) && name.EndsWith(']') && int.TryParse(name.AsSpan(7, name.Length - 8), NumberStyles.None, CultureInfo.InvariantCulture, out var list)) return new ScoreNode(list);
        return name.StartsWith('$') ? throw VectorFault.BadInput($"unknown variable {name}") : new KeyNode(PayloadPath.Parse(name) ?? throw VectorFault.BadJson($"\"{name}\" is not a payload key"));
    }

    private static FormulaNode[] Parts(JsonElement list, int depth) =>
        list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(part => Read(part, depth + 1))] : throw VectorFault.BadJson("invalid type: expected a sequence of expressions");

    private static FormulaNode Part(JsonElement parent, string name, int depth) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var part) ? Read(part, depth + 1) : throw VectorFault.BadJson($"missing field `{name}`");

    private static FadeNode Fade(Fading fading, JsonElement value, int depth)
    {
        var (scale, midpoint) = (Number(value, "scale") ?? 1, Number(value, "midpoint") ?? 0.5);
        if (scale <= 0) throw VectorFault.BadInput($"Decay scale must be positive, got {scale.ToString(CultureInfo.InvariantCulture)}");
        if (midpoint is <= 0 or >= 1) throw VectorFault.BadInput($"Decay midpoint must be between 0.0 and 1.0 (both exclusive), got {midpoint.ToString(CultureInfo.InvariantCulture)}");
        var target = value.TryGetProperty("target", out var given) && given.ValueKind != JsonValueKind.Null ? Read(given, depth + 1) : new ConstantNode(0);
        return new FadeNode(fading, Part(value, "x", depth), target, scale, midpoint);
    }

    private static double? Number(JsonElement parent, string name) =>
        !parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null : value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw VectorFault.BadJson($"invalid type: {name} is a number");

    private static PayloadPath Key(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && PayloadPath.Parse(value.GetString()!) is { } path ? path : throw VectorFault.BadJson("a payload key is expected");
}
