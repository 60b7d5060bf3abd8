using System.Text.Json;

namespace Holdfast.Rag.Embedding;

/// <summary>A model's settings, in files that somebody else wrote.</summary>
internal static class JsonFile
{
    /// <summary>Reads a file; whatever is wrong with it is said with its name.</summary>
    /// <exception cref="ArgumentException">It is not what it should be.</exception>
    public static T Read<T>(string path, Func<JsonElement, T> read)
    {
        try
        {
            using var file = JsonDocument.Parse(File.ReadAllBytes(path));
            return read(file.RootElement);
        }
        catch (Exception malformed) when (malformed is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ArgumentException($"{path} cannot be read: {malformed.Message}", malformed);
        }
    }

    /// <summary>As <see cref="Read{T}"/>; <paramref name="otherwise"/> where there is no such file.</summary>
    public static T ReadIfThere<T>(string path, T otherwise, Func<JsonElement, T> read) => File.Exists(path) ? Read(path, read) : otherwise;

    /// <summary>True, false, or null where nothing is said.</summary>
    public static bool? Truth(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var said) ? said.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null } : null;

    /// <summary>A whole number; null where nothing is said, or a number that no count of ours reaches.</summary>
    public static int? Count(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var said) && said.ValueKind == JsonValueKind.Number && said.TryGetInt32(out var count) ? count : null;
}
