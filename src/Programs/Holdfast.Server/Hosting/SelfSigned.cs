using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Cluster;

namespace Holdfast.Server.Hosting;

/// <summary>
/// Certificates that nobody signed, kept in a folder as etcd keeps those of <c>--auto-tls</c>: <c>cert.pem</c> and <c>key.pem</c>. They encrypt; who is at the other
/// end they do not prove, unless the client is given <c>cert.pem</c> as its authority.
/// </summary>
internal static class SelfSigned
{
    /// <summary>The certificate's file.</summary>
    public const string CertificateFile = "cert.pem";

    /// <summary>Its key's file.</summary>
    public const string KeyFile = "key.pem";

    private static readonly TimeSpan ClockSlack = TimeSpan.FromMinutes(10);

    /// <summary>Makes the two files, unless they are there and the certificate still holds.</summary>
    /// <param name="dataDirectory">The node's data directory; made, for its user alone, when it is not there.</param>
    /// <param name="folder">Where, within it.</param>
    /// <param name="hosts">Host names and addresses under which the node is reached.</param>
    /// <param name="years">How long it holds.</param>
    /// <param name="now">The calendar time.</param>
    /// <exception cref="CannotStartException">They cannot be written or read.</exception>
    public static void Ensure(string dataDirectory, string folder, IReadOnlyCollection<string> hosts, int years, DateTimeOffset now)
    {
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(dataDirectory);
            else Directory.CreateDirectory(dataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var files = new TlsFolder(folder);
            if (files.Has(CertificateFile) && files.Has(KeyFile) && Load(folder).NotAfter.ToUniversalTime() > now.UtcDateTime) return;
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = Create(key, hosts, years, now);
            files.WriteSecret(KeyFile, key.ExportPkcs8PrivateKeyPem());
            files.Write(CertificateFile, certificate.ExportCertificatePem());
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{folder}: the certificate of --auto-tls or --peer-auto-tls cannot be kept there: {unusable.Message}", unusable);
        }
    }

    /// <summary>The certificate with its key.</summary>
    /// <exception cref="CannotStartException">It cannot be read.</exception>
    public static X509Certificate2 Load(string folder)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(Path.Combine(folder, CertificateFile), Path.Combine(folder, KeyFile));
        }
        catch (Exception unusable) when (unusable is CryptographicException or ArgumentException)
        {
            throw new CannotStartException($"{folder}: {CertificateFile} and {KeyFile} are no certificate and its key ({unusable.Message}); remove both, and new ones are made", unusable);
        }
    }

    private static X509Certificate2 Create(ECDsa key, IReadOnlyCollection<string> hosts, int years, DateTimeOffset now)
    {
        var request = new CertificateRequest(new X500DistinguishedName("O=holdfast"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(now - ClockSlack, now.AddYears(years));
    }
}
