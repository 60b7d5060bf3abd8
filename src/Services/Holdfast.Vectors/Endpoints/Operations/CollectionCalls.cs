using System.Text;
using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>What is done with collections as a whole, whichever protocol asks.</summary>
internal static class CollectionCalls
{
    /// <summary>Times that a change is tried when others change the same collection at once.</summary>
    private const int TriesMax = 16;

    /// <summary>Indexes whose points are counted whenever somebody looks at the collection: each count has an index of its own in each segment, and there are only so many of these.</summary>
    private const int CountedIndexesMax = 16;

    private static readonly string[] IndexTypes = ["keyword", "integer", "float", "geo", "text", "bool", "datetime", "uuid"];

    /// <summary>Those that the caller may see.</summary>
    public static async Task<IReadOnlyList<CollectionRecord>> ListAsync(VectorCall call) =>
        [.. (await call.Face.Collections.ListAsync(call.Cancelled).ConfigureAwait(false)).Where(collection => call.Grant.Sees(collection.Name))];

    /// <summary>Makes one.</summary>
    public static async Task CreateAsync(VectorCall call, string name, JsonElement body)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > CollectionLimits.NameBytesMax || name.AsSpan().IndexOfAny("<>:\"/\\|?*\0\u001f") >= 0)
            throw VectorFault.Invalid("collection_name", $"value \"{name}\" invalid, length must be from 1 to 255 and it may not contain any of < > : \" / \\ | ? *");
        if (!await call.Face.Collections.CreateAsync(name, CollectionConfig.Create(body, replicasByDefault: 1), call.Cancelled).ConfigureAwait(false)) throw VectorFault.CollectionExists(name);
    }

    /// <summary>Changes what may be changed; every shard is told before the answer.</summary>
    public static Task<WriteDone> ChangeAsync(VectorCall call, string name, JsonElement body) => ChangeAsync(call, name, config => CollectionChange.Apply(config, body));

    /// <summary>Changes a configuration; every shard is told before the answer.</summary>
    public static async Task<WriteDone> ChangeAsync(VectorCall call, string name, Func<CollectionConfig, CollectionConfig> change)
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var known = await call.Face.RequireAsync(name, call.Cancelled).ConfigureAwait(false);
            var changed = change(known.Config);
            if (!await call.Face.Collections.UpdateAsync(known, changed, known.Layout, call.Cancelled).ConfigureAwait(false)) continue;
            return await call.Face.TellAllAsync(known with { Config = changed }, ShardCommand.Configure(changed.Json), call.Cancelled).ConfigureAwait(false);
        }

        throw VectorFault.Unavailable("others change the collection at the same time; nothing was changed");
    }

    /// <summary>Makes the shards behind a key.</summary>
    public static async Task CreateShardKeyAsync(VectorCall call, string name, string key, int shards)
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var known = await CustomAsync(call, name).ConfigureAwait(false);
            if (known.Layout.Keys.Any(each => each.Key == key)) throw VectorFault.BadInput($"Sharding key {key} already exists for collection {name}");
            if (known.Layout.Keys.Count >= ShardLayout.KeysMax) throw VectorFault.BadInput($"a collection has at most {ShardLayout.KeysMax} shard keys");
            if (shards < 1 || known.Layout.Numbers.Count + shards > CollectionLimits.ShardsMax) throw VectorFault.BadInput($"a collection has at most {CollectionLimits.ShardsMax} shards");
            if (await call.Face.Collections.UpdateAsync(known, known.Config, known.Layout.With(key, shards), call.Cancelled).ConfigureAwait(false)) return;
        }

        throw VectorFault.Unavailable("others change the collection at the same time; nothing was changed");
    }

    /// <summary>Deletes the shards behind a key, with their points.</summary>
    public static async Task DeleteShardKeyAsync(VectorCall call, string name, string key)
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var known = await CustomAsync(call, name).ConfigureAwait(false);
            if (known.Layout.Keys.All(each => each.Key != key)) throw VectorFault.NotFound($"Shard key {key} not found");
            if (await call.Face.Collections.UpdateAsync(known, known.Config, known.Layout.Without(key), call.Cancelled).ConfigureAwait(false)) return;
        }

        throw VectorFault.Unavailable("others change the collection at the same time; nothing was changed");
    }

    /// <summary>Declares a payload index.</summary>
    public static async Task<WriteDone> CreateIndexAsync(VectorCall call, CollectionRecord collection, string key, JsonElement schema)
    {
        var type = schema.ValueKind switch { JsonValueKind.String => schema.GetString(), JsonValueKind.Object => Json.Text(schema, "type"), _ => throw VectorFault.BadJson("field_schema is a type or an object with one") };
        if (!IndexTypes.Contains(type)) throw VectorFault.BadJson($"unknown variant `{type}`, expected one of `keyword`, `integer`, `float`, `geo`, `text`, `bool`, `datetime`, `uuid`");
        if (Filters.PayloadPath.Parse(key) is null) throw VectorFault.BadInput($"\"{key}\" is not a payload key");
        if (type == "text") Texts.TextAnalyser.Read(schema.GetRawText());
        if (schema.ValueKind == JsonValueKind.Object) RequireParameters(type!, schema);
        if (collection.Config.Rules.IsStrict) StrictCheck.OnIndex(collection, (await FactsAsync(call, collection).ConfigureAwait(false)).Indexes.Count(each => each.Key != key));
        return await call.Face.IndexAsync(collection, ShardCommand.CreateIndex(key, schema.GetRawText()), call.Cancelled).ConfigureAwait(false);
    }

    private static void RequireParameters(string type, JsonElement schema)
    {
        foreach (var name in (string[])["is_tenant", "is_principal", "on_disk", "lookup", "range", "lowercase", "phrase_matching", "ascii_folding", "enable_hnsw"]) Json.Truth(schema, name);
        var isLookup = Json.Field(schema, "lookup") is null || Json.Truth(schema, "lookup");
        var isRange = Json.Field(schema, "range") is null || Json.Truth(schema, "range");
        if (type == "integer" && !isLookup && !isRange) throw VectorFault.Invalid("field_schema", "the 'lookup' and 'range' capabilities can't be both disabled");
    }

    /// <summary>The counters of all shards together.</summary>
    public static async Task<ShardFacts> FactsAsync(VectorCall call, CollectionRecord collection)
    {
        var facts = (await call.Face.FactsAsync(collection, call.ScopeOf(default)).ConfigureAwait(false)).Select(each => each.Answer.Facts).OfType<ShardFacts>().ToArray();
        return new ShardFacts(facts.Sum(each => each.Points), facts.Sum(each => each.Indexed), facts.Sum(each => each.Segments), facts.All(each => each.IsGreen), facts.Length > 0 ? facts[0].Indexes : []);
    }

    /// <summary>How many points have something at each indexed key. Of a collection with more indexes than so many it is not counted, and all its points are shown.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> IndexedPointsAsync(VectorCall call, CollectionRecord collection, ShardFacts facts)
    {
        var points = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (key, _) in facts.Indexes)
            points[key] = facts.Indexes.Count > CountedIndexesMax || PayloadPath.Parse(key) is not { } path ? facts.Points
                : await call.Face.CountAsync(collection, Filter.Having(path), call.ScopeOf(default)).ConfigureAwait(false);
        return points;
    }

    private static async Task<CollectionRecord> CustomAsync(VectorCall call, string name)
    {
        var known = await call.Face.RequireAsync(name, call.Cancelled).ConfigureAwait(false);
        return known.Config.Rules.IsCustomSharded ? known : throw VectorFault.BadInput("Shard Key cannot be created with Auto sharding method");
    }
}
