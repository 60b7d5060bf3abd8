using System.Buffers;
using System.Text;
using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Collections and aliases as the directory keeps them: JSON, written the same every time, because a change is made only to what its maker has read.</summary>
internal static class CollectionText
{
    /// <summary>The directory takes no longer text.</summary>
    public const int CharactersMax = 60_000;

    private static readonly SortedDictionary<string, string> NoAliases = new(StringComparer.Ordinal);

    /// <summary>A collection as text.</summary>
    public static string Write(CollectionRecord record) => Text(writer =>
    {
        writer.WriteString("id", record.Id);
        writer.WritePropertyName("config");
        writer.WriteRawValue(record.Config.Json, skipInputValidation: true);
        var layout = record.Layout;
        if (!record.Config.Rules.IsCustomSharded && layout is { Leaves.IsEmpty: true, Split: null } && layout.Next == record.Config.Shards) return;
        writer.WriteNumber("next", layout.Next);
        if (record.Config.Rules.IsCustomSharded) WriteKeys(writer, layout);
        if (!layout.Leaves.IsEmpty) WriteLeaves(writer, layout);
        if (layout.Split is not { } split) return;
        writer.WriteStartObject("split");
        writer.WriteNumber("source", split.Source);
        writer.WriteNumber("target", split.Target);
        writer.WriteEndObject();
    });

    private static void WriteKeys(Utf8JsonWriter writer, ShardLayout layout)
    {
        writer.WriteStartArray("keys");
        foreach (var key in layout.Keys)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("key");
            writer.WriteRawValue(key.Key, skipInputValidation: true);
            writer.WriteStartArray("shards");
            foreach (var shard in key.Shards) writer.WriteNumberValue(shard);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteLeaves(Utf8JsonWriter writer, ShardLayout layout)
    {
        writer.WriteStartArray("leaves");
        foreach (var (shard, leaf) in layout.Leaves)
        {
            writer.WriteStartObject();
            writer.WriteNumber("shard", shard);
            writer.WriteNumber("root", leaf.Root);
            writer.WriteNumber("depth", leaf.Part.Depth);
            writer.WriteNumber("bits", leaf.Part.Bits);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Reads a collection.</summary>
    public static CollectionRecord Read(string name, string text)
    {
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        var config = CollectionConfig.Parse(root.GetProperty("config").GetRawText());
        var layout = !root.TryGetProperty("keys", out var keys) ? ShardLayout.Of(config) : ShardLayout.Of(
            [.. keys.EnumerateArray().Select(key => new ShardKey(key.GetProperty("key").GetRawText(), [.. key.GetProperty("shards").EnumerateArray().Select(shard => shard.GetInt32())]))],
            root.GetProperty("next").GetInt32());
        if (root.TryGetProperty("next", out var next)) layout = layout.After(next.GetInt32(), LeavesOf(root), SplitOf(root));
        return new CollectionRecord(name, root.GetProperty("id").GetString()!, config, layout);
    }

    private static IEnumerable<KeyValuePair<int, ShardLeaf>> LeavesOf(JsonElement root) => !root.TryGetProperty("leaves", out var leaves) ? [] : leaves.EnumerateArray().Select(leaf => new KeyValuePair<int, ShardLeaf>(
        leaf.GetProperty("shard").GetInt32(), new ShardLeaf(leaf.GetProperty("root").GetInt32(), new HashPart(leaf.GetProperty("depth").GetByte(), leaf.GetProperty("bits").GetUInt64()))));

    private static ShardSplit? SplitOf(JsonElement root) => root.TryGetProperty("split", out var split) ? new ShardSplit(split.GetProperty("source").GetInt32(), split.GetProperty("target").GetInt32()) : null;

    /// <summary>Aliases as text; empty for none.</summary>
    public static string WriteAliases(IReadOnlyDictionary<string, string> aliases) => aliases.Count == 0 ? "" : Text(writer =>
    {
        foreach (var (alias, collection) in aliases.OrderBy(each => each.Key, StringComparer.Ordinal)) writer.WriteString(alias, collection);
    });

    /// <summary>Reads aliases.</summary>
    public static SortedDictionary<string, string> ReadAliases(string text)
    {
        if (text.Length == 0) return NoAliases;
        using var document = JsonDocument.Parse(text);
        return new SortedDictionary<string, string>(document.RootElement.EnumerateObject().ToDictionary(each => each.Name, each => each.Value.GetString()!), StringComparer.Ordinal);
    }

    private static string Text(Action<Utf8JsonWriter> fill)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions))
        {
            writer.WriteStartObject();
            fill(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
