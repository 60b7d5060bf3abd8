using System.Text.Json;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Filters;

/// <summary>Reads a filter from Qdrant's JSON. What is malformed throws a <see cref="VectorFault"/> with status 400 and says where.</summary>
internal static class FilterParser
{
    private const int DepthMax = 32;

    /// <summary>Reads a filter; null for none.</summary>
    public static Filter? Parse(JsonElement? element)
    {
        if (element is not { } filter || filter.ValueKind == JsonValueKind.Null) return null;
        return Read(filter, 0);
    }

    /// <summary>Reads a filter from text; null for none.</summary>
    public static Filter? Parse(string json)
    {
        if (json.Length == 0) return null;
        using var document = JsonDocument.Parse(json);
        return Parse(document.RootElement.Clone());
    }

    private static Filter Read(JsonElement filter, int depth)
    {
        if (depth > DepthMax) throw VectorFault.BadJson($"a filter is nested deeper than {DepthMax} levels");
        if (filter.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: a filter is an object");
        var read = new Filter { Json = filter.GetRawText() };
        foreach (var property in filter.EnumerateObject())
        {
            read = property.Name switch
            {
                "must" => read with { Must = Conditions(property.Value, depth) },
                "should" => read with { Should = Conditions(property.Value, depth) },
                "must_not" => read with { MustNot = Conditions(property.Value, depth) },
                "min_should" when property.Value.ValueKind == JsonValueKind.Object => read with
                {
                    MinShould = Conditions(Required(property.Value, "conditions"), depth),
                    MinShouldCount = Required(property.Value, "min_count").TryGetInt32(out var count) && count >= 0 ? count : throw VectorFault.BadJson("min_count is a whole number"),
                },
                "min_should" when property.Value.ValueKind == JsonValueKind.Null => read,
                _ => throw VectorFault.BadJson($"unknown field `{property.Name}`, expected one of `should`, `min_should`, `must`, `must_not`"),
            };
        }

        return read;
    }

    private static Condition[] Conditions(JsonElement element, int depth) => element.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.Array => [.. element.EnumerateArray().Select(each => Condition(each, depth))],
        _ => [Condition(element, depth)],
    };

