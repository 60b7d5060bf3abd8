using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Client.Extensions;

/// <summary>What the file holds.</summary>
internal sealed record LastGoodContent(int Format, string Prefix, long Revision, Dictionary<string, string> Values);

/// <summary>Its JSON, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(LastGoodContent))]
internal sealed partial class LastGoodJson : JsonSerializerContext;

/// <summary>
/// The newest values that were seen, in a file of mode 0600 (values may be secrets), for a start while the cluster is away. Written beside and renamed, so a reader finds the old or the new one, whole.
/// A file that cannot be read or belongs to another prefix is as good as none; one that cannot be written is said, and costs nothing else.
/// </summary>
internal sealed class LastGoodFile(string path, string prefix)
{
    private const int Format = 1;

    /// <summary>Why it could not be written last; null when it could.</summary>
    public string? Fault { get; private set; }

    /// <summary>What was seen last; null when there is nothing that can be used.</summary>
    public KeyValues? Read()
    {
        try
        {
            var content = JsonSerializer.Deserialize(File.ReadAllBytes(path), LastGoodJson.Default.LastGoodContent);
            return content is { Format: Format } && content.Prefix == prefix && content.Values.Values.All(value => value is not null)
                ? new KeyValues(content.Revision, content.Values.ToFrozenDictionary(StringComparer.Ordinal), IsFromFile: true)
                : null;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps these.</summary>
    public void Write(KeyValues values)
    {
        var beside = $"{path}.{Environment.ProcessId}.new";
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var stream = new FileStream(beside, options))
            {
                JsonSerializer.Serialize(stream, new LastGoodContent(Format, prefix, values.Revision, new Dictionary<string, string>(values.Values, StringComparer.Ordinal)), LastGoodJson.Default.LastGoodContent);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
            Fault = null;
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            Fault = unwritable.Message;
        }
    }
}
