using System.Collections.Immutable;
using System.Text.Json;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>A key that clients name, and the shards behind it.</summary>
/// <param name="Key">The key as JSON: text in quotes, or a number.</param>
/// <param name="Shards">The shards that it began with.</param>
internal sealed record ShardKey(string Key, IReadOnlyList<int> Shards);

/// <summary>A shard that came of splits: which first shard it comes from, and which part of its ids it has.</summary>
internal readonly record struct ShardLeaf(int Root, HashPart Part);

/// <summary>A split under way.</summary>
/// <param name="Source">The shard that is cut in half.</param>
/// <param name="Target">The shard that gets the other half. Nobody asks it before the split is done.</param>
internal sealed record ShardSplit(int Source, int Target);

/// <summary>
/// Which shards a collection has, and which of them a point belongs to: by the hash of its id among the first shards, all or those of the key that the client names, and of one that was split by further bits.
/// Immutable.
/// </summary>
internal sealed class ShardLayout
{
    /// <summary>Keys of a collection at most.</summary>
    public const int KeysMax = 1000;

    /// <summary>Between a key that a request names and the one that it means while that is not there; in no key.</summary>
    private const char Otherwise = '\0';

    private readonly IReadOnlyList<int> roots;

    private ShardLayout(IReadOnlyList<int> roots, IReadOnlyList<ShardKey> keys, int next, ImmutableSortedDictionary<int, ShardLeaf> leaves, ShardSplit? split)
    {
        (this.roots, Keys, Next, Leaves, Split) = (roots, keys, next, leaves, split);
        Numbers = leaves.IsEmpty ? roots : [.. roots.Union(leaves.Keys).Order()];
    }

    /// <summary>All shards.</summary>
    public IReadOnlyList<int> Numbers { get; }

    /// <summary>The keys; empty unless clients name shards.</summary>
    public IReadOnlyList<ShardKey> Keys { get; }

    /// <summary>The number of the next shard that is made. A number is never given twice.</summary>
    public int Next { get; }

    /// <summary>The shards that have a part of what a first shard had, the first shard among them.</summary>
    public ImmutableSortedDictionary<int, ShardLeaf> Leaves { get; }

    /// <summary>The split under way; null for none. One at a time.</summary>
    public ShardSplit? Split { get; }

    /// <summary>All shards that have a group: the target of a split too.</summary>
    public IReadOnlyList<int> WithGroups => Split is null ? Numbers : [.. Numbers, Split.Target];

    /// <summary>So many shards, numbered from zero; or none yet, where clients name them.</summary>
    public static ShardLayout Of(CollectionConfig config) =>
        config.Rules.IsCustomSharded ? Of([], 0) : new([.. Enumerable.Range(0, config.Shards)], [], config.Shards, ImmutableSortedDictionary<int, ShardLeaf>.Empty, null);

    /// <summary>With keys, as the directory keeps them.</summary>
    public static ShardLayout Of(IReadOnlyList<ShardKey> keys, int next) => new([.. keys.SelectMany(key => key.Shards).Order()], keys, next, ImmutableSortedDictionary<int, ShardLeaf>.Empty, null);

    /// <summary>With what splits made of it, as the directory keeps it.</summary>
    public ShardLayout After(int next, IEnumerable<KeyValuePair<int, ShardLeaf>> leaves, ShardSplit? split) => new(roots, Keys, next, leaves.ToImmutableSortedDictionary(), split);

    /// <summary>With one key more, and so many shards behind it.</summary>
    public ShardLayout With(string key, int shards) => With([.. Keys, new ShardKey(key, [.. Enumerable.Range(Next, shards)])], Next + shards);

    /// <summary>Without a key.</summary>
    public ShardLayout Without(string key) => With([.. Keys.Where(each => each.Key != key)], Next);

    /// <summary>With a split begun: the target has a number, and no points that anybody asks for.</summary>
    public ShardLayout Splitting(int source) => new(roots, Keys, Next + 1, Leaves, new ShardSplit(source, Next));

    /// <summary>With the split given up. The target's number is used up.</summary>
    public ShardLayout Unsplit() => new(roots, Keys, Next, Leaves, null);

