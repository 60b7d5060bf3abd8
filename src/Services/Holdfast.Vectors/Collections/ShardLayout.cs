using System.Text.Json;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>A key that clients name, and the shards behind it.</summary>
/// <param name="Key">The key as JSON: text in quotes, or a number.</param>
/// <param name="Shards">The shards' numbers.</param>
internal sealed record ShardKey(string Key, IReadOnlyList<int> Shards);

/// <summary>Which shards a collection has, and which of them a point belongs to: by the hash of its id, among all, or among those of the key that the client names.</summary>
internal sealed class ShardLayout
{
    /// <summary>Keys of a collection at most.</summary>
    public const int KeysMax = 1000;

    private ShardLayout(IReadOnlyList<int> numbers, IReadOnlyList<ShardKey> keys, int next) => (Numbers, Keys, Next) = (numbers, keys, next);

    /// <summary>All shards.</summary>
    public IReadOnlyList<int> Numbers { get; }

    /// <summary>The keys; empty unless clients name shards.</summary>
    public IReadOnlyList<ShardKey> Keys { get; }

    /// <summary>The number of the next shard that is made. A number is never given twice.</summary>
    public int Next { get; }

    /// <summary>So many shards, numbered from zero; or none yet, where clients name them.</summary>
    public static ShardLayout Of(CollectionConfig config) => config.Rules.IsCustomSharded ? new([], [], 0) : new([.. Enumerable.Range(0, config.Shards)], [], config.Shards);

    /// <summary>With keys, as the directory keeps them.</summary>
    public static ShardLayout Of(IReadOnlyList<ShardKey> keys, int next) => new([.. keys.SelectMany(key => key.Shards).Order()], keys, next);

    /// <summary>With one key more, and so many shards behind it.</summary>
    public ShardLayout With(string key, int shards) => Of([.. Keys, new ShardKey(key, [.. Enumerable.Range(Next, shards)])], Next + shards);

    /// <summary>Without a key.</summary>
    public ShardLayout Without(string key) => Of([.. Keys.Where(each => each.Key != key)], Next);

    /// <summary>Whether all of these keys are there.</summary>
    public bool Has(IReadOnlyList<string> keys) => keys.All(key => Keys.Any(each => each.Key == key));

    /// <summary>The shards that a request means: those of the keys that it names, or all.</summary>
    /// <exception cref="VectorFault">A key is not there.</exception>
    public IReadOnlyList<int> Meant(IReadOnlyList<string>? keys) => keys is null ? Numbers : [.. keys.SelectMany(key => Find(key).Shards)];

    /// <summary>The shard among these that an id belongs to.</summary>
    public static int ShardOf(IReadOnlyList<int> shards, in PointId id) => shards[(int)(id.StableHash % (ulong)shards.Count)];

    /// <summary>The key of a shard; null when it has none.</summary>
    public string? KeyOf(int shard) => Keys.FirstOrDefault(key => key.Shards.Contains(shard))?.Key;

    /// <summary>Reads a shard selector: one key, or a list of them.</summary>
    public static IReadOnlyList<string>? ReadKeys(JsonElement? element) => element switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(ReadKey)],
        { ValueKind: JsonValueKind.Object } both when both.TryGetProperty("target", out var target) => [ReadKey(target)],
        { } one => [ReadKey(one)],
    };

    /// <summary>Reads a key: text, or a number that is not negative.</summary>
    public static string ReadKey(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => JsonEncodedText.Encode(element.GetString()!, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping) is var text ? $"\"{text}\"" : "",
        JsonValueKind.Number when element.TryGetUInt64(out var number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => throw VectorFault.BadJson("a shard key is text or a whole number"),
    };

    private ShardKey Find(string key) => Keys.FirstOrDefault(each => each.Key == key) ?? throw VectorFault.NotFound($"Shard key {key} not found");
}
