using System.Text.Json;

namespace Holdfast.Coordination.Discovery;

/// <summary>What the service registry says of one instance: the JSON value of <c>/services/SERVICE/instances/ID</c> (R1.4), as far as DNS needs it. Anybody may write such a key, so nothing in it is believed.</summary>
/// <param name="Address">Address or host name.</param>
/// <param name="Port">The port there.</param>
/// <param name="IsHealthy">Whether its checks pass.</param>
/// <param name="Tags">What clients may choose by.</param>
internal sealed record RegisteredInstance(string Address, ushort Port, bool IsHealthy, IReadOnlyList<string> Tags)
{
    /// <summary>An entry that is larger than this is none: host names, tags and zones are short.</summary>
    private const int BytesMax = 64 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8 };

    /// <summary>Where a service's instances are.</summary>
    public static string PrefixOf(string service) => $"/services/{service}/instances/";

    /// <summary>Reads a value; null when it is no instance's.</summary>
    public static RegisteredInstance? TryParse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > BytesMax) return null;
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && Text(root, "address") is { Length: > 0 } address
                && root.TryGetProperty("port", out var port) && port.ValueKind == JsonValueKind.Number && port.TryGetUInt16(out var number) && number > 0
                    ? new RegisteredInstance(address, number, Text(root, "health") is null or "passing", TagsOf(root))
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            return null; // A string that is no UTF-16, such as half a surrogate pair.
        }
    }

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static List<string> TagsOf(JsonElement root) =>
        root.TryGetProperty("tags", out var tags) && tags.ValueKind == JsonValueKind.Array ? [.. from tag in tags.EnumerateArray() where tag.ValueKind == JsonValueKind.String select tag.GetString()!] : [];
}