    private static Condition Condition(JsonElement element, int depth)
    {
        if (element.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: a condition is an object");
        if (element.TryGetProperty("is_empty", out var empty) && !IsFlag(empty)) return new IsEmptyCondition(KeyOf(empty));
        if (element.TryGetProperty("is_null", out var nothing) && !IsFlag(nothing)) return new IsNullCondition(KeyOf(nothing));
        if (element.TryGetProperty("has_id", out var ids)) return new HasIdCondition(PointIds.ReadAll(ids).ToHashSet());
        if (element.TryGetProperty("has_vector", out var vector)) return new HasVectorCondition(vector.GetString() ?? "");
        if (element.TryGetProperty("nested", out var nested)) return new NestedCondition(ArrayKeyOf(nested), Read(Required(nested, "filter"), depth + 1));
        return element.TryGetProperty("key", out _) ? Field(element) : new FilterCondition(Read(element, depth + 1));
    }

    /// <summary>A word beside a condition's key, and not a condition of its own.</summary>
    private static bool IsFlag(JsonElement element) => element.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null;

    private static Condition Field(JsonElement element)
    {
        var path = KeyOf(element);
        if (Has(element, "match", out var match)) return new FieldCondition(path, Match(match));
        if (Has(element, "range", out var range)) return new FieldCondition(path, Range(range));
        if (Has(element, "values_count", out var count)) return new FieldCondition(path, new ValuesCount(Numbers(count)));
        if (Has(element, "geo_radius", out var radius)) return new FieldCondition(path, new GeoRadius(Geo(Required(radius, "center")), Number(Required(radius, "radius"))));
        if (Has(element, "geo_bounding_box", out var box)) return new FieldCondition(path, new GeoBox(Geo(Required(box, "top_left")), Geo(Required(box, "bottom_right"))));
        if (Has(element, "geo_polygon", out var polygon)) return new FieldCondition(path, Polygon(polygon));
        if (Has(element, "is_empty", out var empty)) return Negated(new IsEmptyCondition(path), empty);
        if (Has(element, "is_null", out var nothing)) return Negated(new IsNullCondition(path), nothing);
        throw VectorFault.BadJson("a field condition needs one of match, range, geo_bounding_box, geo_radius, geo_polygon, values_count, is_empty, is_null");
    }

    private static Condition Negated(Condition condition, JsonElement isTrue) =>
        isTrue.ValueKind == JsonValueKind.False ? new FilterCondition(new Filter { MustNot = [condition] }) : condition;

    private static ValuePredicate Match(JsonElement match)
    {
        if (match.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: match is an object");
        if (match.TryGetProperty("value", out var value)) return Any([value]);
        if (match.TryGetProperty("any", out var any)) return Any(Elements(any));
        if (match.TryGetProperty("except", out var except)) return new MatchExcept(Any(Elements(except)));
        if (match.TryGetProperty("text", out var text)) return Text(text, TextMatch.Substring);
        if (match.TryGetProperty("text_any", out var words)) return Text(words, TextMatch.AnyWord);
        if (match.TryGetProperty("phrase", out var phrase)) return Text(phrase, TextMatch.Phrase);
        throw VectorFault.BadJson("match needs one of value, any, except, text, text_any, phrase");
    }

    private static MatchText Text(JsonElement text, TextMatch kind)
    {
        if (text.ValueKind != JsonValueKind.String) throw VectorFault.BadJson("invalid type: text to match is a string");
        return new MatchText(kind, TextAnalyser.Plain.Asked(text.GetString()!), text.GetString()!);
    }

    private static MatchAny Any(IEnumerable<JsonElement> values)
    {
        var (texts, numbers, truth) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<long>(), (bool?)null);
        foreach (var value in values)
            switch (value.ValueKind)
            {
                case JsonValueKind.String: texts.Add(value.GetString()!); break;
                case JsonValueKind.Number when value.TryGetInt64(out var number): numbers.Add(number); break;
                case JsonValueKind.True or JsonValueKind.False: truth = value.GetBoolean(); break;
                default: throw VectorFault.BadJson("a value to match is text, a whole number or a truth");
            }

        return new MatchAny(texts, numbers, truth);
    }

    private static ValuePredicate Range(JsonElement range)
    {
        if (range.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: range is an object");
        return range.EnumerateObject().Any(bound => bound.Value.ValueKind == JsonValueKind.String)
            ? new MomentRange(Moment(range, "gt"), Moment(range, "gte"), Moment(range, "lt"), Moment(range, "lte"))
            : Numbers(range);
    }

    private static NumberRange Numbers(JsonElement range) => new(Bound(range, "gt"), Bound(range, "gte"), Bound(range, "lt"), Bound(range, "lte"));

    private static double Bound(JsonElement range, string name) => Has(range, name, out var bound) ? Number(bound) : double.NaN;

    private static long? Moment(JsonElement range, string name)
    {
        if (!Has(range, name, out var bound)) return null;
        return bound.ValueKind == JsonValueKind.String && Moments.TryParse(bound.GetString()!, out var moment) ? moment : throw VectorFault.BadJson($"range.{name} is not a date and time (RFC 3339)");
    }

    private static GeoPolygon Polygon(JsonElement polygon)
    {
        var exterior = Ring(Required(polygon, "exterior"));
        var interiors = Has(polygon, "interiors", out var holes) ? Elements(holes).Select(Ring).ToArray() : [];
        return new GeoPolygon(exterior, interiors);
    }

    private static GeoPoint[] Ring(JsonElement ring)
    {
        GeoPoint[] points = [.. Elements(Required(ring, "points")).Select(Geo)];
        if (points.Length < 4 || points[0] != points[^1]) throw VectorFault.BadJson("a polygon's ring has at least four points, and the last is the first");
        return points;
    }

    private static GeoPoint Geo(JsonElement value)
    {
        if (!GeoPoint.TryRead(value, out var point) || Math.Abs(point.Latitude) > 90 || Math.Abs(point.Longitude) > 180) throw VectorFault.BadJson("a place is an object with lon and lat, in degrees");
        return point;
    }

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw VectorFault.BadJson("invalid type: expected a number");

    private static IEnumerable<JsonElement> Elements(JsonElement value) => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw VectorFault.BadJson("invalid type: expected a sequence");

    private static PayloadPath KeyOf(JsonElement element) => PathOf(Required(element, "key").GetString() ?? "");

    private static PayloadPath ArrayKeyOf(JsonElement element)
    {
        var key = Required(element, "key").GetString() ?? "";
        return PathOf(key.EndsWith("[]", StringComparison.Ordinal) ? key : key + "[]");
    }

    private static PayloadPath PathOf(string key) => PayloadPath.Parse(key) ?? throw VectorFault.BadJson($"\"{key}\" is not a payload key");

    private static bool Has(JsonElement element, string name, out JsonElement value) => element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    private static JsonElement Required(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : throw VectorFault.BadJson($"missing field `{name}`");
}
