using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Vectors.Filters;

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

    /// <summary>Sets keys inside the objects at a path; names that are missing on the way are made, elements of arrays are not.</summary>
    public static Payload MergeAt(Payload payload, PayloadPath path, Payload with)
    {
        using var old = payload.Parse();
        using var buffer = new Edited();
        WriteMerged(buffer.Writer, old.RootElement, path, 0, with);
        return buffer.ToPayload();
    }

    /// <summary>Removes what is at some paths. An element of an array is not removed, for the second time that would be another one; <c>[]</c> empties the array.</summary>
    public static Payload Remove(Payload payload, IReadOnlyList<PayloadPath> paths)
    {
        if (payload.IsEmpty) return payload;
        using var old = payload.Parse();
        using var buffer = new Edited();
        WriteWithout(buffer.Writer, old.RootElement, [.. paths.Select(path => new Place(path, 0))]);
        return buffer.ToPayload();
    }

    /// <summary>Only what is at some paths.</summary>
    public static Payload Keep(Payload payload, IReadOnlyList<PayloadPath> paths)
    {
        if (payload.IsEmpty) return payload;
        using var old = payload.Parse();
        using var buffer = new Edited();
        WriteOnly(buffer.Writer, old.RootElement, [.. paths.Select(path => new Place(path, 0))]);
        return buffer.ToPayload();
    }

    private static void WriteMerged(Utf8JsonWriter writer, JsonElement element, PayloadPath path, int step, Payload with)
    {
        if (step == path.Length)
        {
            using var merged = (element.ValueKind == JsonValueKind.Object ? Merge(Payload.From(element), with) : with).Parse();
            merged.RootElement.WriteTo(writer);
        }
        else if (path.NameAt(step) is { } name)
        {
            var isThere = false;
            writer.WriteStartObject();
            if (element.ValueKind == JsonValueKind.Object)
                foreach (var property in element.EnumerateObject())
                {
                    writer.WritePropertyName(property.Name);
                    if (property.NameEquals(name)) WriteMerged(writer, property.Value, path, step + 1, with);
                    else property.Value.WriteTo(writer);
                    isThere |= property.NameEquals(name);
                }

            if (!isThere && IsNamesFrom(path, step + 1))
            {
                writer.WritePropertyName(name);
                WriteMerged(writer, default, path, step + 1, with);
            }

            writer.WriteEndObject();
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            writer.WriteStartArray();
            foreach (var inner in element.EnumerateArray())
                if (path.IsElement(step, index++)) WriteMerged(writer, inner, path, step + 1, with);
                else inner.WriteTo(writer);
            writer.WriteEndArray();
        }
        else
        {
            element.WriteTo(writer);
        }
    }

    private static bool IsNamesFrom(PayloadPath path, int step)
    {
        for (; step < path.Length; step++)
            if (path.NameAt(step) is null) return false;
        return true;
    }

    private static void WriteOnly(Utf8JsonWriter writer, JsonElement element, IReadOnlyList<Place> places)
    {
        if (places.Any(place => place.IsEnd)) element.WriteTo(writer);
        else if (element.ValueKind == JsonValueKind.Object)
        {
            writer.WriteStartObject();
            foreach (var property in element.EnumerateObject())
            {
                Place[] inner = [.. places.Where(place => place.IsName(property.Name)).Select(place => place.Next)];
                if (inner.Length == 0 || !Has(property.Value, inner)) continue;
                writer.WritePropertyName(property.Name);
                WriteOnly(writer, property.Value, inner);
            }

            writer.WriteEndObject();
        }
        else
        {
            var index = 0;
            writer.WriteStartArray();
            foreach (var one in element.EnumerateArray())
            {
                Place[] inner = [.. places.Where(place => place.IsElement(index)).Select(place => place.Next)];
                index++;
                if (inner.Length > 0 && Has(one, inner)) WriteOnly(writer, one, inner);
            }

            writer.WriteEndArray();
        }
    }

    /// <summary>Whether a value can have what is asked of it.</summary>
    private static bool Has(JsonElement value, Place[] places) => Array.Exists(places, place => place.IsEnd || value.ValueKind == (place.IsOfArray ? JsonValueKind.Array : JsonValueKind.Object));

    private static void WriteWithout(Utf8JsonWriter writer, JsonElement element, IReadOnlyList<Place> places)
    {
        if (places.Count > 0 && element.ValueKind == JsonValueKind.Object)
        {
            writer.WriteStartObject();
            foreach (var property in element.EnumerateObject())
            {
                Place[] inner = [.. places.Where(place => place.IsName(property.Name)).Select(place => place.Next)];
                if (Array.Exists(inner, place => place.IsEnd)) continue;
                writer.WritePropertyName(property.Name);
                WriteWithout(writer, property.Value, inner);
            }

            writer.WriteEndObject();
        }
        else if (places.Count > 0 && element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            writer.WriteStartArray();
            if (!places.Any(place => place.IsEveryElement && place.Next.IsEnd))
                foreach (var one in element.EnumerateArray())
                {
                    WriteWithout(writer, one, [.. places.Where(place => place.IsElement(index)).Select(place => place.Next).Where(place => !place.IsEnd)]);
                    index++;
                }

            writer.WriteEndArray();
        }
        else
        {
            element.WriteTo(writer);
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

    /// <summary>How far a path has been walked.</summary>
    private readonly record struct Place(PayloadPath Path, int Step)
    {
        public bool IsEnd => Step == Path.Length;

        public bool IsOfArray => !IsEnd && Path.NameAt(Step) is null;

        public bool IsEveryElement => !IsEnd && Path.IsEveryElement(Step);

        public Place Next => this with { Step = Step + 1 };

        public bool IsName(string name) => !IsEnd && Path.IsName(Step, name);

        public bool IsElement(int index) => !IsEnd && Path.IsElement(Step, index);
    }

    /// <summary>A payload on its way.</summary>
    private sealed class Edited : IDisposable
    {
        private readonly ArrayBufferWriter<byte> buffer = new();

        public Edited() => Writer = new Utf8JsonWriter(buffer, WriterOptions);

        public Utf8JsonWriter Writer { get; }

        public Payload ToPayload()
        {
            Writer.Flush();
            return Payload.FromNormalised(buffer.WrittenSpan);
        }

        public void Dispose() => Writer.Dispose();
    }
}
