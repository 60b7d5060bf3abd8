using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Http;
using Holdfast.Vectors.Endpoints;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Both doors under TLS, with a certificate of the test's own.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task Rest_and_grpc_are_served_under_tls_and_not_in_the_clear()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
        using var usable = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        var context = SslStreamCertificateContext.Create(usable, null);
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        await using var door = await VectorsEndpoint.StartAsync(new VectorFace(new LocalCollections(null)), new VectorsEndpointOptions { Rest = loopback, Grpc = loopback, Tls = new ServerTls { Material = () => new TlsMaterial(context, null) } }, null, CancellationToken.None);
        using var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == usable.GetCertHashString() } };
        using var client = new HttpClient(handler);
        Assert.Contains("1.18.0", await client.GetStringAsync(new Uri($"https://{door.Address}/"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri($"http://{door.Address}/"), TestContext.Current.CancellationToken));

        using var call = new HttpRequestMessage(HttpMethod.Post, $"https://{door.GrpcAddress}/qdrant.Qdrant/HealthCheck") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } } };
        using var answer = await client.SendAsync(call, TestContext.Current.CancellationToken);
        Assert.Contains("1.18.0", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
    }
}
