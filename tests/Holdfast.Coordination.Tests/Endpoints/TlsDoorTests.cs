using System.Diagnostics;
using System.Net;
using System.Net.Security;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Protocol;
using Holdfast.Http;
using Holdfast.Http.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>TLS on the clients' port: both protocols, and clients that are who their certificate says. (How certificates change: the room of HTTP doors.)</summary>
public sealed class TlsDoorTests : IDisposable
{
    private readonly Certificates certificates = new();

    public void Dispose() => certificates.Dispose();

    [Fact]
    public async Task Both_versions_of_http_are_spoken_on_one_tls_port()
    {
        certificates.Issue("server", "server");
        await using var door = await OpenAsync(new Local().Face, withClients: false);
        using var client = Client(null);
        foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Url(door) + "/version") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version));
        }
    }

    [Fact]
    public async Task Etcdctl_and_curl_come_through_tls()
    {
        certificates.Issue("server", "server");
        await using var door = await OpenAsync(new Local().Face, withClients: false);
        Assert.Equal("OK\n", await RunAsync("etcdctl", "--endpoints", Url(door), "--cacert", certificates.Authority, "put", "a", "1"));
        Assert.Equal("a\n1\n", await RunAsync("etcdctl", "--endpoints", Url(door), "--cacert", certificates.Authority, "get", "a"));
        foreach (var protocol in new[] { "--http1.1", "--http2" })
            Assert.Contains("\"count\":\"1\"", await RunAsync("curl", "-sS", protocol, "--cacert", certificates.Authority, "-d", """{"key":"YQ=="}""", Url(door) + "/v3/kv/range"), StringComparison.Ordinal);
        Assert.Contains("certificate", await RunAsync("curl", "-sS", Url(door) + "/version"), StringComparison.OrdinalIgnoreCase); // An authority that nobody knows.
    }

    [Fact]
    public async Task The_common_name_of_a_client_certificate_is_the_user()
    {
        certificates.Issue("server", "server");
        certificates.Issue("alice", "alice");
        certificates.Issue("root", "root");
        certificates.Issue("stranger", "stranger");
        var keyspace = await AuthedLocal.StartAsync();
        await keyspace.User("alice", (Permission.Types.Type.Readwrite, "a", ""));
        await using var door = await OpenAsync(keyspace.Nobody, withClients: true);

        using var alice = Channel(door, "alice");
        await new KV.KVClient(alice).PutAsync(new PutRequest { Key = Local.B("a") });
        await Fails(AuthErrors.PermissionDenied, new KV.KVClient(alice).PutAsync(new PutRequest { Key = Local.B("b") }));
        using var root = Channel(door, "root");
        await new Maintenance.MaintenanceClient(root).StatusAsync(new StatusRequest());
        using var stranger = Channel(door, "stranger");
        await Fails(AuthErrors.PermissionDenied, new KV.KVClient(stranger).PutAsync(new PutRequest { Key = Local.B("a") }));

        // A token speaks louder than the certificate, a bad one too.
        var token = await keyspace.Token("root", "toor");
        await new KV.KVClient(alice).PutAsync(new PutRequest { Key = Local.B("b") }, new Metadata { { "token", token } });
        await Fails(AuthErrors.InvalidAuthToken, new KV.KVClient(root).PutAsync(new PutRequest { Key = Local.B("b") }, new Metadata { { "token", "x" } }));
        Assert.Equal("a\n\n", await RunAsync("etcdctl", "--endpoints", Url(door), "--cacert", certificates.Authority, "--cert", certificates.Certificate("alice"), "--key", certificates.Key("alice"), "get", "a"));
    }

    [Fact]
    public async Task Where_client_certificates_are_asked_for_nobody_comes_in_without_one_of_ours()
    {
        certificates.Issue("server", "server");
        using var others = new Certificates();
        others.Issue("mallory", "root");
        await using var door = await OpenAsync(new Local().Face, withClients: true);
        foreach (var shown in new[] { null, others.Load("mallory") })
        {
            using var client = Client(shown);
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(Url(door) + "/version", TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task Only_the_cipher_suites_that_are_named_are_chosen_and_those_of_the_newest_version()
    {
        certificates.Issue("server", "server");
        await using var door = await OpenAsync(new Local().Face, withClients: false, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_128_GCM_SHA256);
        string[] curl = ["-sS", "--cacert", certificates.Authority, Url(door) + "/version"];
        Assert.Contains("3.6", await RunAsync("curl", ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256", .. curl]), StringComparison.Ordinal);
        Assert.Contains("3.6", await RunAsync("curl", ["--tlsv1.3", .. curl]), StringComparison.Ordinal);
        Assert.Contains("handshake failure", await RunAsync("curl", ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384", .. curl]), StringComparison.Ordinal);
    }

    private async Task<CoordinationEndpoint> OpenAsync(ICoordination face, bool withClients, params TlsCipherSuite[] suites)
    {
        var files = TlsFiles.Open(certificates.Certificate("server"), certificates.Key("server"), withClients ? certificates.Authority : null, NullLogger.Instance);
        return await CoordinationEndpoint.StartAsync(face, new CoordinationEndpointOptions
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            Tls = new ServerTls { Material = () => files.Current, CipherSuites = suites },
        });
    }

    private static string Url(CoordinationEndpoint door) => $"https://{door.Addresses[0]}";

    private HttpClient Client(System.Security.Cryptography.X509Certificates.X509Certificate2? shown)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        if (shown is not null) handler.SslOptions.ClientCertificates = [shown];
        return new HttpClient(handler);
    }

    private GrpcChannel Channel(CoordinationEndpoint door, string client) =>
        GrpcChannel.ForAddress(Url(door), new GrpcChannelOptions { HttpClient = Client(certificates.Load(client)), DisposeHttpClient = true });

    private static async Task Fails<T>(EtcdError expected, AsyncUnaryCall<T> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(((int)expected.Code, expected.Message), ((int)failure.StatusCode, failure.Status.Detail));
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output + await errors;
    }
}
