using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>
/// Calls of clients that want a leader behind their member (etcd's metadata <c>hasleader: true</c>, which etcd's Go client sends with <c>WithRequireLeader</c>): refused when it knows none, and a stream is
/// ended when it has known none for a while, so that a watcher at a member that is cut off moves to another instead of hearing nothing. Looked at only while there are such streams.
/// </summary>
internal sealed class LeaderRequirement(ICoordination coordination)
{
    private const string Asked = "hasleader";
    private const string AskedByJson = "Grpc-Metadata-Hasleader";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Looks without a leader after which streams end: two seconds, longer than any election between members that hear each other takes. (etcd: three election timeouts.)</summary>
    private const int LooksMax = 20;

    private static readonly Mark StreamsEnded = new("endpoints: streams that require a leader were ended", elsewhere: "GrpcTests: there are no HTTP/2 streams in the simulator");

    private readonly Lock gate = new();
    private readonly HashSet<CancellationTokenSource> streams = [];
    private bool isLooking;

    /// <summary>Whether a call asks for it.</summary>
    public static bool IsAskedBy(HttpExchange exchange) =>
        exchange.RequestHeaders[Asked] is [var said, ..] && said == "true" || exchange.RequestHeaders[AskedByJson] is [var json, ..] && json == "true";

    /// <summary>Makes a call while there is a leader.</summary>
    /// <param name="isStream">Whether it lasts, and is ended when the leader is gone.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancel">The client's own end of it.</param>
    /// <exception cref="EtcdException">There is no leader, or none any more.</exception>
    public async ValueTask DuringAsync(bool isStream, Func<CancellationToken, ValueTask> call, CancellationToken cancel)
    {
        if (!coordination.HasLeader) throw new EtcdException(EtcdErrors.NoLeader);
        if (!isStream)
        {
            await call(cancel).ConfigureAwait(false);
            return;
        }

        using var led = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Add(led);
        try
        {
            await call(led.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (led.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new EtcdException(EtcdErrors.NoLeader);
        }
        finally
        {
            lock (gate) streams.Remove(led);
        }
    }

    private void Add(CancellationTokenSource stream)
    {
        lock (gate)
        {
            streams.Add(stream);
            if (isLooking) return;
            isLooking = true;
        }

        _ = LookAsync();
    }

    private async Task LookAsync()
    {
        using var timer = new PeriodicTimer(Look);
        for (var looks = 0; await timer.WaitForNextTickAsync().ConfigureAwait(false);)
        {
            looks = coordination.HasLeader ? 0 : looks + 1;
            List<CancellationTokenSource> ending = [];
            lock (gate)
            {
                if (looks >= LooksMax)
                {
                    ending.AddRange(streams);
                    streams.Clear();
                }

                isLooking = streams.Count > 0 || ending.Count > 0;
                if (!isLooking) return;
            }

            if (ending.Count == 0) continue;
            StreamsEnded.Hit();
            foreach (var stream in ending) End(stream);
        }
    }

    private static void End(CancellationTokenSource stream)
    {
        try
        {
            stream.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in this moment.
        }
    }
}
