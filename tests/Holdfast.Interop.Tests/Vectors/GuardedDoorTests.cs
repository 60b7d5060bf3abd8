using System.Net;
using System.Net.Security;
using System.Net.Sockets;
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

    /// <summary>The new certificate is shown to the next caller; files that do not fit together change nothing. A health check by https passes for who trusts the authority, and fails for who does not.</summary>
    [Fact]
    public async Task A_replaced_certificate_is_shown_without_a_restart_and_https_checks_ask_who_signed_it()
    {
        using var certificates = new Http.Tests.Certificates();
        var before = certificates.Issue("door", "localhost");
        var port = Ports.Free(1)[0];
        await using var cluster = await ProcessCluster.StartAsync(1, flags: ["--vectors", $"127.0.0.1:{port}", "--vectors-cert", certificates.Certificate("door"), "--vectors-key", certificates.Key("door")]);
        Assert.Equal(before, await ShownAsync(port));

        var trusting = new Dictionary<string, string> { ["SSL_CERT_FILE"] = certificates.Authority };
        var url = $"https://127.0.0.1:{port}/readyz";
        await RegisterAsync(cluster, trusting, "passing", "service", "register", "web", "--port", "8001", "--id", "a", "--check", url, "--", "sh", "-c", ResolveUntil("passing"));
        await RegisterAsync(cluster, new Dictionary<string, string>(), "failing", "service", "register", "web", "--port", "8002", "--id", "b", "--check", url, "--", "sh", "-c", ResolveUntil("failing"));

        var after = certificates.Issue("door", "localhost");
        await Patient.UntilAsync(async () => await ShownAsync(port) == after, () => "the new certificate is not shown");
        await File.WriteAllTextAsync(certificates.Certificate("door"), "not a certificate");
        await Patient.UntilAsync(async () =>
        {
            Assert.Equal(after, await ShownAsync(port)); // The files are looked at when somebody connects.
            return cluster.LastWords("stays in force").Length > 0;
        }, () => "nothing is said of the useless file");
    }

    /// <summary>A command beside a registered instance, which ends when the registry says so of it.</summary>
    private static string ResolveUntil(string health) => $"until \"$HOLDFAST\" service resolve web --all | grep -q {health}; do sleep 0.1; done; \"$HOLDFAST\" service resolve web --all";

    private static async Task RegisterAsync(ProcessCluster cluster, Dictionary<string, string> variables, string expected, params string[] words)
    {
        var ended = await ServerBench.RunWithAsync(new Dictionary<string, string>(variables) { ["HOLDFAST_ENDPOINTS"] = cluster.Endpoint(0), ["HOLDFAST"] = ServerBench.Program }, words);
        Assert.True(ended.Code == 0, ended.Fault);
        Assert.EndsWith($"\t{expected}\n", ended.Output, StringComparison.Ordinal);
    }

    /// <summary>The thumbprint of the certificate that a new caller is shown.</summary>
    private static async Task<string> ShownAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await using var stream = new SslStream(client.GetStream(), false, static (_, _, _, _) => true);
        await stream.AuthenticateAsClientAsync("localhost");
        return stream.RemoteCertificate!.GetCertHashString();
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
