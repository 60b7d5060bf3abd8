using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>Points that a search found, and what of them is shown.</summary>
internal sealed record SearchDone(CollectionRecord Collection, IReadOnlyList<FoundPoint> Points, ContentShown Shown);

/// <summary>Points with the same value at a key.</summary>
/// <param name="Value">The value as JSON.</param>
/// <param name="Points">The best of them.</param>
/// <param name="Lookup">The point of that name in another collection, if that was asked for and is there.</param>
internal sealed record PointGroup(string Value, IReadOnlyList<FoundPoint> Points, FoundPoint? Lookup);

/// <summary>Groups that a search found.</summary>
internal sealed record GroupsDone(CollectionRecord Collection, IReadOnlyList<PointGroup> Groups, ContentShown Shown, CollectionRecord? LookedUpIn, ContentShown? LookupShown);

/// <summary>Distances between the points of a sample: to its nearest in the sample, for each.</summary>
internal sealed record MatrixDone(IReadOnlyList<PointId> Ids, IReadOnlyList<(int One, int Other, float Score)> Pairs);

/// <summary>Searches, as bodies ask for them.</summary>
internal static class Searches
{
    /// <summary>How often a grouped search looks for more before it is content with fewer groups.</summary>
    private const int GroupTriesMax = 5;

    /// <summary>One search.</summary>
    public static async Task<SearchDone> OneAsync(VectorCall call, CollectionRecord collection, JsonElement body, ReadQuery read)
    {
        lock (call.Room.Hot) call.Room.Hot.Note(collection.Name, JsonMarshal.GetRawUtf8Value(body));
        var scope = call.ScopeOf(body);
        var shown = ContentShown.Read(body, collection.Config, hasPayloadByDefault: false);
        var node = await read(new QueryReader(call, collection, scope), body).ConfigureAwait(false);
        var offset = Json.Count(body, "offset") ?? 0;
        var found = await new QueryTree(call.Face, collection, scope).AnswerAsync(node, shown.Wanted).ConfigureAwait(false);
        return new SearchDone(collection, offset == 0 ? found : [.. found.Skip(offset)], shown);
    }

