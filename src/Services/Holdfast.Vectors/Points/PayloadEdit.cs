using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Holdfast.Vectors.Points;

/// <summary>Changes of a payload's keys, the same on every replica: what is not named keeps its place and its bytes.</summary>
internal static class PayloadEdit
{
    /// <summary>Compact, and text as it is where JSON allows: stored, never pasted into a page.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Sets the keys of <paramref name="with"/>; a key that is there gets the new value.</summary>
    public static Payload Merge(Payload payload, Payload with)
    {
        if (payload.IsEmpty) return with;
        if (with.IsEmpty) return payload;
        using var old = payload.Parse();
        using var added = with.Parse();
        return Write(writer =>
        {
            foreach (var property in old.RootElement.EnumerateObject())
                (added.RootElement.TryGetProperty(property.Name, out var value) ? value : property.Value).WriteNamed(writer, property.Name);
            foreach (var property in added.RootElement.EnumerateObject())
                if (!old.RootElement.TryGetProperty(property.Name, out _)) property.Value.WriteNamed(writer, property.Name);
        });
    }

    /// <summary>Sets keys inside the object at a path such as <c>a.b</c>, which is made where it is missing.</summary>
    public static Payload MergeAt(Payload payload, string path, Payload with)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        var (head, rest) = dot < 0 ? (path, "") : (path[..dot], path[(dot + 1)..]);
        using var old = payload.Parse();
        var inner = old.RootElement.TryGetProperty(head, out var element) && element.ValueKind == JsonValueKind.Object ? Payload.From(element) : Payload.Empty;
        inner = rest.Length == 0 ? Merge(inner, with) : MergeAt(inner, rest, with);
        using var changed = inner.Parse();
        var (root, value) = (old.RootElement, changed.RootElement);
        return Write(writer =>
        {
            var isThere = false;
            foreach (var property in root.EnumerateObject())
            {
                isThere |= property.NameEquals(head);
                (property.NameEquals(head) ? value : property.Value).WriteNamed(writer, property.Name);
            }

            if (!isThere) value.WriteNamed(writer, head);
        });
    }

    /// <summary>Removes keys; each may be a path such as <c>a.b</c>.</summary>
    public static Payload Remove(Payload payload, IReadOnlyList<string> paths)
    {
        if (payload.IsEmpty) return payload;
        using var old = payload.Parse();
        return Write(writer => WriteWithout(writer, old.RootElement, paths));
    }

    /// <summary>Only these keys; each may be a path such as <c>a.b</c>.</summary>
    public static Payload Keep(Payload payload, IReadOnlyList<string> paths)
    {
        if (payload.IsEmpty) return payload;
        using var old = payload.Parse();
        return Write(writer => WriteOnly(writer, old.RootElement, paths));
    }

    private static void WriteOnly(Utf8JsonWriter writer, JsonElement element, IReadOnlyList<string> paths)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (paths.Contains(property.Name))
            {
                property.Value.WriteNamed(writer, property.Name);
                continue;
            }

            var inner = paths.Where(path => path.StartsWith(property.Name + ".", StringComparison.Ordinal)).Select(path => path[(property.Name.Length + 1)..]).ToArray();
            if (inner.Length == 0 || property.Value.ValueKind != JsonValueKind.Object) continue;
            writer.WriteStartObject(property.Name);
            WriteOnly(writer, property.Value, inner);
            writer.WriteEndObject();
        }
    }

    private static void WriteWithout(Utf8JsonWriter writer, JsonElement element, IReadOnlyList<string> paths)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (paths.Contains(property.Name)) continue;
            var inner = paths.Where(path => path.StartsWith(property.Name + ".", StringComparison.Ordinal)).Select(path => path[(property.Name.Length + 1)..]).ToArray();
            if (inner.Length > 0 && property.Value.ValueKind == JsonValueKind.Object)
            {
                writer.WriteStartObject(property.Name);
                WriteWithout(writer, property.Value, inner);
                writer.WriteEndObject();
            }
            else
            {
                property.Value.WriteNamed(writer, property.Name);
            }
        }
    }

    private static Payload Write(Action<Utf8JsonWriter> fill)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            fill(writer);
            writer.WriteEndObject();
        }

        return Payload.FromNormalised(buffer.WrittenSpan);
    }

    private static void WriteNamed(this JsonElement value, Utf8JsonWriter writer, string name)
    {
        writer.WritePropertyName(name);
        value.WriteTo(writer);
    }
}
