using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// The cluster's own certificate authority (ECDSA P-256), created at bootstrap. It signs what a node asks for with the names that the <em>cluster</em> knows the node by:
/// of a request only the public key is taken.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long a node's certificate holds. It is renewed after two thirds.</summary>
    public static readonly TimeSpan NodeLifetime = TimeSpan.FromDays(90);

    private static readonly TimeSpan OwnLifetime = TimeSpan.FromDays(3650);

    /// <summary>Clocks differ: a certificate holds a little before it was made.</summary>
    private static readonly TimeSpan ClockSlack = TimeSpan.FromMinutes(10);

    private readonly X509Certificate2 certificate;

    private CertificateAuthority(X509Certificate2 certificate) => this.certificate = certificate;

    /// <summary>The authority's certificate, without its key.</summary>
    public byte[] Certificate => certificate.RawData;

    /// <summary>The SHA-256 of the certificate.</summary>
    public byte[] Fingerprint => SHA256.HashData(certificate.RawData);

    /// <summary>A new authority for a cluster.</summary>
    public static CertificateAuthority Create(ClusterId cluster, DateTimeOffset now) => Create($"Holdfast cluster {cluster}", now);

    /// <summary>A new authority under a name that tells people what it is for.</summary>
    public static CertificateAuthority Create(string name, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName($"CN={Escape(name)}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return new CertificateAuthority(request.CreateSelfSigned(now - ClockSlack, now + OwnLifetime));
    }

    /// <summary>An authority from its two PEM texts.</summary>
    public static CertificateAuthority FromPem(string certificatePem, string keyPem) => new(X509Certificate2.CreateFromPem(certificatePem, keyPem));

    /// <summary>The certificate in PEM.</summary>
    public string CertificatePem() => certificate.ExportCertificatePem();

    /// <summary>The private key in PEM, for a file that only its owner may read.</summary>
    public string KeyPem()
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKeyPem();
    }

    /// <summary>Signs a node's request.</summary>
    /// <param name="signingRequest">PKCS#10, DER; its signature is checked, its names are ignored.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="hosts">Host names and addresses under which it is reached.</param>
    /// <param name="now">The calendar time.</param>
    /// <param name="lifetime">How long it holds, at most as long as the authority; <see cref="NodeLifetime"/> when nothing is said.</param>
    /// <returns>The certificate, DER; null when the request is not one of ours: another curve, a bad signature, no request at all.</returns>
    public byte[]? Issue(ReadOnlySpan<byte> signingRequest, string name, IReadOnlyList<string> hosts, DateTimeOffset now, TimeSpan? lifetime = null)
    {
        CertificateRequest asked;
        try
        {
            asked = CertificateRequest.LoadSigningRequest(signingRequest, HashAlgorithmName.SHA256, out var used);
            if (used != signingRequest.Length) return null;
        }
        catch (CryptographicException)
        {
            return null; // Not a request, or signed by another key than it names.
        }

        using var asEcdsa = asked.PublicKey.GetECDsaPublicKey();
        if (asEcdsa is null || asEcdsa.KeySize != 256) return null;
        var request = new CertificateRequest(new X500DistinguishedName($"CN={Escape(name)}"), asked.PublicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(Names(name, hosts));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));

        // A positive serial number of 127 random bits (RFC 5280 4.1.2.2).
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        var wished = now + (lifetime ?? NodeLifetime);
        var until = wished < certificate.NotAfter ? wished : new DateTimeOffset(certificate.NotAfter);
        using var signingKey = certificate.GetECDsaPrivateKey()!;
        using var issued = request.Create(certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(signingKey), now - ClockSlack, until, serial);
        return issued.RawData;
    }

    /// <summary>Whether a certificate has lived two thirds of its time and should be renewed.</summary>
    public static bool IsRenewalDue(X509Certificate2 certificate, DateTimeOffset now)
    {
        var life = certificate.NotAfter - certificate.NotBefore;
        return now.UtcDateTime >= certificate.NotBefore.ToUniversalTime() + life * 2 / 3;
    }

    /// <summary>A name as the value of a distinguished name's field.</summary>
    internal static string Escape(string name) => "\"" + name.Replace("\"", "", StringComparison.Ordinal) + "\"";

    /// <inheritdoc/>
    public void Dispose() => certificate.Dispose();

    private static X509Extension Names(string name, IReadOnlyList<string> hosts)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
            else if (host != name) names.AddDnsName(host);
        }

        return names.Build();
    }
}
