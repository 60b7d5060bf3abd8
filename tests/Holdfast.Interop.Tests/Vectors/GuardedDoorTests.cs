using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>A node whose vector door has a lock: TLS and keys from files.</summary>
public sealed class GuardedDoorTests
{
    [Fact]
    public async Task Keys_in_files_and_tls_guard_the_door_of_a_real_node()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-guarded-").FullName;
        try
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
            var (shown, secret, write, read) = (Path.Combine(folder, "c.pem"), Path.Combine(folder, "k.pem"), Path.Combine(folder, "write"), Path.Combine(folder, "read"));
            await File.WriteAllTextAsync(shown, certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(secret, key.ExportPkcs8PrivateKeyPem());
            await File.WriteAllTextAsync(write, "the key\n");
            await File.WriteAllTextAsync(read, "looking only\n");
            var port = Ports.Free(1)[0];
            await using var cluster = await ProcessCluster.StartAsync(1, flags: ["--vectors", $"127.0.0.1:{port}", "--vectors-cert", shown, "--vectors-key", secret, "--vectors-api-key-file", write, "--vectors-read-key-file", read]);
            using var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, got, _, _) => got?.GetCertHashString() == certificate.GetCertHashString() } };
            using var client = new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{port}") };
            Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "GET", "/readyz", null));
            Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(client, "GET", "/collections", null));
            Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(client, "PUT", "/collections/c", "looking only", """{"vectors":{"size":1,"distance":"Dot"}}"""));
            Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "PUT", "/collections/c", "the key", """{"vectors":{"size":1,"distance":"Dot"}}"""));
            Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "GET", "/collections/c", "looking only"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, string method, string path, string? key, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (key is not null) request.Headers.Add("api-key", key);
        if (body is not null) request.Content = new StringContent(body);
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }
}
