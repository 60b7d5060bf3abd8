using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Server.Hosting;

/// <summary>The etcd keyspace of one process, without a log: for trying clients out. It only lends the state machine a clock.</summary>
internal sealed class EphemeralKeyspace : IAsyncDisposable
{
    /// <summary>How often leases are looked at: what the face asks for.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly LocalCoordination local;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task ticking;

    /// <summary>An empty keyspace with identities of its own.</summary>
    public EphemeralKeyspace(string name, IPEndPoint client, CoordinationOptions options, string scheme)
    {
        var (cluster, member) = (DrawId(), DrawId());
        ClusterId = cluster;
        var self = new Member { ID = member, Name = name };
        self.ClientURLs.Add($"{scheme}://{client}");
        local = new LocalCoordination(new CoordinationIdentity { ClusterId = cluster, MemberId = member, Members = () => [self] }, options);
        ticking = Task.Run(TickAsync);
    }

    /// <summary>The cluster.</summary>
    public ulong ClusterId { get; }

    /// <summary>The face.</summary>
    public ICoordination Face => local.Face;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await ticking;
        stopping.Dispose();
    }

    private static ulong DrawId() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(Tick);
        var last = Stopwatch.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
            {
                var now = Stopwatch.GetTimestamp();
                await local.AdvanceAsync(Stopwatch.GetElapsedTime(last, now));
                last = now;
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
