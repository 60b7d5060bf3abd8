using System.Text.Json;

namespace Holdfast.Vectors.Points;

/// <summary>
/// What a point carries besides vectors: a JSON object, as compact UTF-8, in the order in which its keys were first set. Immutable: a change makes another. Normalised once, before proposing, so that
/// every replica stores the same bytes.
/// </summary>
public sealed class Payload
{
    private static readonly JsonDocumentOptions ReadOptions = new() { MaxDepth = 64 };

    private Payload(byte[] json) => Json = json;

    /// <summary>No keys.</summary>
    public static Payload Empty { get; } = new("{}"u8.ToArray());

    /// <summary>The object's text; nobody changes it.</summary>
    public byte[] Json { get; }

    /// <summary>Whether it has no keys.</summary>
    public bool IsEmpty => Json.Length <= 2;

    /// <summary>Takes bytes that are normalised already, such as those of an entry.</summary>
    public static Payload FromNormalised(ReadOnlySpan<byte> json) => json.Length <= 2 ? Empty : new Payload(json.ToArray());

    /// <summary>Takes over an array that holds normalised bytes and is changed by nobody.</summary>
    internal static Payload Over(byte[] json) => json.Length <= 2 ? Empty : new Payload(json);

    /// <summary>Normalises an object that a client sent.</summary>
    public static Payload From(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) return Empty;
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions)) element.WriteTo(writer);
        return FromNormalised(buffer.WrittenSpan);
    }

    /// <summary>The object as a tree; dispose it.</summary>
    public JsonDocument Parse() => JsonDocument.Parse(Json, ReadOptions);
}