    /// <summary>Several searches, in their order.</summary>
    public static async Task<SearchDone[]> ManyAsync(VectorCall call, CollectionRecord collection, ReadQuery read)
    {
        var searches = Json.Required(call.Body, "searches");
        if (searches.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: searches is a sequence");
        collection.Config.Rules.RequireAtMost(searches.GetArrayLength(), "search_max_batchsize", "search batch size");
        return await Task.WhenAll(searches.EnumerateArray().Select(body => OneAsync(call, collection, body, read))).ConfigureAwait(false);
    }

    /// <summary>The best points of each value at a key. The search is widened until there are enough groups or nothing more is found.</summary>
    public static async Task<GroupsDone> GroupsAsync(VectorCall call, CollectionRecord collection, JsonElement body, ReadQuery read)
    {
        var scope = call.ScopeOf(body);
        var key = Json.Text(body, "group_by") ?? throw VectorFault.BadJson("missing field `group_by`");
        var path = PayloadPath.Parse(key) ?? throw VectorFault.BadJson($"\"{key}\" is not a payload key");
        var (limit, size) = (Json.Count(body, "limit") ?? 10, Json.Count(body, "group_size") ?? 3);
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        if (size == 0) throw VectorFault.Invalid("group_size", "value 0 invalid, must be 1 or larger");
        var shown = ContentShown.Read(body, collection.Config, hasPayloadByDefault: false);
        var node = await read(new QueryReader(call, collection, scope), body).ConfigureAwait(false);
        node = node with { Filter = Filter.Both(node.Filter, Filter.Having(path)) };
        var tree = new QueryTree(call.Face, collection, scope);
        var groups = new List<(string Value, List<FoundPoint> Points)>();
        var wanted = Math.Min((long)limit * size, 100_000);
        for (var tries = 0; tries < GroupTriesMax; tries++, wanted = Math.Min(wanted * 4, int.MaxValue - 1024))
        {
            var found = await tree.AnswerAsync(Widened(node, (int)wanted), shown.Wanted with { Payload = true }).ConfigureAwait(false);
            groups = Grouped(found, path, limit, size);
            if (found.Count < wanted || (groups.Count == limit && groups.All(group => group.Points.Count == size))) break;
        }

        return await WithLookupAsync(call, new GroupsDone(collection, [.. groups.Select(group => new PointGroup(group.Value, group.Points, null))], shown, null, null), body, scope).ConfigureAwait(false);
    }

    /// <summary>A sample's points, each with its nearest in the sample.</summary>
    public static async Task<MatrixDone> MatrixAsync(VectorCall call, CollectionRecord collection, JsonElement body)
    {
        var scope = call.ScopeOf(body);
        var (size, limit) = (Json.Count(body, "sample") ?? 10, Json.Count(body, "limit") ?? 3);
        if (size < 2) throw VectorFault.Invalid("sample", $"value {size} invalid, must be 2 or larger");
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        if (size > 10_000) throw VectorFault.Invalid("sample", $"value {size} invalid, must be from 2 to 10000");
        StrictCheck.OnSearch(collection, limit, null);
        var column = collection.Config.ColumnOf(Json.Text(body, "using") ?? Json.Text(body, "vector_name") ?? "");
        var filter = FilterParser.Parse(Json.Field(body, "filter"));
        await StrictCheck.OnReadAsync(call, collection, filter).ConfigureAwait(false);
        var sample = await call.Face.SampleAsync(collection, size, column, filter, new ContentWanted(false, 1UL << column), scope).ConfigureAwait(false);
        var points = sample.Where(point => point.Vectors.Count > 0).OrderBy(point => point.Id).ToArray();
        var parameters = collection.Config.Columns[column];
        var pairs = new List<(int One, int Other, float Score)>();
        for (var one = 0; one < points.Length; one++)
        {
            call.Cancelled.ThrowIfCancellationRequested();
            var here = one;
            pairs.AddRange(Enumerable.Range(0, points.Length).Where(other => other != here)
                .Select(other => (One: here, Other: other, Likeness: VectorScore.Likeness(parameters, points[here].Vectors[0], points[other].Vectors[0])))
                .OrderByDescending(each => each.Likeness).Take(limit)
                .Select(each => (each.One, each.Other, Kernels.DistanceRules.IsSimilarity(parameters.Distance) ? each.Likeness : -each.Likeness)));
        }

        return new MatrixDone([.. points.Select(point => point.Id)], pairs);
    }

    /// <summary>The queries that one rests on are widened with it: groups are looked for in what they find.</summary>
    private static QueryNode Widened(QueryNode node, int limit) =>
        node with { Limit = limit, Prefetch = [.. node.Prefetch.Select(before => Widened(before, Math.Max(before.Limit, limit)))] };

    private static List<(string Value, List<FoundPoint> Points)> Grouped(List<FoundPoint> found, PayloadPath path, int limit, int size)
    {
        var (groups, at) = (new List<(string Value, List<FoundPoint> Points)>(), new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var point in found)
        {
            using var payload = point.Payload.Parse();
            foreach (var value in path.Values(payload.RootElement))
            {
                if (value.ValueKind != JsonValueKind.String && !(value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _))) continue;
                if (!at.TryGetValue(value.GetRawText(), out var place))
                {
                    if (groups.Count == limit) continue;
                    at[value.GetRawText()] = place = groups.Count;
                    groups.Add((value.GetRawText(), []));
                }

                if (groups[place].Points.Count < size && groups[place].Points.All(other => other.Id != point.Id)) groups[place].Points.Add(point);
            }
        }

        return groups;
    }

    private static async Task<GroupsDone> WithLookupAsync(VectorCall call, GroupsDone done, JsonElement body, ReadScope scope)
    {
        if (Json.Field(body, "with_lookup") is not { } lookup) return done;
        var isName = lookup.ValueKind == JsonValueKind.String;
        var name = isName ? lookup.GetString()! : Json.Text(lookup, "collection") ?? throw VectorFault.BadJson("missing field `collection`");
        call.Grant.Require(AccessRight.Read, name);
        var other = await call.Face.Collections.FindAsync(name, call.Cancelled).ConfigureAwait(false) ?? throw VectorFault.NoSuchOther(name);
        var shown = isName ? ContentShown.Of(PayloadSelection.All, VectorSelection.None, other.Config) : ContentShown.Read(lookup, other.Config, hasPayloadByDefault: true);
        var ids = done.Groups.Select(group => IdOf(group.Value)).OfType<PointId>().ToArray();
        var found = (await call.Face.RetrieveAsync(other, ids, shown.Wanted, new ReadScope { Level = scope.Level, Session = scope.Session, Cancel = scope.Cancel }).ConfigureAwait(false)).ToDictionary(point => point.Id);
        return done with { LookedUpIn = other, LookupShown = shown, Groups = [.. done.Groups.Select(group => group with { Lookup = IdOf(group.Value) is { } id ? found.GetValueOrDefault(id) : null })] };
    }

    private static PointId? IdOf(string value) =>
        ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? PointId.Of(number) : PointId.TryParseUuid(value.Trim('"'), out var uuid) ? uuid : null;
}
