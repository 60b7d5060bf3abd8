using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Watches;

/// <summary>A change as watchers see it, made at most twice however many watchers want it: with and without what stood there before.</summary>
internal struct WatchEvent
{
    private Event? plain, withPrevious;

    /// <summary>The event for a watcher. Shared between watchers, so nobody may change it.</summary>
    public Event For(Watcher watcher, MvccStore store, in Change change, in KeyVersion version)
    {
        plain ??= Make(change, version);
        if (!watcher.WantsPrevious) return plain;
        return withPrevious ??= WithPrevious(plain, store, change);
    }

    private static Event Make(in Change change, in KeyVersion version) => version.IsLive
        ? new Event { Type = Event.Types.EventType.Put, Kv = Stored.ToKeyValue(change.Record.Key, version) }
        : new Event { Type = Event.Types.EventType.Delete, Kv = new KeyValue { Key = Bytes.Wrap(change.Record.Key), ModRevision = change.Mod } };

    private static Event WithPrevious(Event plain, MvccStore store, in Change change)
    {
        if (change.Mod - 1 < store.Compacted) return plain;
        var place = change.Record.PlaceAt(change.Mod - 1);
        if (place < 0 || !change.Record[place].IsLive) return plain;
        return new Event { Type = plain.Type, Kv = plain.Kv, PrevKv = Stored.ToKeyValue(change.Record.Key, change.Record[place]) };
    }
}

/// <summary>Sends what a watcher has gathered, in one response or, where its client allows it, in fragments.</summary>
internal static class WatchDelivery
{
    /// <summary>How many responses it takes. More than the sink can ever hold are sent as one instead: fragments are a kindness, not a duty.</summary>
    public static int ResponsesFor(Watcher watcher)
    {
        if (!watcher.AllowsFragments) return 1;
        var fragments = 0;
        for (var from = 0; from < watcher.Gathered.Count; fragments++) from = FragmentEnd(watcher.Gathered, from);
        return fragments > watcher.Stream.RoomMax ? 1 : fragments;
    }

    /// <summary>Sends and forgets what was gathered.</summary>
    public static void Send(Watcher watcher, ResponseHeader header)
    {
        var isWhole = ResponsesFor(watcher) == 1;
        for (var from = 0; from < watcher.Gathered.Count;)
        {
            var end = isWhole ? watcher.Gathered.Count : FragmentEnd(watcher.Gathered, from);
            var response = new WatchResponse { Header = header, WatchId = watcher.Id, Fragment = end < watcher.Gathered.Count };
            for (; from < end; from++) response.Events.Add(watcher.Gathered[from]);
            watcher.Stream.Send(response);
        }

        watcher.Gathered.Clear();
        watcher.WasTold = true;
    }

    private static int FragmentEnd(List<Event> events, int from)
    {
        var bytes = 0;
        var end = from;
        do bytes += events[end++].CalculateSize();
        while (end < events.Count && bytes < WatchHub.ResponseBytesMax);
        return end;
    }
}
