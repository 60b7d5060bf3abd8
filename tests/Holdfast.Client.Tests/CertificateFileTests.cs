using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Client.Tests;

/// <summary>The client's own certificate, from files as other programs have them.</summary>
public sealed class CertificateFileTests
{
    [Fact]
    public void The_certificates_that_follow_the_clients_own_in_its_file_are_shown_with_it()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-client-tls-");
        try
        {
            var (certificate, key) = (Path.Combine(folder.FullName, "client.pem"), Path.Combine(folder.FullName, "client.key"));
            using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var root = Authority("root", rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(3));
            using var betweenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var between = Authority("between", betweenKey).Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2), [1, 2, 3]);
            using var signer = between.CopyWithPrivateKey(betweenKey);
            using var ownKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var own = new CertificateRequest("CN=alice", ownKey, HashAlgorithmName.SHA256).Create(signer, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [4, 5, 6]);
            File.WriteAllText(certificate, $"{own.ExportCertificatePem()}\n{between.ExportCertificatePem()}\n");
            File.WriteAllText(key, ownKey.ExportPkcs8PrivateKeyPem());

            using var connections = new HoldfastClientOptions { Endpoints = ["127.0.0.1:1"], CertificateFile = certificate, CertificateKeyFile = key }.CreateConnections();
            var shown = connections.SslOptions.ClientCertificateContext!;
            Assert.Equal(own.Thumbprint, shown.TargetCertificate.Thumbprint);
            Assert.Equal([between.Thumbprint], shown.IntermediateCertificates.Select(static one => one.Thumbprint));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request;
    }
}
