using Google.Protobuf;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>A watch as a client saw it: what it asked for, and every response until it ended or was broken off.</summary>
internal sealed record RecordedWatch(WatchCreateRequest Request, IReadOnlyList<WatchResponse> Responses);

/// <summary>
/// What a watch promises (etcd's API guarantees, as its robustness tests judge them): ordered, unique, atomic, reliable, resumable, bookmarkable; only what was asked for; the value before, and whether a key is new.
/// Judged against the whole history, which a watch from the first revision told.
/// </summary>
internal sealed class WatchRules
{
    private readonly List<Event> history;
    private readonly Dictionary<(ByteString Key, long Revision), KeyValue?> before = [];

    public WatchRules(IEnumerable<Event> history)
    {
        this.history = [.. history];
        var now = new Dictionary<ByteString, KeyValue?>();
        foreach (var change in this.history)
        {
            before[(change.Kv.Key, change.Kv.ModRevision)] = now.GetValueOrDefault(change.Kv.Key);
            now[change.Kv.Key] = change.Type == Event.Types.EventType.Delete ? null : change.Kv;
        }
    }

    /// <summary>The keys at a revision.</summary>
    public IReadOnlyList<KeyValue> At(long revision)
    {
        var now = new SortedDictionary<string, KeyValue>(StringComparer.Ordinal);
        foreach (var change in history.TakeWhile(change => change.Kv.ModRevision <= revision))
        {
            if (change.Type == Event.Types.EventType.Delete) now.Remove(change.Kv.Key.ToStringUtf8());
            else now[change.Kv.Key.ToStringUtf8()] = change.Kv;
        }

        return [.. now.Values];
    }

    /// <summary>What the history itself breaks: revisions that go back, a version that does not count, a deletion of nothing.</summary>
    public IEnumerable<string> Complaints()
    {
        for (var at = 0; at < history.Count; at++)
        {
            var (change, was) = (history[at], before[(history[at].Kv.Key, history[at].Kv.ModRevision)]);
            if (at > 0 && change.Kv.ModRevision < history[at - 1].Kv.ModRevision) yield return $"revision {change.Kv.ModRevision} after {history[at - 1].Kv.ModRevision}";
            if (change.Type == Event.Types.EventType.Delete)
            {
                if (was is null) yield return $"{change.Kv.Key.ToStringUtf8()} is deleted at {change.Kv.ModRevision} and was not there";
                continue;
            }

            var (created, version) = was is null ? (change.Kv.ModRevision, 1) : (was.CreateRevision, was.Version + 1);
            if (change.Kv.CreateRevision != created || change.Kv.Version != version) yield return $"{change.Kv.Key.ToStringUtf8()} at {change.Kv.ModRevision} is version {change.Kv.Version} since {change.Kv.CreateRevision}, and should be {version} since {created}";
        }
    }

    /// <summary>What a watch broke.</summary>
    public IEnumerable<string> Complaints(RecordedWatch watch)
    {
        var created = watch.Responses.FirstOrDefault(response => response.Created);
        if (created is null) yield break; // Broken off before it began.
        var start = watch.Request.StartRevision > 0 ? watch.Request.StartRevision : created.Header.Revision + 1;
        var wanted = history.Where(change => change.Kv.ModRevision >= start && IsWanted(watch.Request, change)).ToArray();
        var told = 0;
        var lastRevision = 0L;
        foreach (var response in watch.Responses)
        {
            if (response.Events.Count > 0 && response.Events[0].Kv.ModRevision <= lastRevision) yield return $"atomic, unique or ordered: revision {response.Events[0].Kv.ModRevision} in a response after the one that told {lastRevision}";
            foreach (var change in response.Events)
            {
                if (told == wanted.Length || !Same(change, wanted[told]))
                {
                    yield return $"reliable, resumable or filtered: told {Text(change)} where {(told == wanted.Length ? "nothing" : Text(wanted[told]))} comes next, from {start} on";
                    yield break;
                }

                if (watch.Request.PrevKv && !Equals(change.PrevKv, before[(change.Kv.Key, change.Kv.ModRevision)])) yield return $"previous value: {Text(change)} with {change.PrevKv}";
                if (!watch.Request.PrevKv && change.PrevKv is not null) yield return $"previous value: {Text(change)} has one unasked";
                told++;
                lastRevision = change.Kv.ModRevision;
            }

            if (response.Created || response.Canceled || response.Events.Count > 0) continue;
            if (told < wanted.Length && wanted[told].Kv.ModRevision <= response.Header.Revision) yield return $"bookmarkable: progress to {response.Header.Revision}, and {Text(wanted[told])} was not told";
            lastRevision = Math.Max(lastRevision, response.Header.Revision);
        }
    }

    private static bool IsWanted(WatchCreateRequest request, Event change)
    {
        var isInRange = request.RangeEnd.IsEmpty ? change.Kv.Key == request.Key : Compare(change.Kv.Key, request.Key) >= 0 && (request.RangeEnd.Span is [0] || Compare(change.Kv.Key, request.RangeEnd) < 0);
        var filtered = change.Type == Event.Types.EventType.Put ? WatchCreateRequest.Types.FilterType.Noput : WatchCreateRequest.Types.FilterType.Nodelete;
        return isInRange && !request.Filters.Contains(filtered);
    }

    private static int Compare(ByteString left, ByteString right) => left.Span.SequenceCompareTo(right.Span);

    private static bool Same(Event told, Event happened) => told.Type == happened.Type && told.Kv.Equals(happened.Kv);

    private static string Text(Event change) => $"{change.Type} {change.Kv.Key.ToStringUtf8()} at {change.Kv.ModRevision}";
}
