using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Endpoints.Access;

/// <summary>Who may come in, as its owner said it.</summary>
public sealed record VectorAccessOptions
{
    /// <summary>The key that may do everything; empty for an open door.</summary>
    public string ApiKey { get; init; } = "";

    /// <summary>The key that may read; empty for none.</summary>
    public string ReadOnlyApiKey { get; init; } = "";

    /// <summary>Whether tokens signed with <see cref="ApiKey"/> (JWT, HS256) are accepted. They say what their bearer may do.</summary>
    public bool AcceptsTokens { get; init; } = true;
}

/// <summary>Recognises callers by <c>api-key</c> or by <c>authorization: Bearer</c>: one of two keys, or a token signed with the first.</summary>
internal sealed class AccessDesk(VectorAccessOptions options)
{
    /// <summary>Clocks of whoever signs and of this node may differ by so much.</summary>
    private const long LeewaySeconds = 30;

    /// <summary>What the caller may do; a token may rest on a value, which is looked for.</summary>
    /// <exception cref="VectorFault">Nobody knows the key, or the token is not valid, or holds no more.</exception>
    public ValueTask<AccessGrant> RecogniseAsync(string? apiKey, string? authorization, VectorFace face, CancellationToken cancel)
    {
        var grant = Recognise(apiKey, authorization);
        return grant.Condition is null ? new(grant) : CheckedAsync(grant, face, cancel);
    }

    /// <summary>What the caller may do, if what its token rests on is there.</summary>
    /// <exception cref="VectorFault">Nobody knows the key, or the token is not valid.</exception>
    public AccessGrant Recognise(string? apiKey, string? authorization)
    {
        if (options.ApiKey.Length == 0 && options.ReadOnlyApiKey.Length == 0) return AccessGrant.All;
        var shown = string.IsNullOrEmpty(apiKey) && authorization is not null && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization[7..].Trim() : apiKey;
        if (string.IsNullOrEmpty(shown)) throw VectorFault.Unauthorized("Must provide an API key or an Authorization bearer token");
        if (Same(shown, options.ApiKey)) return AccessGrant.All;
        if (Same(shown, options.ReadOnlyApiKey)) return AccessGrant.ReadOnly;
        return options.AcceptsTokens && options.ApiKey.Length > 0 && shown.Count('.') == 2 ? OfToken(shown) : throw VectorFault.Unauthorized("Invalid API key or JWT");
    }

    private static async ValueTask<AccessGrant> CheckedAsync(AccessGrant grant, VectorFace face, CancellationToken cancel)
    {
        await grant.Condition!.RequireAsync(face, cancel).ConfigureAwait(false);
        return grant;
    }

    private AccessGrant OfToken(string token)
    {
        var parts = token.Split('.');
        try
        {
            using var head = JsonDocument.Parse(FromBase64Url(parts[0]));
            if (!head.RootElement.TryGetProperty("alg", out var algorithm) || algorithm.GetString() != "HS256") throw VectorFault.Unauthorized("Invalid API key or JWT: only HS256 is accepted");
            var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(options.ApiKey), Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"));
            if (!CryptographicOperations.FixedTimeEquals(signature, FromBase64Url(parts[2]))) throw VectorFault.Unauthorized("Invalid API key or JWT");
            using var claims = JsonDocument.Parse(FromBase64Url(parts[1]));
            if (claims.RootElement.TryGetProperty("exp", out var ends) && (!ends.TryGetInt64(out var seconds) || DateTimeOffset.UtcNow.ToUnixTimeSeconds() > seconds + LeewaySeconds)) throw VectorFault.Unauthorized("Invalid API key or JWT: ExpiredSignature");
            var grant = GrantOf(claims.RootElement);
            return claims.RootElement.TryGetProperty("value_exists", out var exists) && exists.ValueKind != JsonValueKind.Null ? grant.While(ValueExists.Read(exists)) : grant;
        }
        catch (Exception broken) when (broken is JsonException or FormatException or InvalidOperationException)
        {
            throw VectorFault.Unauthorized("Invalid API key or JWT");
        }
    }

    /// <summary>Without a word about access a token may do everything, as Qdrant has it.</summary>
    private static AccessGrant GrantOf(JsonElement claims)
    {
        if (!claims.TryGetProperty("access", out var access) || access.ValueKind == JsonValueKind.Null) return AccessGrant.All;
        if (access.ValueKind == JsonValueKind.String)
            return access.GetString() switch { "m" => AccessGrant.All, "r" => AccessGrant.ReadOnly, var other => throw VectorFault.Unauthorized($"Invalid JWT: unknown access \"{other}\"") };
        var collections = new Dictionary<string, AccessRight>(StringComparer.Ordinal);
        foreach (var one in access.EnumerateArray())
        {
            if (one.TryGetProperty("payload", out var payload) && payload.ValueKind == JsonValueKind.Object && payload.EnumerateObject().Any()) throw VectorFault.Unauthorized("Invalid JWT: access that is limited by a payload's values is not given any more");
            collections[one.GetProperty("collection").GetString()!] = one.GetProperty("access").GetString() switch
            {
                "r" => AccessRight.Read,
                "rw" => AccessRight.Keep,
                "prw" => AccessRight.Write,
                var other => throw VectorFault.Unauthorized($"Invalid JWT: unknown access \"{other}\""),
            };
        }

        return AccessGrant.Of(collections);
    }

    private static bool Same(string shown, string known) => known.Length > 0 && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(shown)), SHA256.HashData(Encoding.UTF8.GetBytes(known)));

    private static byte[] FromBase64Url(string text) => Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));
}
