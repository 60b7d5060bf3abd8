using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Vectors.Endpoints;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Machine;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>The REST door over collections in this process, on a port that the system chose.</summary>
internal sealed class OpenDoor : IAsyncDisposable
{
    private readonly VectorsEndpoint door;
    private readonly IndexWorkers workers;
    private readonly HttpClient client;

    private OpenDoor(VectorsEndpoint door, IndexWorkers workers)
    {
        (this.door, this.workers) = (door, workers);
        client = new HttpClient { BaseAddress = new Uri($"http://{door.Address}") };
    }

    /// <summary>Where gRPC is served.</summary>
    public IPEndPoint Grpc => door.GrpcAddress;

    public static async Task<OpenDoor> StartAsync(IndexWorkerOptions? options = null, VectorAccessOptions? access = null, string snapshots = "")
    {
        Exception? failed = null;
        var workers = new IndexWorkers(options ?? new IndexWorkerOptions(), fault => failed = fault);
        var face = new VectorFace(new LocalCollections(workers));
        var door = await VectorsEndpoint.StartAsync(face, new VectorsEndpointOptions { Rest = new IPEndPoint(IPAddress.Loopback, 0), Grpc = new IPEndPoint(IPAddress.Loopback, 0), Access = access ?? new VectorAccessOptions(), SnapshotDirectory = snapshots }, null, CancellationToken.None);
        return new OpenDoor(door, workers);
    }

    /// <summary>Asks, expects 200, and gives the result.</summary>
    public async Task<JsonElement> AskAsync(string method, string path, string? body = null)
    {
        var (status, answer) = await SendAsync(method, path, body);
        Assert.True(status == 200, $"{method} {path}: {status} {answer}");
        Assert.Equal("ok", answer.GetProperty("status").GetString());
        return answer.GetProperty("result");
    }

    /// <summary>Asks, expects a refusal, and gives its text.</summary>
    public async Task<string> RefusedAsync(int status, string method, string path, string? body = null)
    {
        var (got, answer) = await SendAsync(method, path, body);
        Assert.Equal(status, got);
        return answer.GetProperty("status").GetProperty("error").GetString()!;
    }

    /// <summary>Asks and gives everything.</summary>
    public async Task<(int Status, JsonElement Answer)> SendAsync(string method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.StartsWith('{') ? JsonDocument.Parse(text).RootElement : default);
    }

    /// <summary>The raw client, for what is no JSON.</summary>
    public HttpClient Client => client;

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await door.DisposeAsync();
        workers.Dispose();
    }
}
