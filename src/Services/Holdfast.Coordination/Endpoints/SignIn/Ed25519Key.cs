using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>A key of Ed25519 (RFC 8032), which .NET has not: a pair that signs, or a public half that only checks. From PEM files as <c>openssl genpkey -algorithm ed25519</c> writes them (RFC 8410).</summary>
internal sealed class Ed25519Key
{
    private const string Oid = "1.3.101.112";
    private readonly byte[] secret;
    private readonly byte[] open;

    private Ed25519Key(byte[] secret, byte[] open) => (this.secret, this.open) = (secret, open);

    /// <summary>Whether it can sign.</summary>
    public bool Signs => secret.Length > 0;

    /// <summary>A key pair.</summary>
    /// <exception cref="CryptographicException">The text is none.</exception>
    public static Ed25519Key OfPrivatePem(byte[] pem)
    {
        // PrivateKeyInfo: version, algorithm, and the secret as an octet string within one (RFC 8410 section 7). What may follow is passed over.
        var info = new AsnReader(Body(pem, "PRIVATE KEY"), AsnEncodingRules.DER).ReadSequence();
        info.ReadInteger();
        ReadAlgorithm(info);
        var secret = new AsnReader(info.ReadOctetString(), AsnEncodingRules.DER).ReadOctetString();
        if (secret.Length != Ed25519.SecretKeySize) throw new CryptographicException("the private key is not of Ed25519's length");
        var open = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(secret, 0, open, 0);
        return new Ed25519Key(secret, open);
    }

    /// <summary>A public key.</summary>
    /// <exception cref="CryptographicException">The text is none.</exception>
    public static Ed25519Key OfPublicPem(byte[] pem)
    {
        var info = new AsnReader(Body(pem, "PUBLIC KEY"), AsnEncodingRules.DER).ReadSequence();
        ReadAlgorithm(info);
        var open = info.ReadBitString(out _);
        if (open.Length != Ed25519.PublicKeySize) throw new CryptographicException("the public key is not of Ed25519's length");
        return new Ed25519Key([], open);
    }

    /// <summary>Whether two are about the same public key.</summary>
    public bool BelongsTo(Ed25519Key other) => open.AsSpan().SequenceEqual(other.open);

    /// <summary>Signs; only a key that <see cref="Signs"/>.</summary>
    public byte[] Sign(byte[] signed)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(secret, 0, signed, 0, signed.Length, signature, 0);
        return signature;
    }

    /// <summary>Whether a signature is this key's.</summary>
    public bool Verify(byte[] signed, byte[] signature) => signature.Length == Ed25519.SignatureSize && Ed25519.Verify(signature, 0, open, 0, signed, 0, signed.Length);

    private static void ReadAlgorithm(AsnReader info)
    {
        if (info.ReadSequence().ReadObjectIdentifier() != Oid) throw new CryptographicException("the key is not one of Ed25519");
    }

    private static byte[] Body(byte[] pem, string label)
    {
        var text = Encoding.UTF8.GetString(pem);
        if (!PemEncoding.TryFind(text, out var fields) || !text.AsSpan()[fields.Label].SequenceEqual(label)) throw new CryptographicException($"there is no {label} in the file");
        return Convert.FromBase64String(text[fields.Base64Data]);
    }
}
