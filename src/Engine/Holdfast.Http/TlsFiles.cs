using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Holdfast.Http;

/// <summary>What a TLS handshake needs: our certificate with its chain, and whom clients' certificates must chain to.</summary>
/// <param name="Certificate">The leaf with its private key, and the certificates between it and its root.</param>
/// <param name="ClientRoots">When set, a client must show a certificate that chains to one of these; its common name is then the user (etcd's client-cert-auth).</param>
public sealed record TlsMaterial(SslStreamCertificateContext Certificate, X509Certificate2Collection? ClientRoots);

/// <summary>
/// TLS from PEM files, read again when one of them changes: connections that are open go on, new ones get the new certificate. Files that cannot be read
/// or do not belong together (one written, the other not yet) leave what was; the log says so. Looked at once a second at most, when a client connects.
/// </summary>
public sealed class TlsFiles
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private readonly string certificatePath, keyPath;
    private readonly string? clientRootsPath;
    private readonly ILogger log;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private volatile TlsMaterial material;
    private (DateTime Certificate, DateTime Key, DateTime Roots) stamps;
    private long looked;

    private TlsFiles(string certificatePath, string keyPath, string? clientRootsPath, ILogger log, TimeProvider clock)
    {
        (this.certificatePath, this.keyPath, this.clientRootsPath, this.log, this.clock) = (certificatePath, keyPath, clientRootsPath, log, clock);
        stamps = Stamps();
        material = Read();
        looked = clock.GetTimestamp();
    }

    /// <summary>What holds now. From any thread.</summary>
    public TlsMaterial Current
    {
        get
        {
            if (clock.GetElapsedTime(Volatile.Read(ref looked)) >= LookInterval) Look();
            return material;
        }
    }

    /// <summary>Reads the files for the first time.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    /// <exception cref="CryptographicException">One is not what it should be.</exception>
    /// <exception cref="ArgumentException">Certificate and key do not belong together.</exception>
    public static TlsFiles Open(string certificatePath, string keyPath, string? clientRootsPath, ILogger log, TimeProvider? clock = null) =>
        new(certificatePath, keyPath, clientRootsPath, log, clock ?? TimeProvider.System);

    private void Look()
    {
        lock (gate)
        {
            if (clock.GetElapsedTime(looked) < LookInterval) return;
            Volatile.Write(ref looked, clock.GetTimestamp());
            var found = Stamps();
            if (found == stamps) return;
            try
            {
                material = Read();
                stamps = found;
                HttpLog.CertificateChanged(log, material.Certificate.TargetCertificate.Subject, material.Certificate.TargetCertificate.GetExpirationDateString());
            }
            catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                HttpLog.CertificateUnusable(log, certificatePath, unusable.Message);
            }
        }
    }

    private (DateTime Certificate, DateTime Key, DateTime Roots) Stamps() =>
        (File.GetLastWriteTimeUtc(certificatePath), File.GetLastWriteTimeUtc(keyPath), clientRootsPath is null ? default : File.GetLastWriteTimeUtc(clientRootsPath));

    private TlsMaterial Read()
    {
        var leaf = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificatePath);
        if (chain.Count > 0) chain.RemoveAt(0); // The first is the leaf.
        return new TlsMaterial(SslStreamCertificateContext.Create(leaf, chain, offline: true), clientRootsPath is null ? null : Roots(clientRootsPath));
    }

    private static X509Certificate2Collection Roots(string path)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(path);
        return roots.Count > 0 ? roots : throw new CryptographicException($"{path} holds no certificate");
    }
}
