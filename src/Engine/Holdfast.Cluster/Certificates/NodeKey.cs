using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Cluster;

/// <summary>A node's private key. It is made here and never travels: only the signing request leaves the node.</summary>
public sealed class NodeKey : IDisposable
{
    private readonly ECDsa key;

    private NodeKey(ECDsa key) => this.key = key;

    /// <summary>A new key (ECDSA P-256).</summary>
    public static NodeKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>A key from its PEM file.</summary>
    public static NodeKey FromPem(string pem)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(pem);
        return new NodeKey(key);
    }

    /// <summary>PKCS#8 in PEM, for a file that only its owner may read.</summary>
    public string ToPem() => key.ExportPkcs8PrivateKeyPem();

    /// <summary>A signing request (PKCS#10, DER): proves that we hold the key. The names in it are decided by whoever signs.</summary>
    public byte[] SigningRequest(string name) =>
        new CertificateRequest(new X500DistinguishedName($"CN={CertificateAuthority.Escape(name)}"), key, HashAlgorithmName.SHA256).CreateSigningRequest();

    /// <summary>The certificate together with this key, ready for TLS.</summary>
    public X509Certificate2 Own(byte[] certificate)
    {
        using var bare = X509CertificateLoader.LoadCertificate(certificate);
        return bare.CopyWithPrivateKey(key);
    }

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();
}
