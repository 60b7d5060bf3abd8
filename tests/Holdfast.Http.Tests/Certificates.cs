using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Http.Tests;

/// <summary>An authority of the test's own in a folder, and what it signs, as PEM files.</summary>
internal sealed class Certificates : IDisposable
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddDays(-1);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("holdfast-tls-");
    private readonly X509Certificate2 authority;

    public Certificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority = request.CreateSelfSigned(From, From.AddYears(1));
        File.WriteAllText(Authority, authority.ExportCertificatePem());
    }

    public string Authority => Path.Combine(folder.FullName, "ca.pem");

    public string Certificate(string name) => Path.Combine(folder.FullName, name + ".pem");

    public string Key(string name) => Path.Combine(folder.FullName, name + "-key.pem");

    /// <summary>Signs a certificate for loopback with the common name, and writes it under a file name.</summary>
    public string Issue(string file, string commonName) => Sign(authority, file, commonName);

    /// <summary>The same by another authority, which ours signed; that one's certificate.</summary>
    public X509Certificate2 IssueBelow(string file, string commonName)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority between", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var signed = request.Create(authority, From, From.AddDays(60), RandomNumberGenerator.GetBytes(8));
        using var between = signed.CopyWithPrivateKey(key);
        Sign(between, file, commonName);
        return signed;
    }

    public X509Certificate2 Load(string file) => X509Certificate2.CreateFromPemFile(Certificate(file), Key(file));

    public void Dispose()
    {
        authority.Dispose();
        folder.Delete(true);
    }

    private string Sign(X509Certificate2 by, string file, string commonName)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"O=holdfast,CN={commonName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var signed = request.Create(by, From, From.AddDays(30), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Key(file), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Certificate(file), signed.ExportCertificatePem());
        return signed.Thumbprint;
    }
}
