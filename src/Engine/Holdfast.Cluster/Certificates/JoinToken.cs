using System.Security.Cryptography;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// What lets a node in: a secret, the cluster's id, and the fingerprint of its authority, so that the joiner knows it talks to the right cluster before it shows the
/// secret. Text form: <c>hf1.</c> and base32 (RFC 4648, lower case). The cluster keeps only the secret's hash.
/// </summary>
public sealed class JoinToken
{
    private const string Prefix = "hf1.";
    private const int SecretBytes = 20;
    private const int FingerprintBytes = 32;
    private const int BodyBytes = 8 + FingerprintBytes + SecretBytes + 4;
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    private readonly byte[] secret;
    private readonly byte[] fingerprint;

    private JoinToken(ClusterId cluster, byte[] fingerprint, byte[] secret)
    {
        Cluster = cluster;
        this.fingerprint = fingerprint;
        this.secret = secret;
    }

    /// <summary>The cluster that it opens.</summary>
    public ClusterId Cluster { get; }

    /// <summary>The SHA-256 of the cluster's authority; empty when the cluster runs without TLS.</summary>
    public ReadOnlySpan<byte> AuthorityFingerprint => fingerprint.AsSpan().IndexOfAnyExcept((byte)0) < 0 ? default : fingerprint;

    /// <summary>The secret, to be shown over a connection whose other end is proven.</summary>
    public ReadOnlySpan<byte> Secret => secret;

    /// <summary>What the directory keeps: the hex SHA-256 of the secret.</summary>
    public string Hash => HashOf(secret);

    /// <summary>A new token with 160 random bits.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="authorityFingerprint">32 bytes, or empty without TLS.</param>
    public static JoinToken Create(ClusterId cluster, ReadOnlySpan<byte> authorityFingerprint)
    {
        Invariant.Holds(authorityFingerprint.Length is 0 or FingerprintBytes, "an authority's fingerprint has 32 bytes");
        var fingerprint = new byte[FingerprintBytes];
        authorityFingerprint.CopyTo(fingerprint);
        return new JoinToken(cluster, fingerprint, RandomNumberGenerator.GetBytes(SecretBytes));
    }

    /// <summary>The hex SHA-256 of a secret.</summary>
    public static string HashOf(ReadOnlySpan<byte> secret) => Convert.ToHexStringLower(SHA256.HashData(secret));

    /// <summary>The known token that the secret belongs to, or null. Compares with every hash in constant time.</summary>
    public static string? FindHash(DirectoryView view, ReadOnlySpan<byte> secret)
    {
        Span<byte> shown = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(secret, shown);
        string? found = null;
        foreach (var (hash, _) in view.Tokens)
            if (CryptographicOperations.FixedTimeEquals(Convert.FromHexString(hash), shown)) found = hash;
        return found;
    }

    /// <summary>Reads the text form; false with a reason when it is none, or was mistyped.</summary>
    public static bool TryParse(string text, out JoinToken token, out string fault)
    {
        token = null!;
        text = text.Trim();
        fault = $"a join token begins with {Prefix}";
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        fault = "the join token is not whole: copy all of it";
        var body = new byte[BodyBytes];
        if (!TryDecode(text.AsSpan(Prefix.Length), body)) return false;
        var reader = new SpanReader(body);
        var cluster = new ClusterId(reader.ReadUInt64());
        var fingerprint = reader.Take(FingerprintBytes).ToArray();
        var secret = reader.Take(SecretBytes).ToArray();
        if (reader.ReadUInt32() != Crc32C.Of(body.AsSpan(0, BodyBytes - 4))) return false;
        token = new JoinToken(cluster, fingerprint, secret);
        fault = "";
        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var buffer = new ByteBuffer(BodyBytes);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt64(Cluster.Value);
        writer.WriteBytes(fingerprint);
        writer.WriteBytes(secret);
        writer.WriteUInt32(Crc32C.Of(buffer.Written));
        return Prefix + Encode(buffer.Written);
    }

    private static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[(bytes.Length * 8 + 4) / 5];
        var (held, bits, at) = (0u, 0, 0);
        foreach (var one in bytes)
        {
            held = (held << 8) | one;
            bits += 8;
            for (; bits >= 5; bits -= 5) text[at++] = Alphabet[(int)((held >> (bits - 5)) & 31)];
        }

        if (bits > 0) text[at] = Alphabet[(int)((held << (5 - bits)) & 31)];
        return new string(text);
    }

    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != (bytes.Length * 8 + 4) / 5) return false;
        var (held, bits, at) = (0u, 0, 0);
        foreach (var character in text)
        {
            var value = Alphabet.IndexOf(char.ToLowerInvariant(character), StringComparison.Ordinal);
            if (value < 0) return false;
            held = (held << 5) | (uint)value;
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            bytes[at++] = (byte)(held >> bits);
        }

        return at == bytes.Length;
    }
}
