using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Filters;

/// <summary>What a filter is made of, for limits on filters.</summary>
internal static class FilterKeys
{
    /// <summary>The payload keys that it asks about, and the types of index that would answer.</summary>
    public static IEnumerable<(string Key, string[] Types)> Of(Filter filter) => Conditions(filter).SelectMany(condition => condition switch
    {
        FieldCondition field => [(field.Path.Text, TypesOf(field.Predicate))],
        NestedCondition nested => Of(nested.Filter).Select(inner => ($"{nested.Path.Text}.{inner.Key}", inner.Types)),
        FilterCondition inner => Of(inner.Filter),
        _ => Array.Empty<(string, string[])>(),
    });

    /// <summary>How many conditions there are.</summary>
    public static int Count(Filter filter) => Conditions(filter).Sum(condition => condition switch
    {
        FilterCondition inner => Count(inner.Filter),
        NestedCondition nested => Count(nested.Filter),
        _ => 1,
    });

    /// <summary>How many values the largest condition compares with.</summary>
    public static int LargestCondition(Filter filter) => Conditions(filter).Select(condition => condition switch
    {
        FilterCondition inner => LargestCondition(inner.Filter),
        NestedCondition nested => LargestCondition(nested.Filter),
        HasIdCondition ids => ids.Ids.Count,
        FieldCondition { Predicate: MatchAny any } => any.Texts.Count + any.Numbers.Count,
        FieldCondition { Predicate: MatchExcept except } => except.Excepted.Texts.Count + except.Excepted.Numbers.Count,
        _ => 0,
    }).DefaultIfEmpty(0).Max();

    private static IEnumerable<Condition> Conditions(Filter filter) => filter.Must.Concat(filter.Should).Concat(filter.MustNot).Concat(filter.MinShould);

    private static string[] TypesOf(ValuePredicate predicate) => predicate switch
    {
        MatchAny { Texts.Count: > 0 } any when any.Texts.All(text => PointId.TryParseUuid(text, out _)) => ["keyword", "uuid"],
        MatchAny { Texts.Count: > 0 } => ["keyword"],
        MatchAny { Truth: not null } => ["bool"],
        MatchAny => ["integer"],
        MatchExcept except => TypesOf(except.Excepted),
        MatchText => ["text"],
        NumberRange => ["float", "integer"],
        MomentRange => ["datetime"],
        GeoRadius or GeoBox or GeoPolygon => ["geo"],
        _ => [],
    };
}
