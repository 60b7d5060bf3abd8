using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Client;

/// <summary>One running copy of a service, as the registry has it: the JSON value of the key <c>/services/SERVICE/instances/ID</c>.</summary>
public sealed record ServiceInstance
{
    /// <summary>Names it among the instances of its service; no slash. A second registration of the same id takes the place of the first.</summary>
    public required string Id { get; init; }

    /// <summary>Host name or address at which its clients reach it.</summary>
    public required string Address { get; init; }

    /// <summary>The port there.</summary>
    public required int Port { get; init; }

    /// <summary>Where it runs, for clients that prefer what is near; may be empty.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Anything that clients may choose by.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Whether its checks pass. One that is failing stays in the registry and is left out of resolution.</summary>
    public ServiceHealth Health { get; init; } = ServiceHealth.Passing;

    /// <summary>Reads the value of a key; null when it is not an instance's.</summary>
    public static ServiceInstance? TryParse(ReadOnlySpan<byte> json)
    {
        try
        {
            var instance = JsonSerializer.Deserialize(json, ServiceJson.Default.ServiceInstance);
            return instance is { Id.Length: > 0, Address.Length: > 0, Port: >= 1 and <= 65535 } && instance.Tags.All(tag => tag is not null) ? instance : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The value of the key.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ServiceJson.Default.ServiceInstance);

    internal void Validate()
    {
        ServiceKeys.Validate(Id, "an instance's id");
        if (Address.Length == 0) throw new ArgumentException("an instance needs an address");
        if (Port is < 1 or > 65535) throw new ArgumentException($"an instance's port is between 1 and 65535, not {Port}");
    }
}

/// <summary>What the checks of an instance say.</summary>
public enum ServiceHealth
{
    /// <summary>All pass, or there are none.</summary>
    [JsonStringEnumMemberName("passing")]
    Passing,

    /// <summary>One or more do not.</summary>
    [JsonStringEnumMemberName("failing")]
    Failing,
}

/// <summary>The registry's JSON, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ServiceInstance))]
internal sealed partial class ServiceJson : JsonSerializerContext;

/// <summary>Where the registry keeps things (R1.4). Anybody who reads etcd's protocol may read them.</summary>
internal static class ServiceKeys
{
    public const string Root = "/services/";

    public static string Instances(string service) => $"{Root}{Validate(service, "a service's name")}/instances/";

    public static string Leader(string service) => $"{Root}{Validate(service, "a service's name")}/leader";

    public static string Validate(string name, string what) =>
        name.Length > 0 && !name.Contains('/', StringComparison.Ordinal) ? name : throw new ArgumentException($"{what} may not be empty and has no slash: \"{name}\"");
}
