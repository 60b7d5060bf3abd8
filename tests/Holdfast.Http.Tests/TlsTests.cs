using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Http.Tests;

/// <summary>TLS of every door: which protocol is chosen, certificates that change while the server runs, and whose clients come in.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly Certificates certificates = new();
    private readonly HandClock clock = new();

    public void Dispose() => certificates.Dispose();

    [Fact]
    public async Task Both_versions_of_http_are_spoken_on_one_tls_port_and_an_address_beside_it_may_be_clear()
    {
        certificates.Issue("server", "server");
        await using var door = await OpenDoor.OnAsync(tls: Tls(null), beside: [new HttpAddress(new IPEndPoint(IPAddress.Loopback, 0)) { IsClear = true }]);
        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
        Assert.Equal("GET HTTP/2 /a", await door.GetAsync(HttpVersion.Version20));
        Assert.Equal("GET HTTP/2 /a", await door.GetAsync(HttpVersion.Version20, $"http://{door.Addresses[1]}"));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => door.GetAsync(HttpVersion.Version11, $"http://{door.Addresses[0]}"));
    }

    [Fact]
    public async Task A_door_of_one_protocol_offers_no_other()
    {
        certificates.Issue("server", "server");
        await using var door = await OpenDoor.OnAsync(protocols: HttpProtocols.Http1, tls: Tls(null));
        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => door.GetAsync(HttpVersion.Version20));
    }

    [Fact]
    public async Task A_changed_certificate_is_used_by_the_next_connection_and_a_broken_one_by_none()
    {
        var first = certificates.Issue("server", "server");
        await using var door = await OpenDoor.OnAsync(tls: Tls(null));
        Assert.Equal(first, await ShownAsync(door, null));
        var second = certificates.Issue("server", "server");
        Touch(certificates.Certificate("server"), 1);
        Assert.Equal(second, await ShownAsync(door, null));

        await File.WriteAllTextAsync(certificates.Certificate("server"), "not a certificate", TestContext.Current.CancellationToken);
        Touch(certificates.Certificate("server"), 2);
        Assert.Equal(second, await ShownAsync(door, null));
        var third = certificates.Issue("server", "server");
        Touch(certificates.Certificate("server"), 3);
        Assert.Equal(third, await ShownAsync(door, null));
    }

    /// <summary>A handshake without HTTP, as a port of another protocol makes it.</summary>
    [Fact]
    public async Task Where_clients_must_chain_to_a_root_the_handshake_of_any_other_fails()
    {
        certificates.Issue("server", "server");
        certificates.Issue("alice", "alice");
        using var others = new Certificates();
        others.Issue("mallory", "alice");
        var tls = Tls(certificates.Authority);
        Assert.Equal("alice", await NameShownAsync(tls, Client(certificates.Load("alice"))));
        await Assert.ThrowsAnyAsync<AuthenticationException>(() => NameShownAsync(tls, Client(others.Load("mallory"))));
        await Assert.ThrowsAnyAsync<AuthenticationException>(() => NameShownAsync(tls, Client(null)));
    }

    /// <summary>A resumed session would bring back the client's certificate alone, which nobody can follow to the root without the one in between.</summary>
    [Fact]
    public async Task A_client_with_an_authority_in_between_comes_in_each_time()
    {
        certificates.Issue("server", "server");
        using var between = certificates.IssueBelow("alice", "alice");
        using var alice = certificates.Load("alice");
        var tls = Tls(certificates.Authority);
        var client = Client(null);
        client.ClientCertificateContext = SslStreamCertificateContext.Create(alice, [between], offline: true);
        for (var time = 0; time < 3; time++) Assert.Equal("alice", await NameShownAsync(tls, client));
    }

    [Fact]
    public void Files_that_cannot_be_used_are_said_when_they_are_opened()
    {
        certificates.Issue("server", "server");
        certificates.Issue("other", "other");
        Assert.ThrowsAny<IOException>(() => TlsFiles.Open(certificates.Certificate("absent"), certificates.Key("server"), null, NullLogger.Instance));
        Assert.Throws<ArgumentException>(() => TlsFiles.Open(certificates.Certificate("server"), certificates.Key("other"), null, NullLogger.Instance));
        Assert.Throws<CryptographicException>(() => TlsFiles.Open(certificates.Certificate("server"), certificates.Key("server"), certificates.Key("server"), NullLogger.Instance));
    }

    private ServerTls Tls(string? clientRoots)
    {
        var files = TlsFiles.Open(certificates.Certificate("server"), certificates.Key("server"), clientRoots, NullLogger.Instance, clock);
        return new ServerTls { Material = () => files.Current };
    }

    /// <summary>Gives a file a time of its own, and lets the second pass after which the files are looked at.</summary>
    private void Touch(string path, int minutes)
    {
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(minutes));
        clock.Advance(TimeSpan.FromSeconds(2));
    }

    /// <summary>The fingerprint of the certificate that a new connection is shown.</summary>
    private static async Task<string> ShownAsync(OpenDoor door, X509Certificate2? own)
    {
        using var socket = await door.ConnectAsync();
        await using var stream = new SslStream(new NetworkStream(socket), false, (_, _, _, _) => true);
        await stream.AuthenticateAsClientAsync(Client(own), TestContext.Current.CancellationToken);
        return stream.RemoteCertificate!.GetCertHashString();
    }

    /// <summary>The common name that the server's side of a handshake saw.</summary>
    private static async Task<string?> NameShownAsync(ServerTls tls, SslClientAuthenticationOptions options)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using var accepted = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var near = new SslStream(accepted.GetStream());
        await using var far = new SslStream(client.GetStream(), false, (_, _, _, _) => true);
        var greeting = far.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
        try
        {
            await near.AuthenticateAsServerAsync(tls.Handshake(), TestContext.Current.CancellationToken);

            // What a client needs to resume a session comes before the first byte (RFC 8446 4.6.1).
            await near.WriteAsync("!"u8.ToArray(), TestContext.Current.CancellationToken);
            await greeting;
            Assert.Equal(1, await far.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
            return ClientTrust.CommonNameOf((X509Certificate2)near.RemoteCertificate!);
        }
        finally
        {
            client.Close();
            await greeting.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private static SslClientAuthenticationOptions Client(X509Certificate2? own) =>
        new() { TargetHost = "localhost", EnabledSslProtocols = SslProtocols.Tls13, ClientCertificates = own is null ? [] : [own] };
}
