using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Client;

/// <summary>Says yes or no for subjects that have an attribute with one of the values; the first rule that fits decides.</summary>
/// <param name="Attribute">The attribute's name; <c>subject</c> is the subject itself.</param>
/// <param name="Values">The values that fit.</param>
/// <param name="Enabled">What is said then.</param>
public sealed record TargetingRule(string Attribute, IReadOnlyList<string> Values, bool Enabled);

/// <summary>A feature flag, the JSON value of <c>/flags/NAME</c> (R1.5): off, or on for whom the rules name and for a percentage of the others.</summary>
public sealed record FeatureFlag
{
    /// <summary>Off is off for everybody.</summary>
    public bool Enabled { get; init; }

    /// <summary>For how many of a hundred subjects, 0 to 100, whom no rule names. A larger percentage keeps those that a smaller one had.</summary>
    public double Rollout { get; init; } = 100;

    /// <summary>Asked first, in order.</summary>
    public IReadOnlyList<TargetingRule> Rules { get; init; } = [];

    /// <summary>Whether it is on for a subject. The same on every instance and in every process.</summary>
    /// <param name="name">The flag's name: each flag has other subjects in its first percent.</param>
    /// <param name="subject">Who asks, such as a user's id.</param>
    /// <param name="attributes">What rules may ask about.</param>
    public bool IsOnFor(string name, string subject, IReadOnlyDictionary<string, string>? attributes = null) =>
        IsOnFor(name, subject, attribute => attributes?.GetValueOrDefault(attribute) is { } value ? [value] : []);

    /// <summary>Whether it is on for a subject whose attributes may have several values each, such as the groups of a user: a rule fits if one of them does.</summary>
    /// <param name="name">The flag's name.</param>
    /// <param name="subject">Who asks.</param>
    /// <param name="valuesOf">The values of an attribute; empty when the subject does not have it.</param>
    public bool IsOnFor(string name, string subject, Func<string, IEnumerable<string>> valuesOf)
    {
        if (!Enabled) return false;
        foreach (var rule in Rules)
            if ((rule.Attribute == "subject" ? [subject] : valuesOf(rule.Attribute)).Any(value => rule.Values.Contains(value, StringComparer.Ordinal)))
                return rule.Enabled;
        return Place(name, subject) < Rollout;
    }

    /// <summary>Reads a key's value; null when it is no flag.</summary>
    public static FeatureFlag? TryParse(string json)
    {
        try
        {
            var flag = JsonSerializer.Deserialize(json, FlagJson.Default.FeatureFlag);
            return flag is { Rollout: >= 0 and <= 100 } && flag.Rules.All(rule => rule is not null && rule.Values.All(value => value is not null)) ? flag : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The value of the key.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, FlagJson.Default.FeatureFlag);

    /// <summary>Where a subject stands between 0 and 100: the first 32 bits of SHA-256 over flag and subject, in 10,000 steps.</summary>
    private static double Place(string name, string subject)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{name}\0{subject}"), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash) % 10_000 / 100.0;
    }
}

/// <summary>The flags' JSON, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(FeatureFlag))]
internal sealed partial class FlagJson : JsonSerializerContext;
