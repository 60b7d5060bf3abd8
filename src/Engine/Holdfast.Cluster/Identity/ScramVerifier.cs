using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Cluster;

/// <summary>
/// What is kept of a password: the SCRAM-SHA-256 verifier (RFC 5802, RFC 7677). It lets PostgreSQL clients prove that they know the password without
/// sending it, and lets us check one that was sent (etcd's way). From the verifier alone nobody can sign in anywhere. Making and checking one costs
/// <see cref="Iterations"/> rounds of HMAC: never on a loop, never while an entry is applied (S13: an entry carries the finished verifier).
/// </summary>
public sealed class ScramVerifier
{
    /// <summary>Rounds for new verifiers: about as long as bcrypt at etcd's cost of 10, some tens of milliseconds.</summary>
    public const int IterationsDefault = 100_000;

    /// <summary>More than this is refused when a verifier is read: whoever wrote it wants to burn our processors.</summary>
    public const int IterationsMax = 10_000_000;

    private const int KeyBytes = 32;
    private const int SaltBytesMax = 64;

    private ScramVerifier(int iterations, byte[] salt, byte[] storedKey, byte[] serverKey) =>
        (Iterations, Salt, StoredKey, ServerKey) = (iterations, salt, storedKey, serverKey);

    /// <summary>Rounds of PBKDF2.</summary>
    public int Iterations { get; }

    /// <summary>The salt; 16 bytes for those that we make.</summary>
    public byte[] Salt { get; }

    /// <summary>SHA-256 of the client key.</summary>
    public byte[] StoredKey { get; }

    /// <summary>What the server proves itself with.</summary>
    public byte[] ServerKey { get; }

    /// <summary>Makes a verifier. Slow by intention. The caller brings the salt, so that dice stay outside.</summary>
    public static ScramVerifier Of(string password, byte[] salt, int iterations = IterationsDefault)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA256, KeyBytes);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var verifier = new ScramVerifier(iterations, salt, SHA256.HashData(clientKey), HMACSHA256.HashData(salted, "Server Key"u8));
        CryptographicOperations.ZeroMemory(salted);
        CryptographicOperations.ZeroMemory(clientKey);
        return verifier;
    }

    /// <summary>Puts a verifier together from its parts; null when one of them cannot be.</summary>
    public static ScramVerifier? FromParts(int iterations, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> storedKey, ReadOnlySpan<byte> serverKey)
    {
        if (iterations is < 1 or > IterationsMax || salt.Length is 0 or > SaltBytesMax || storedKey.Length != KeyBytes || serverKey.Length != KeyBytes) return null;
        return new ScramVerifier(iterations, salt.ToArray(), storedKey.ToArray(), serverKey.ToArray());
    }

    /// <summary>Reads PostgreSQL's notation, <c>SCRAM-SHA-256$iterations:salt$storedKey:serverKey</c> with base64; null when it is not one.</summary>
    public static ScramVerifier? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split('$', ':');
        if (parts.Length != 5 || parts[0] != "SCRAM-SHA-256" || !int.TryParse(parts[1], System.Globalization.CultureInfo.InvariantCulture, out var iterations)) return null;
        try
        {
            return FromParts(iterations, Convert.FromBase64String(parts[2]), Convert.FromBase64String(parts[3]), Convert.FromBase64String(parts[4]));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Whether the password is the one. Slow by intention; the comparison takes the same time whatever differs.</summary>
    public bool Matches(string password) => CryptographicOperations.FixedTimeEquals(StoredKey, Of(password, Salt, Iterations).StoredKey);

    /// <summary>PostgreSQL's notation.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(Salt)}${Convert.ToBase64String(StoredKey)}:{Convert.ToBase64String(ServerKey)}");
}
