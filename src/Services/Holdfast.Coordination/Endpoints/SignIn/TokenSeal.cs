using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>What makes a token's signature and checks one (RFC 7518, RFC 8037): a method with its key. From any thread.</summary>
internal abstract class TokenSeal
{
    /// <summary>The methods that etcd knows.</summary>
    public static readonly IReadOnlyList<string> Methods = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "EdDSA"];

    /// <summary>The seal of a method over the keys in PEM (a secret as it is, for <c>HS…</c>). Without a private key it only checks.</summary>
    /// <exception cref="CryptographicException">A key is none of this method, or the two do not belong together.</exception>
    /// <exception cref="ArgumentException">A file holds no PEM.</exception>
    public static TokenSeal Of(string method, byte[]? publicKey, byte[]? privateKey)
    {
        if (method[0] == 'H') return privateKey is { Length: > 0 } ? new MacSeal(method, privateKey) : throw new CryptographicException($"{method} needs priv-key");
        if ((privateKey ?? publicKey) is not { } own) throw new CryptographicException($"{method} needs priv-key, or pub-key to check tokens only");
        var seal = Asymmetric(method, own, privateKey is not null);
        if (privateKey is not null && publicKey is not null && !seal.Public().AsSpan().SequenceEqual(Asymmetric(method, publicKey, isPrivate: false).Public())) throw new CryptographicException("pub-key and priv-key do not belong together");
        return seal;
    }

    /// <summary>The signature of these bytes.</summary>
    public abstract byte[] Sign(byte[] signed);

    /// <summary>Whether the signature is that of these bytes.</summary>
    public abstract bool Verify(byte[] signed, byte[] signature);

    /// <summary>The public key, by which two are compared.</summary>
    private protected abstract byte[] Public();

    private static TokenSeal Asymmetric(string method, byte[] pem, bool isPrivate)
    {
        var text = Encoding.UTF8.GetString(pem);
        return method == "EdDSA" ? new EdwardsSeal(text, isPrivate) : method[0] == 'E' ? new CurveSeal(method, text) : new RsaSeal(method, text);
    }

    private static HashAlgorithmName HashOf(string method) => method[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };

    private sealed class MacSeal(string method, byte[] secret) : TokenSeal
    {
        public override byte[] Sign(byte[] signed) => CryptographicOperations.HmacData(HashOf(method), secret, signed);

        public override bool Verify(byte[] signed, byte[] signature) => CryptographicOperations.FixedTimeEquals(Sign(signed), signature);

        private protected override byte[] Public() => [];
    }

    private sealed class RsaSeal : TokenSeal
    {
        private readonly Lock gate = new(); // The key object is not made for several threads.
        private readonly RSA key = RSA.Create();
        private readonly HashAlgorithmName hash;
        private readonly RSASignaturePadding padding;

        public RsaSeal(string method, string pem)
        {
            (hash, padding) = (HashOf(method), method[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
            key.ImportFromPem(pem);
        }

        public override byte[] Sign(byte[] signed)
        {
            lock (gate) return key.SignData(signed, hash, padding);
        }

        public override bool Verify(byte[] signed, byte[] signature)
        {
            lock (gate) return key.VerifyData(signed, signature, hash, padding);
        }

        private protected override byte[] Public() => key.ExportSubjectPublicKeyInfo();
    }

    private sealed class CurveSeal : TokenSeal
    {
        private readonly Lock gate = new(); // As above.
        private readonly ECDsa key = ECDsa.Create();
        private readonly HashAlgorithmName hash;

        public CurveSeal(string method, string pem)
        {
            hash = HashOf(method);
            key.ImportFromPem(pem);
        }

        public override byte[] Sign(byte[] signed)
        {
            lock (gate) return key.SignData(signed, hash);
        }

        public override bool Verify(byte[] signed, byte[] signature)
        {
            lock (gate) return key.VerifyData(signed, signature, hash);
        }

        private protected override byte[] Public() => key.ExportSubjectPublicKeyInfo();
    }

    /// <summary>Ed25519, which .NET does not have: by libsodium. Keys as OpenSSL and Go write them (RFC 8410).</summary>
    private sealed class EdwardsSeal : TokenSeal
    {
        private readonly Key? own;
        private readonly PublicKey shown;

        public EdwardsSeal(string pem, bool isPrivate)
        {
            var found = PemEncoding.Find(pem);
            var label = isPrivate ? "PRIVATE KEY" : "PUBLIC KEY";
            if (!pem.AsSpan()[found.Label].SequenceEqual(label)) throw new CryptographicException($"the PEM holds \"{pem[found.Label]}\" and not \"{label}\"");
            var der = Convert.FromBase64String(pem[found.Base64Data]);
            try
            {
                own = isPrivate ? Key.Import(SignatureAlgorithm.Ed25519, der, KeyBlobFormat.PkixPrivateKey) : null;
                shown = own?.PublicKey ?? PublicKey.Import(SignatureAlgorithm.Ed25519, der, KeyBlobFormat.PkixPublicKey);
            }
            catch (FormatException otherwise)
            {
                throw new CryptographicException("the key is not one of Ed25519", otherwise);
            }
        }

        public override byte[] Sign(byte[] signed) => SignatureAlgorithm.Ed25519.Sign(own!, signed);

        public override bool Verify(byte[] signed, byte[] signature) => SignatureAlgorithm.Ed25519.Verify(shown, signed, signature);

        private protected override byte[] Public() => shown.Export(KeyBlobFormat.RawPublicKey);
    }
}
