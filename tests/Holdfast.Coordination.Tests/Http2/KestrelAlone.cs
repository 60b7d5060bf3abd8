using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>Kestrel as anybody starts it, with a port for each protocol: what our shared port is measured by.</summary>
internal sealed class KestrelAlone : IAsyncDisposable
{
    private readonly WebApplication server;

    private KestrelAlone(WebApplication server, IPEndPoint http1, IPEndPoint http2) => (this.server, Http1, Http2) = (server, http1, http2);

    public IPEndPoint Http1 { get; }

    public IPEndPoint Http2 { get; }

    public static async Task<KestrelAlone> StartAsync(int streamsMax)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.Http2.MaxStreamsPerConnection = streamsMax;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        var server = builder.Build();
        server.Run(async exchange =>
        {
            await exchange.Request.Body.CopyToAsync(Stream.Null, exchange.RequestAborted);
            exchange.Response.StatusCode = exchange.Request.Path == "/version" ? 200 : 404;
        });
        await server.StartAsync();
        var addresses = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new IPEndPoint(IPAddress.Loopback, new Uri(address).Port)).ToArray();
        return new KestrelAlone(server, addresses[0], addresses[1]);
    }

    public async ValueTask DisposeAsync() => await server.DisposeAsync();
}
