using System.Net;
using System.Net.Sockets;
using System.Text;
using Grpc.Net.Client;
using Holdfast.Coordination.Endpoints;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>A front door on a free port of loopback, and the clients that knock.</summary>
internal sealed class OpenDoor : IAsyncDisposable
{
    private readonly CoordinationEndpoint endpoint;
    private readonly HttpClient http1 = new() { DefaultRequestVersion = HttpVersion.Version11, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
    private readonly HttpClient http2 = new() { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private OpenDoor(CoordinationEndpoint endpoint)
    {
        this.endpoint = endpoint;
        Channel = GrpcChannel.ForAddress(Url, new GrpcChannelOptions { MaxReceiveMessageSize = null });
    }

    public GrpcChannel Channel { get; }

    public IPEndPoint Address => endpoint.Addresses[0];

    public string Url => $"http://{Address}";

    public static async Task<OpenDoor> OnAsync(ICoordination coordination, EndpointLimits? limits = null, IAdmin? admin = null, IReadOnlyList<string>? origins = null) =>
        new(await CoordinationEndpoint.StartAsync(coordination, new CoordinationEndpointOptions
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            Limits = limits ?? new EndpointLimits(),
            Admin = admin,
            Origins = origins ?? [],
        }));

    public async Task<(int Status, string Body)> GetAsync(string path, bool overHttp2 = false)
    {
        using var response = await (overHttp2 ? http2 : http1).GetAsync(Url + path);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<(int Status, string Body)> PostAsync(string path, string json)
    {
        using var response = await http1.PostAsync(Url + path, new StringContent(json));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A JSON request whose answer is read line by line.</summary>
    public async Task<StreamReader> StreamAsync(string path, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url + path) { Content = new StringContent(json) };
        var response = await http1.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address);
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

    public Task StopAsync() => endpoint.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        http1.Dispose();
        http2.Dispose();
        await endpoint.DisposeAsync();
    }
}
