using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>
/// JSON Web Tokens with etcd's claims (RFC 7519): <c>username</c>, <c>revision</c> and <c>exp</c>. They may be issued by others who have the key. As in
/// etcd each change of users or roles makes all of them old. The algorithm is the operator's choice and never the token's.
/// </summary>
internal sealed class JwtDesk(JwtPlan plan, TimeProvider clock) : ITokenDesk
{
    private const int TokenCharsMax = 16 * 1024;
    private readonly string header = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{{\"alg\":\"{plan.Method}\",\"typ\":\"JWT\"}}"));

    public string Issue(UserRecord user, IdentityView view)
    {
        // etcd's words, and like etcd's without a code of their own.
        if (plan.IsVerifyOnly) throw new EtcdException(new EtcdError(EtcdCode.Unknown, "auth: token signing attempted with verify-only key"));
        var claims = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(claims))
        {
            json.WriteStartObject();
            json.WriteNumber("exp", (clock.GetUtcNow() + plan.TimeToLive).ToUnixTimeSeconds());
            json.WriteNumber("revision", view.Revision);
            json.WriteString("username", user.Name);
            json.WriteEndObject();
        }

        var signed = $"{header}.{Base64Url.EncodeToString(claims.WrittenSpan)}";
        return $"{signed}.{Base64Url.EncodeToString(plan.Seal.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    public Caller Read(string token, IdentityView view)
    {
        var (first, last) = (token.IndexOf('.', StringComparison.Ordinal), token.LastIndexOf('.'));
        if (token.Length > TokenCharsMax || first <= 0 || last <= first) return Caller.Invalid;
        if (!Base64Url.IsValid(token.AsSpan(0, first)) || !Base64Url.IsValid(token.AsSpan(first + 1, last - first - 1)) || !Base64Url.IsValid(token.AsSpan(last + 1))) return Caller.Invalid;
        try
        {
            using var head = JsonDocument.Parse(Base64Url.DecodeFromChars(token.AsSpan(0, first)));
            if (!head.RootElement.TryGetProperty("alg", out var method) || method.ValueKind != JsonValueKind.String || method.GetString() != plan.Method) return Caller.Invalid;
            if (!plan.Seal.Verify(Encoding.ASCII.GetBytes(token[..last]), Base64Url.DecodeFromChars(token.AsSpan(last + 1)))) return Caller.Invalid;
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(token.AsSpan(first + 1, last - first - 1)));
            return FromClaims(claims.RootElement);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or CryptographicException)
        {
            return Caller.Invalid;
        }
    }

    private Caller FromClaims(JsonElement claims)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        if (claims.TryGetProperty("exp", out var expires) && expires.GetDouble() <= now) return Caller.Invalid;
        if (claims.TryGetProperty("nbf", out var begins) && begins.GetDouble() > now) return Caller.Invalid;
        if (!claims.TryGetProperty("username", out var user) || user.ValueKind != JsonValueKind.String) return Caller.Invalid;
        if (!claims.TryGetProperty("revision", out var revision) || revision.ValueKind != JsonValueKind.Number || !(revision.GetDouble() is >= 0 and < 9e15)) return Caller.Invalid;
        return new Caller(CallerKind.Jwt, user.GetString()!, (ulong)revision.GetDouble());
    }
}
