using System.Globalization;
using System.Text.Json;

namespace Holdfast.Coordination.Sessions;

/// <summary>What somebody who creates a session asks for, in Consul's words: <c>{"Name":"","TTL":"15s","LockDelay":"15s","Behavior":"release"}</c>. An empty body takes what is written here.</summary>
internal sealed record SessionWish
{
    private const long LockDelaySecondsMax = 60;
    private const long TtlSecondsMax = 86_400;
    private const int NameLengthMax = 256;

    /// <summary>A number below this is seconds, above it nanoseconds (Consul's rule).</summary>
    private const double NanosecondsFrom = 1000;

    /// <summary>What its owner calls it.</summary>
    public string Name { get; private init; } = "";

    /// <summary>For how long it lives without being renewed, in seconds.</summary>
    public long TtlSeconds { get; private init; } = 15;

    /// <summary>The lock delay in seconds.</summary>
    public long LockDelaySeconds { get; private init; } = 15;

    /// <summary>What becomes of its keys.</summary>
    public SessionBehavior Behavior { get; private init; }

    /// <summary>Reads a body; null and a sentence when it asks for something that is not offered.</summary>
    public static SessionWish? TryParse(ReadOnlyMemory<byte> body, out string fault)
    {
        fault = "";
        if (body.Length == 0) return new SessionWish();
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return Read(document.RootElement, out fault);
            fault = "a session is asked for with a JSON object";
        }
        catch (JsonException bad)
        {
            fault = "the request's JSON cannot be read: " + bad.Message;
        }
        catch (InvalidOperationException)
        {
            fault = "the request's JSON holds text that is no Unicode";
        }

        return null;
    }

    private static SessionWish? Read(JsonElement root, out string fault)
    {
        fault = "";
        var wish = new SessionWish();
        foreach (var field in root.EnumerateObject())
        {
            switch (field.Name.ToUpperInvariant())
            {
                case "NAME" when field.Value.ValueKind == JsonValueKind.String && field.Value.GetString()!.Length <= NameLengthMax:
                    wish = wish with { Name = field.Value.GetString()! };
                    break;
                case "TTL" when Seconds(field.Value) is { } ttl and >= CoordinationStateMachine.LeaseSecondsMin and <= TtlSecondsMax:
                    wish = wish with { TtlSeconds = ttl };
                    break;
                case "LOCKDELAY" when Seconds(field.Value) is { } delay and >= 0 and <= LockDelaySecondsMax:
                    wish = wish with { LockDelaySeconds = delay };
                    break;
                case "BEHAVIOR" when field.Value.ValueKind == JsonValueKind.String && (field.Value.ValueEquals("release") || field.Value.ValueEquals("delete")):
                    wish = wish with { Behavior = field.Value.ValueEquals("delete") ? SessionBehavior.Delete : SessionBehavior.Release };
                    break;
                case "NODECHECKS" or "SERVICECHECKS" or "CHECKS" when IsEmpty(field.Value):
                case "NODE" or "ID" or "CREATEINDEX" or "MODIFYINDEX":
                    break;
                case "NODECHECKS" or "SERVICECHECKS" or "CHECKS":
                    fault = $"{field.Name}: sessions live by their TTL alone; checks belong to the service registry";
                    return null;
                case "NAME":
                    fault = $"Name: a text of at most {NameLengthMax} characters";
                    return null;
                case "TTL":
                    fault = $"TTL: between {CoordinationStateMachine.LeaseSecondsMin}s and {TtlSecondsMax}s, such as \"30s\"";
                    return null;
                case "LOCKDELAY":
                    fault = $"LockDelay: between 0s and {LockDelaySecondsMax}s, such as \"15s\"";
                    return null;
                case "BEHAVIOR":
                    fault = "Behavior: release or delete";
                    return null;
                default:
                    fault = $"{field.Name}: not known; a session has Name, TTL, LockDelay and Behavior";
                    return null;
            }
        }

        return wish;
    }

    /// <summary>Whole seconds, rounded up: a lock that is kept from others for longer harms nobody. Null when it is no span of time.</summary>
    private static long? Seconds(JsonElement value)
    {
        double? seconds = value.ValueKind switch
        {
            JsonValueKind.String => SpanOf(value.GetString()!),
            JsonValueKind.Number => value.GetDouble() is var number && number < NanosecondsFrom ? number : number / 1e9,
            _ => null,
        };
        return seconds is >= 0 and < 1e9 ? (long)Math.Ceiling(seconds.Value) : null;
    }

    /// <summary>A span of time as Go writes it, in seconds, of one unit or several: <c>15s</c>, <c>1m30s</c>, <c>500ms</c>. Null when it is none.</summary>
    public static double? SpanOf(string text)
    {
        if (text.Length is 0 or > 32) return null;
        var seconds = 0.0;
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            var digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) return null;
            rest = rest[digits..];
            var letters = rest.IndexOfAny("0123456789.");
            var unit = letters < 0 ? rest : rest[..letters];
            rest = rest[unit.Length..];
            double? one = unit switch { "h" => 3600, "m" => 60, "s" => 1, "ms" => 1e-3, "us" => 1e-6, "ns" => 1e-9, _ => null };
            if (one is null) return null;
            seconds += amount * one.Value;
        }

        return seconds;
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
}
