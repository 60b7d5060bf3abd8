using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>A real keyspace in this process, whose time passes as time does.</summary>
internal sealed class LocalKeyspace : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private readonly LocalCoordination local;
    private readonly PeriodicTimer timer = new(Step);
    private readonly Task ticking;

    public LocalKeyspace()
    {
        local = new LocalCoordination(new CoordinationIdentity
        {
            ClusterId = 11,
            MemberId = 12,
            Members = () => [new Member { ID = 12, Name = "n1", PeerURLs = { "http://127.0.0.1:2380" }, ClientURLs = { "http://127.0.0.1:2379" } }],
        });
        ticking = TickAsync();
    }

    public ICoordination Face => local.Face;

    public async ValueTask DisposeAsync()
    {
        timer.Dispose();
        await ticking;
    }

    private async Task TickAsync()
    {
        while (await timer.WaitForNextTickAsync()) await local.AdvanceAsync(Step);
    }
}
