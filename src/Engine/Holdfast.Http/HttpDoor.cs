using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Holdfast.Http;

/// <summary>
/// A door that speaks HTTP, built from Kestrel's own parts, without a host: sockets → <see cref="SharedPort"/> where one address serves both protocols in the clear → Kestrel → an application.
/// </summary>
public sealed class HttpDoor : IAsyncDisposable
{
    private readonly KestrelServer server;
    private readonly List<SharedPort> sharedPorts;
    private readonly List<Func<IPEndPoint>> addresses;
    private readonly TimeSpan drainDeadline;
    private int stopped;

    private HttpDoor(KestrelServer server, Binding bound, TimeSpan drainDeadline)
    {
        this.server = server;
        (sharedPorts, addresses) = (bound.SharedPorts, bound.Addresses);
        this.drainDeadline = drainDeadline;
    }

    /// <summary>Where the door listens, with the ports that the system chose, in the order in which the addresses were given.</summary>
    public IReadOnlyList<IPEndPoint> Addresses => [.. addresses.Select(static address => address())];

    /// <summary>Opens the door.</summary>
    /// <exception cref="IOException">A port is taken, or may not be bound.</exception>
    public static async Task<HttpDoor> StartAsync<TExchange>(IHttpApplication<TExchange> application, HttpDoorOptions options, CancellationToken cancel)
        where TExchange : notnull
    {
        ArgumentNullException.ThrowIfNull(options);
        var sockets = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), options.Logging);
        var kestrel = KestrelOptionsOf(options);
        var bound = new Binding([], []);
        foreach (var address in options.Listen) Bind(kestrel, sockets, options, address, bound);
        var door = new HttpDoor(new KestrelServer(Options.Create(kestrel), new SharedPortFactory(sockets), options.Logging), bound, options.Limits.DrainDeadline);
        try
        {
            await door.server.StartAsync(application, cancel).ConfigureAwait(false);
        }
        catch
        {
            await door.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        return door;
    }

    /// <summary>Closes the door: accepts nothing new, lets requests under way finish within the drain deadline, then breaks off what is left.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        using var drain = new CancellationTokenSource(drainDeadline);
        await server.StopAsync(drain.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        server.Dispose();
        foreach (var port in sharedPorts) await port.DisposeAsync().ConfigureAwait(false);
    }

    private static KestrelServerOptions KestrelOptionsOf(HttpDoorOptions options)
    {
        var limits = options.Limits;
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false, ApplicationServices = KestrelServices.For(options.Logging, options.Tls is not null) };
        kestrel.Limits.MaxConcurrentConnections = limits.ConnectionsMax;
        kestrel.Limits.MaxRequestBodySize = limits.BodyBytesMax;
        kestrel.Limits.RequestHeadersTimeout = limits.FirstBytesDeadline;
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.StreamsPerConnectionMax;
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, limits.SlowReaderGrace);
        return kestrel;
    }

    private static void Bind(KestrelServerOptions kestrel, SocketTransportFactory sockets, HttpDoorOptions options, HttpAddress address, Binding bound)
    {
        var isSecure = options.Tls is not null && !address.IsClear;
        if (isSecure || address.Protocols != HttpProtocols.Http1AndHttp2)
        {
            kestrel.Listen(address.Address, listen =>
            {
                listen.Protocols = address.Protocols;
                Mark(listen, address);
                if (isSecure) listen.UseHttps(TlsOf(options.Tls!, address.Protocols, options.Limits.FirstBytesDeadline));
                bound.Addresses.Add(() => listen.IPEndPoint!);
            });
            return;
        }

        var port = new SharedPort(address.Address, sockets, options.Limits, options.Http2Input);
        bound.SharedPorts.Add(port);
        bound.Addresses.Add(() => (IPEndPoint)port.Bound!);
        foreach (var (face, protocol) in new[] { (SniffedProtocol.Http1, HttpProtocols.Http1), (SniffedProtocol.Http2, HttpProtocols.Http2) })
        {
            kestrel.Listen(port.Face(face), listen =>
            {
                listen.Protocols = protocol;
                Mark(listen, address);
            });
        }
    }

    private static void Mark(ListenOptions listen, HttpAddress address)
    {
        if (address.Mark is not { } mark) return;
        listen.Use(next => connection =>
        {
            mark(connection.Features);
            return next(connection);
        });
    }

    private static TlsHandshakeCallbackOptions TlsOf(ServerTls tls, HttpProtocols protocols, TimeSpan handshakeDeadline) => new()
    {
        HandshakeTimeout = handshakeDeadline,
        OnConnection = _ => new(protocols switch
        {
            HttpProtocols.Http1 => tls.Handshake(SslApplicationProtocol.Http11),
            HttpProtocols.Http2 => tls.Handshake(SslApplicationProtocol.Http2),
            _ => tls.Handshake(SslApplicationProtocol.Http2, SslApplicationProtocol.Http11),
        }),
    };

    /// <summary>What listening came to.</summary>
    private sealed record Binding(List<SharedPort> SharedPorts, List<Func<IPEndPoint>> Addresses);
}