    /// <summary>With the split done: each of the two has its half.</summary>
    public ShardLayout Divided()
    {
        var (source, target) = (Split!.Source, Split.Target);
        var (root, part) = (RootOf(source), PartOf(source));
        return new(roots, Keys, Next, Leaves.SetItem(source, new ShardLeaf(root, part.Staying)).SetItem(target, new ShardLeaf(root, part.Going)), null);
    }

    /// <summary>Whether all of these keys are there.</summary>
    public bool Has(IReadOnlyList<string> keys) => keys.All(key => Keys.Any(each => each.Key == key.Split(Otherwise)[0]));

    /// <summary>The shards that a request means: those of the keys that it names, or all.</summary>
    /// <exception cref="VectorFault">A key is not there.</exception>
    public IReadOnlyList<int> Meant(IReadOnlyList<string>? keys) => keys is null ? Numbers : WithLeaves([.. keys.SelectMany(key => Find(key).Shards)]);

    /// <summary>The shard that an id belongs to, among those that a request means.</summary>
    public int ShardOf(IReadOnlyList<string>? keys, in PointId id) => ShardOf(keys is null ? roots : keys.Count == 1 ? Find(keys[0]).Shards : [.. keys.SelectMany(key => Find(key).Shards)], id);

    /// <summary>Every shard that may have an id although nobody named a key: one behind each key.</summary>
    public IEnumerable<int> ShardsOfAnyKey(PointId id) => Keys.Where(key => key.Shards.Count > 0).Select(key => ShardOf(key.Shards, id));

    /// <summary>The part of a first shard's ids that a shard has.</summary>
    public HashPart PartOf(int shard) => Leaves.TryGetValue(shard, out var leaf) ? leaf.Part : HashPart.All;

    /// <summary>The shards that have now what a shard had when its part was this one.</summary>
    public IReadOnlyList<int> Successors(int shard, HashPart part)
    {
        var root = RootOf(shard);
        return [.. Numbers.Where(each => RootOf(each) == root && part.Covers(PartOf(each)))];
    }

    /// <summary>The key of a shard; null when it has none.</summary>
    public string? KeyOf(int shard)
    {
        var root = RootOf(shard);
        return Keys.FirstOrDefault(key => key.Shards.Contains(root))?.Key;
    }

    /// <summary>Reads a shard selector: one key, or a list of them.</summary>
    public static IReadOnlyList<string>? ReadKeys(JsonElement? element) => element switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(ReadKey)],
        { ValueKind: JsonValueKind.Object } both when both.TryGetProperty("target", out var target) => [both.TryGetProperty("fallback", out var otherwise) ? ReadKey(target) + Otherwise + ReadKey(otherwise) : ReadKey(target)],
        { } one => [ReadKey(one)],
    };

    /// <summary>Reads a key: text, or a number that is not negative.</summary>
    public static string ReadKey(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => JsonEncodedText.Encode(element.GetString()!, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping) is var text ? $"\"{text}\"" : "",
        JsonValueKind.Number when element.TryGetUInt64(out var number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => throw VectorFault.BadJson("a shard key is text or a whole number"),
    };

    private int ShardOf(IReadOnlyList<int> among, in PointId id)
    {
        var root = among[(int)(id.StableHash % (ulong)among.Count)];
        foreach (var (shard, leaf) in Leaves)
            if (leaf.Root == root && leaf.Part.Has(id)) return shard;
        return root;
    }

    private int RootOf(int shard) => Leaves.TryGetValue(shard, out var leaf) ? leaf.Root : shard;

    private IReadOnlyList<int> WithLeaves(IReadOnlyList<int> among) => Leaves.IsEmpty ? among : [.. among.Union(Leaves.Where(each => among.Contains(each.Value.Root)).Select(each => each.Key))];

    private ShardLayout With(IReadOnlyList<ShardKey> keys, int next)
    {
        int[] first = [.. keys.SelectMany(key => key.Shards).Order()];
        var left = Split is { } split && first.Contains(RootOf(split.Source)) ? split : null;
        return new(first, keys, next, Leaves.RemoveRange(Leaves.Where(each => !first.Contains(each.Value.Root)).Select(each => each.Key)), left);
    }

    private ShardKey Find(string key)
    {
        foreach (var one in key.Split(Otherwise))
            if (Keys.FirstOrDefault(each => each.Key == one) is { } found) return found;
        throw VectorFault.NotFound($"Shard key {key.Split(Otherwise)[0]} not found");
    }
}
