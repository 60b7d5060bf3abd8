using System.Buffers;
using System.Text.Json;
using Holdfast.Rag.Answers;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Caching;

/// <summary>An answer as the cache keeps it.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Recipe">How it was made: models, settings.</param>
/// <param name="Version">Of the collection that it was made from.</param>
/// <param name="Answer">The answer.</param>
internal sealed record KeptAnswer(string Question, string Recipe, string Version, Answer Answer)
{
    public byte[] Encode()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("question", Question);
            writer.WriteString("recipe", Recipe);
            writer.WriteString("version", Version);
            writer.WriteString("text", Answer.Text);
            writer.WriteBoolean("extract", Answer.IsExtract);
            writer.WriteStartArray("citations");
            foreach (var chunk in Answer.Citations)
            {
                writer.WriteStartArray();
                foreach (var part in (ReadOnlySpan<string>)[chunk.Source, chunk.Title, chunk.Heading, chunk.Text]) writer.WriteStringValue(part);
                writer.WriteNumberValue(chunk.Score);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Null for what is no such answer: a cache holds what somebody wrote into it.</summary>
    public static KeptAnswer? Decode(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var kept = JsonDocument.Parse(bytes);
            var root = kept.RootElement;
            string Of(string name) => root.GetProperty(name).GetString()!;
            var citations = root.GetProperty("citations").EnumerateArray().Select(static chunk => new FoundChunk(chunk[0].GetString()!, chunk[1].GetString()!, chunk[2].GetString()!, chunk[3].GetString()!, chunk[4].GetDouble())).ToList();
            return new KeptAnswer(Of("question"), Of("recipe"), Of("version"), new Answer(Of("text"), citations, root.GetProperty("extract").GetBoolean()));
        }
        catch (Exception other) when (other is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            return null;
        }
    }
}
