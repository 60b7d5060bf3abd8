using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>JSON Web Tokens as <c>--auth-token jwt,pub-key=FILE,priv-key=FILE,sign-method=METHOD,ttl=5m</c> asks for them, with their keys read.</summary>
public sealed class JwtPlan
{
    private static readonly string[] Methods = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"];

    private JwtPlan(string method, TimeSpan timeToLive) => (Method, TimeToLive) = (method, timeToLive);

    /// <summary>The algorithm's name in a token's header (RFC 7518; EdDSA is RFC 8037's, with Ed25519 keys).</summary>
    public string Method { get; }

    /// <summary>How long a token is valid.</summary>
    public TimeSpan TimeToLive { get; }

    /// <summary>Whether there is only a public key: tokens are read, and nobody can sign in here.</summary>
    public bool IsVerifyOnly { get; private init; }

    internal RSA? Rsa { get; private init; }

    internal ECDsa? Ecdsa { get; private init; }

    internal Ed25519Key? Ed25519 { get; private init; }

    internal byte[]? Secret { get; private init; }

    /// <summary>Parses what follows <c>jwt,</c>; null, and the faults said, when it is wrong.</summary>
    public static JwtPlan? Parse(string options, List<string> faults)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(faults);
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in options.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = option.Split('=');
            if (parts.Length != 2 || !given.TryAdd(parts[0], parts[1])) return Fault(faults, $"\"{option}\" is not name=value, or is given twice");
            if (parts[0] is not ("sign-method" or "pub-key" or "priv-key" or "ttl")) return Fault(faults, $"unknown option \"{parts[0]}\"; known are sign-method, pub-key, priv-key and ttl");
        }

        var method = given.GetValueOrDefault("sign-method", "");
        if (!Methods.Contains(method)) return Fault(faults, $"sign-method \"{method}\" is none of {string.Join(", ", Methods)}");
        if (!TryDuration(given.GetValueOrDefault("ttl", "5m"), out var timeToLive)) return Fault(faults, $"ttl \"{given["ttl"]}\" is not a time such as 5m or 300s");
        try
        {
            return WithKeys(method, timeToLive, Read(given, "pub-key"), Read(given, "priv-key"), faults);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or AsnContentException)
        {
            return Fault(faults, $"a key cannot be used: {unusable.Message}");
        }
    }

    private static byte[]? Read(Dictionary<string, string> given, string name) => given.TryGetValue(name, out var path) ? File.ReadAllBytes(path) : null;

    private static JwtPlan? WithKeys(string method, TimeSpan timeToLive, byte[]? publicKey, byte[]? privateKey, List<string> faults)
    {
        if (method[0] == 'H') return privateKey is { Length: > 0 } ? new JwtPlan(method, timeToLive) { Secret = privateKey } : Fault(faults, $"{method} needs priv-key");
        if ((privateKey ?? publicKey) is null) return Fault(faults, $"{method} needs priv-key, or pub-key to check tokens only");
        if (method == "EdDSA") return WithEd25519(timeToLive, publicKey, privateKey, faults);
        var own = System.Text.Encoding.UTF8.GetString(privateKey ?? publicKey!);
        if (method[0] == 'E')
        {
            var ecdsa = ECDsa.Create();
            ecdsa.ImportFromPem(own);
            if (privateKey is not null && publicKey is not null && !IsSame(ecdsa, publicKey)) return Fault(faults, "pub-key and priv-key do not belong together");
            return new JwtPlan(method, timeToLive) { Ecdsa = ecdsa, IsVerifyOnly = privateKey is null };
        }

        var rsa = RSA.Create();
        rsa.ImportFromPem(own);
        if (privateKey is not null && publicKey is not null && !IsSame(rsa, publicKey)) return Fault(faults, "pub-key and priv-key do not belong together");
        return new JwtPlan(method, timeToLive) { Rsa = rsa, IsVerifyOnly = privateKey is null };
    }

    private static JwtPlan? WithEd25519(TimeSpan timeToLive, byte[]? publicKey, byte[]? privateKey, List<string> faults)
    {
        var open = publicKey is null ? null : Ed25519Key.OfPublicPem(publicKey);
        var own = privateKey is null ? open! : Ed25519Key.OfPrivatePem(privateKey);
        if (open is not null && !own.BelongsTo(open)) return Fault(faults, "pub-key and priv-key do not belong together");
        return new JwtPlan("EdDSA", timeToLive) { Ed25519 = own, IsVerifyOnly = !own.Signs };
    }

    private static bool IsSame(AsymmetricAlgorithm own, byte[] publicPem)
    {
        using AsymmetricAlgorithm other = own is RSA ? RSA.Create() : ECDsa.Create();
        other.ImportFromPem(System.Text.Encoding.UTF8.GetString(publicPem));
        return own.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(other.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Go's durations, as far as anybody writes them here: one number and h, m, s or ms.</summary>
    private static bool TryDuration(string text, out TimeSpan duration)
    {
        var unit = text.EndsWith("ms", StringComparison.Ordinal) ? "ms" : text.Length > 0 ? text[^1..] : "";
        var seconds = unit switch { "h" => 3600.0, "m" => 60, "s" => 1, "ms" => 0.001, _ => 0 };
        duration = default;
        if (seconds == 0 || !double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) return false;
        duration = TimeSpan.FromSeconds(Math.Min(amount * seconds, 10 * 365 * 86400.0));
        return duration > TimeSpan.Zero;
    }

    private static JwtPlan? Fault(List<string> faults, string fault)
    {
        faults.Add(fault);
        return null;
    }
}
