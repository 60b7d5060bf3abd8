using System.Globalization;
using System.Security.Cryptography;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>JSON Web Tokens as <c>--auth-token jwt,pub-key=FILE,priv-key=FILE,sign-method=METHOD,ttl=5m</c> asks for them, with their keys read.</summary>
public sealed class JwtPlan
{
    private JwtPlan(string method, TimeSpan timeToLive, TokenSeal seal) => (Method, TimeToLive, Seal) = (method, timeToLive, seal);

    /// <summary>The algorithm's name in a token's header (RFC 7518, RFC 8037).</summary>
    public string Method { get; }

    /// <summary>How long a token is valid.</summary>
    public TimeSpan TimeToLive { get; }

    /// <summary>Whether there is only a public key: tokens are read, and nobody can sign in here.</summary>
    public bool IsVerifyOnly { get; private init; }

    internal TokenSeal Seal { get; }

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
        if (!TokenSeal.Methods.Contains(method)) return Fault(faults, $"sign-method \"{method}\" is none of {string.Join(", ", TokenSeal.Methods)}");
        if (!TryDuration(given.GetValueOrDefault("ttl", "5m"), out var timeToLive)) return Fault(faults, $"ttl \"{given["ttl"]}\" is not a time such as 5m or 300s");
        try
        {
            var (publicKey, privateKey) = (Read(given, "pub-key"), Read(given, "priv-key"));
            return new JwtPlan(method, timeToLive, TokenSeal.Of(method, publicKey, privateKey)) { IsVerifyOnly = privateKey is null };
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or DllNotFoundException or TypeInitializationException)
        {
            return Fault(faults, $"a key cannot be used: {unusable.Message}");
        }
    }

    private static byte[]? Read(Dictionary<string, string> given, string name) => given.TryGetValue(name, out var path) ? File.ReadAllBytes(path) : null;

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
