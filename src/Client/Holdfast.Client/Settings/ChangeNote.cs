using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Client;

/// <summary>
/// Who changed a setting, and when, as the writer says it; a record among colleagues and no proof against one who lies: whoever may write the key may write anything beside it. The order of changes is the revisions', not these times'.
/// </summary>
/// <param name="Who">The user that the writer signs in as; without one the name in its certificate; without both the account it runs under, as <c>account@machine</c>.</param>
/// <param name="When">The writer's clock.</param>
public sealed record ChangeNote(string Who, DateTimeOffset When)
{
    /// <summary>Reads a key's value; null when it is no note.</summary>
    public static ChangeNote? TryParse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, NoteJson.Default.ChangeNote);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The value of the key.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, NoteJson.Default.ChangeNote);
}

/// <summary>The notes' JSON, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ChangeNote))]
internal sealed partial class NoteJson : JsonSerializerContext;
