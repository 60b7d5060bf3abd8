using System.Net;
using Holdfast.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Holdfast.Client.Tests;

/// <summary>Takes every call and answers none, though its connections are well: their pings are answered.</summary>
internal sealed class DeafServer : IHttpApplication<IFeatureCollection>, IAsyncDisposable
{
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HttpDoor? door;
    private int calls;

    private DeafServer()
    {
    }

    public string Address => door!.Addresses[0].ToString();

    /// <summary>How many calls have come.</summary>
    public int Calls => Volatile.Read(ref calls);

    public static async Task<DeafServer> OpenAsync()
    {
        var server = new DeafServer();
        server.door = await HttpDoor.StartAsync(server, new HttpDoorOptions { Listen = [new HttpAddress(new IPEndPoint(IPAddress.Loopback, 0))] }, CancellationToken.None);
        return server;
    }

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        Interlocked.Increment(ref calls);
        return over.Task;
    }

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // Nothing was made for it.
    }

    public async ValueTask DisposeAsync()
    {
        over.TrySetResult();
        await door!.DisposeAsync();
    }
}
