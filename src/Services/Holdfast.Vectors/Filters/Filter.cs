using System.Text.Json;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Filters;

/// <summary>
/// What must be true of a point, as Qdrant writes it: all of <c>must</c>, one of <c>should</c>, none of <c>must_not</c>, and so many of <c>min_should</c>. Immutable; asked by any thread. Its text is kept, because
/// deletions by filter ask it again at their place in the log.
/// </summary>
internal sealed record Filter
{
    /// <summary>All of these.</summary>
    public IReadOnlyList<Condition> Must { get; init; } = [];

    /// <summary>At least one of these, if there are any.</summary>
    public IReadOnlyList<Condition> Should { get; init; } = [];

    /// <summary>None of these.</summary>
    public IReadOnlyList<Condition> MustNot { get; init; } = [];

    /// <summary>At least <see cref="MinShouldCount"/> of these, if there are any.</summary>
    public IReadOnlyList<Condition> MinShould { get; init; } = [];

    /// <summary>How many of <see cref="MinShould"/>.</summary>
    public int MinShouldCount { get; init; }

    /// <summary>The filter as JSON.</summary>
    public string Json { get; init; } = "";

    /// <summary>What passes both; null when neither is there.</summary>
    public static Filter? Both(Filter? one, Filter? other) =>
        one is null ? other : other is null ? one : new Filter { Must = [new FilterCondition(one), new FilterCondition(other)], Json = $$"""{"must":[{{one.Json}},{{other.Json}}]}""" };

    /// <summary>What passes is one of these points.</summary>
    public static Filter Among(IReadOnlySet<PointId> ids) => new() { Must = [new HasIdCondition(ids)], Json = $$"""{"must":[{"has_id":{{Text(ids)}}}]}""" };

    /// <summary>What passes is none of these points.</summary>
    public static Filter Without(IReadOnlySet<PointId> ids) => new() { MustNot = [new HasIdCondition(ids)], Json = $$"""{"must_not":[{"has_id":{{Text(ids)}}}]}""" };

    /// <summary>What passes has something at a key.</summary>
    public static Filter Having(PayloadPath path) => new() { MustNot = [new IsEmptyCondition(path)], Json = $$$"""{"must_not":[{"is_empty":{"key":"{{{JsonEncodedText.Encode(path.Text)}}}"}}]}""" };

    /// <summary>Whether a point passes.</summary>
    public bool Passes(in FilterSubject subject)
    {
        foreach (var condition in Must)
            if (!condition.IsTrueOf(subject)) return false;
        foreach (var condition in MustNot)
            if (condition.IsTrueOf(subject)) return false;
        return AtLeast(Should, Should.Count > 0 ? 1 : 0, subject) && AtLeast(MinShould, MinShould.Count > 0 ? MinShouldCount : 0, subject);
    }

    /// <summary>The filter with values compared as the payload indexes at their keys say, as Qdrant does: text by words, UUIDs in any spelling; elsewhere text is compared as it stands.</summary>
    public Filter AsDeclared(DeclaredKeys keys)
    {
        if (keys.Texts.Count == 0 && keys.Uuids.Count == 0) return this;
        return this with { Must = All(Must), Should = All(Should), MustNot = All(MustNot), MinShould = All(MinShould) };

        Condition[] All(IReadOnlyList<Condition> conditions) => [.. conditions.Select(condition => condition switch
        {
            FieldCondition { Predicate: MatchText match } field when keys.Texts.TryGetValue(field.Path.Text, out var analyser) => field with { Predicate = match.By(analyser) },
            FieldCondition { Predicate: MatchAny any } field when keys.Uuids.Contains(field.Path.Text) => field with { Predicate = any.OfUuids() },
            FieldCondition { Predicate: MatchExcept except } field when keys.Uuids.Contains(field.Path.Text) => field with { Predicate = new MatchExcept(except.Excepted.OfUuids()) },
            FilterCondition inner => new FilterCondition(inner.Filter.AsDeclared(keys)),
            _ => condition,
        })];
    }

    private static string Text(IReadOnlySet<PointId> ids) => $"[{string.Join(',', ids.Select(id => id.IsUuid ? $"\"{id}\"" : id.ToString()))}]";

    private static bool AtLeast(IReadOnlyList<Condition> conditions, int wanted, in FilterSubject subject)
    {
        for (var at = 0; at < conditions.Count && wanted > 0; at++)
            if (conditions[at].IsTrueOf(subject)) wanted--;
        return wanted <= 0;
    }
}

/// <summary>A point that a filter is asked about.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Root">Its payload, or the object inside it that a nested filter looks at.</param>
/// <param name="HasVector">Whether it has a vector of that name.</param>
internal readonly record struct FilterSubject(PointId Id, JsonElement Root, Func<string, bool> HasVector);

/// <summary>One condition of a filter.</summary>
internal abstract record Condition
{
    /// <summary>Whether it holds.</summary>
    public abstract bool IsTrueOf(in FilterSubject subject);
}

/// <summary>A filter inside a filter.</summary>
internal sealed record FilterCondition(Filter Filter) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject) => Filter.Passes(subject);
}

/// <summary>The point's id is one of these.</summary>
internal sealed record HasIdCondition(IReadOnlySet<PointId> Ids) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject) => Ids.Contains(subject.Id);
}

/// <summary>The point has a vector of that name.</summary>
internal sealed record HasVectorCondition(string Name) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject) => subject.HasVector(Name);
}

/// <summary>One of the values at a key fulfils a predicate.</summary>
internal sealed record FieldCondition(PayloadPath Path, ValuePredicate Predicate) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject) => Predicate.IsTrueOfAll(Path.Values(subject.Root));
}

/// <summary>One object of the array at a key passes a filter by itself.</summary>
internal sealed record NestedCondition(PayloadPath Path, Filter Filter) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject)
    {
        foreach (var value in Path.Values(subject.Root))
            if (value.ValueKind == JsonValueKind.Object && Filter.Passes(subject with { Root = value })) return true;
        return false;
    }
}
