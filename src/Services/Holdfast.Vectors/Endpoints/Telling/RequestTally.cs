using System.Collections.Concurrent;

namespace Holdfast.Vectors.Endpoints.Telling;

/// <summary>What requests came to since the start, as Qdrant's telemetry counts them: by route or method and by status. There are as many entries as routes have statuses.</summary>
internal sealed class RequestTally
{
    private readonly ConcurrentDictionary<(bool IsGrpc, string Endpoint, int Status), Count> counts = new();

    /// <summary>Notes a request that was answered.</summary>
    /// <param name="isGrpc">By which door it came.</param>
    /// <param name="endpoint">Method and pattern of a route, or a gRPC method's path.</param>
    /// <param name="status">HTTP's status, or gRPC's code.</param>
    /// <param name="time">What it took.</param>
    public void Note(bool isGrpc, string endpoint, int status, TimeSpan time) => counts.GetOrAdd((isGrpc, endpoint, status), static _ => new Count()).Add(time.TotalMicroseconds);

    /// <summary>Those of a door, in the order of their endpoints.</summary>
    public IEnumerable<IGrouping<string, (int Status, TallyShown Shown)>> List(bool isGrpc) => counts.Where(each => each.Key.IsGrpc == isGrpc)
        .OrderBy(each => each.Key.Endpoint, StringComparer.Ordinal).ThenBy(each => each.Key.Status)
        .Select(each => (each.Key.Endpoint, each.Key.Status, Shown: each.Value.Show())).GroupBy(each => each.Endpoint, each => (each.Status, each.Shown));

    private sealed class Count
    {
        private readonly Lock gate = new();
        private TallyShown shown = new(0, double.PositiveInfinity, 0, 0, default);

        public void Add(double micros)
        {
            lock (gate) shown = new TallyShown(shown.Requests + 1, Math.Min(shown.MicrosMin, micros), Math.Max(shown.MicrosMax, micros), shown.MicrosTotal + micros, DateTime.UtcNow);
        }

        public TallyShown Show()
        {
            lock (gate) return shown;
        }
    }
}

/// <summary>Requests of one kind that ended alike.</summary>
internal readonly record struct TallyShown(long Requests, double MicrosMin, double MicrosMax, double MicrosTotal, DateTime Last);
