using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Holdfast.Http.Tests;

/// <summary>A door on a free port of loopback with <see cref="Telling"/> behind it, and the clients that knock.</summary>
internal sealed class OpenDoor : IAsyncDisposable
{
    private readonly HttpDoor door;
    private readonly HttpClient client;

    private OpenDoor(HttpDoor door, bool isSecure)
    {
        this.door = door;
        Url = $"{(isSecure ? "https" : "http")}://{door.Addresses[0]}";
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        client = new HttpClient(handler);
    }

    public string Url { get; }

    public IReadOnlyList<IPEndPoint> Addresses => door.Addresses;

    public static async Task<OpenDoor> OnAsync(HttpDoorLimits? limits = null, HttpProtocols protocols = HttpProtocols.Http1AndHttp2, ServerTls? tls = null, params HttpAddress[] beside) => new(
        await HttpDoor.StartAsync(
            new Telling(),
            new HttpDoorOptions
            {
                Listen = [new HttpAddress(new IPEndPoint(IPAddress.Loopback, 0)) { Protocols = protocols }, .. beside],
                Limits = limits ?? new HttpDoorLimits(),
                Tls = tls,
            },
            CancellationToken.None),
        tls is not null);

    /// <summary>What <see cref="Telling"/> says to a request in exactly this version.</summary>
    public async Task<string> GetAsync(Version version, string? url = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, (url ?? Url) + "/a") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(door.Addresses[0]);
        return socket;
    }

    /// <summary>Everything until the server closes; what came until then when it resets.</summary>
    public static async Task<string> ReadAllAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer) is > 0 and var count) text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        catch (SocketException)
        {
            text.Append("<reset>");
        }

        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await door.DisposeAsync();
    }

    /// <summary>Tells each request what it is: method, protocol, path, and the mark of its address.</summary>
    private sealed class Telling : IHttpApplication<IFeatureCollection>
    {
        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public async Task ProcessRequestAsync(IFeatureCollection context)
        {
            var request = context.GetRequiredFeature<IHttpRequestFeature>();
            var answer = $"{request.Method} {request.Protocol} {request.Path}{(context.Get<Mark>() is null ? "" : " marked")}";
            await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(Encoding.ASCII.GetBytes(answer));
        }

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
        }
    }

    /// <summary>What an address may set on its connections.</summary>
    internal sealed class Mark;
}
