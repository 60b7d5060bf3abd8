using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Which clients may have cached which keys, and who is told when they change. What is said leaves with the entry that changed the key (S18): on the leader it is held as a reply is. A node that ceases to lead a shard
/// cannot know any more what changes there, and tells everybody to forget all. For the loop's thread.
/// </summary>
internal sealed class TrackingTable(KeyspaceNode node)
{
    /// <summary>The most keys that are remembered; beyond it, or what tracking-table-max-keys says, some are told to be invalid before they are.</summary>
    public const int KeysMax = 1_000_000;

    private static readonly Mark Full = new("keyspace: a tracked key was forgotten because the table was full", elsewhere: "TrackingTests: the simulated clients use registers and transactions only");

    private readonly Dictionary<byte[], HashSet<long>> readers = new(ByteKey.Comparer);
    private readonly SortedDictionary<long, ClientSession> listeners = [];
    private readonly List<byte[]> own = [];
    private readonly SortedDictionary<(byte[] Prefix, long Client), SortedSet<byte[]>> broadcasts = new(BroadcastOrder.Instance);
    private readonly Dictionary<GroupId, ulong> epochs = [];

    /// <summary>Clients that track.</summary>
    public int Clients => listeners.Count;

    /// <summary>Keys that are remembered.</summary>
    public int Keys => readers.Count;

    /// <summary>Keys by clients that may have them.</summary>
    public long Items { get; private set; }

    /// <summary>Prefixes that somebody wants to hear about.</summary>
    public int Prefixes => listeners.Values.SelectMany(static client => client.Tracking.Prefixes).Distinct(ByteKey.Comparer).Count();

    /// <summary>A client begins or goes on to track.</summary>
    public void Add(ClientSession client) => listeners[client.Id] = client;

    /// <summary>A client tracks no more. Its keys are forgotten as they change.</summary>
    public void Remove(ClientSession client)
    {
        if (!listeners.Remove(client.Id) || listeners.Count > 0) return;
        Clear();
    }

    /// <summary>A client has read these keys.</summary>
    public void Remember(ClientSession client, CommandSpec spec, RespArguments words, List<int> places)
    {
        spec.FindKeys(words, places);
        foreach (var place in places)
        {
            var key = words[place].ToArray();
            if (!readers.TryGetValue(key, out var ids))
            {
                while (readers.Count >= node.Settings.TrackedKeysMax) ForgetOne();
                readers[key] = ids = [];
            }

            if (ids.Add(client.Id)) Items++;
        }
    }

    /// <summary>A key was changed, by the client of the call or by nobody. What is to be said is written, and the shard holds it with its entry.</summary>
    public void OnChanged(CommandCall call, ReadOnlySpan<byte> key)
    {
        if (listeners.Count == 0) return;
        var bytes = key.ToArray();
        var by = call.Client;
        if (readers.Remove(bytes, out var ids))
        {
            Items -= ids.Count;
            foreach (var id in ids)
                if (listeners.TryGetValue(id, out var reader) && !reader.Tracking.IsBroadcast) Tell(call, reader, by, bytes);
        }

        foreach (var listener in listeners.Values)
        {
            if (!listener.Tracking.IsBroadcast || (listener == by && listener.Tracking.IsNoLoop) || PrefixOf(listener.Tracking, bytes) is not { } prefix) continue;
            if (call.Mode == CallMode.Execute) Gather(listener, prefix, bytes);
            else Tell(call, listener, by, bytes);
        }
    }

    /// <summary>What a client's commands have changed is told to whoever listens to prefixes: in one message for each, with the shard's entry.</summary>
    public void Broadcast(ShardMachine shard)
    {
        if (broadcasts.Count == 0) return;
        foreach (var ((_, id), keys) in broadcasts)
            if (listeners.TryGetValue(id, out var listener) && Write(listener, [.. keys]) is { } target) shard.Pushed.Add(target);
        broadcasts.Clear();
    }

    private void Gather(ClientSession listener, byte[] prefix, byte[] key)
    {
        if (!broadcasts.TryGetValue((prefix, listener.Id), out var keys)) broadcasts[(prefix, listener.Id)] = keys = new SortedSet<byte[]>(BroadcastOrder.Keys);
        keys.Add(key);
    }

    /// <summary>Says what the client of a command changed itself: behind the command's reply.</summary>
    public void TellOwn(ClientSession client)
    {
        if (own.Count == 0) return;
        foreach (var key in own) Write(client, [key]);
        own.Clear();
    }

    /// <summary>Everything was removed by a command (FLUSHALL).</summary>
    public void OnFlushed(ShardMachine shard)
    {
        Clear();
        foreach (var client in listeners.Values)
            if (Write(client, null) is { } target) shard.Pushed.Add(target);
    }

    /// <summary>Nobody can tell any more what changes: everything cached is to be forgotten. Said at once: it shows nothing.</summary>
    public void ForgetAll()
    {
        Clear();
        foreach (var client in listeners.Values.ToArray())
            if (Write(client, null) is { } target) target.OnPushed();
    }

    /// <summary>A shard that is led here may have given slots away: then nobody here hears what changes in them.</summary>
    public void OnSlots(ShardMachine shard)
    {
        var epoch = shard.State.Slots.Epoch;
        var isNew = epochs.TryGetValue(shard.Group, out var before) && before != epoch;
        epochs[shard.Group] = epoch;
        if (isNew && listeners.Count > 0) ForgetAll();
    }

    private void Clear()
    {
        readers.Clear();
        Items = 0;
    }

    private static byte[]? PrefixOf(ClientTracking tracking, byte[] key)
    {
        if (tracking.Prefixes.Count == 0) return [];
        foreach (var prefix in tracking.Prefixes)
            if (key.AsSpan().StartsWith(prefix)) return prefix;
        return null;
    }

    private void Tell(CommandCall call, ClientSession listener, ClientSession? by, byte[] key)
    {
        if (listener == by)
        {
            if (!listener.Tracking.IsNoLoop && !own.Exists(each => each.AsSpan().SequenceEqual(key))) own.Add(key);
            return;
        }

        if (Write(listener, [key]) is not { } target) return;
        if (call.Mode == CallMode.Execute) call.Shard.Pushed.Add(target);
        else target.OnPushed(); // What is applied is committed.
    }

    private void ForgetOne()
    {
        Full.Hit();
        foreach (var (key, ids) in readers)
        {
            readers.Remove(key);
            Items -= ids.Count;
            foreach (var id in ids)
                if (listeners.TryGetValue(id, out var reader) && Write(reader, [key]) is { } target) target.OnPushed();
            return;
        }
    }

    /// <summary>Writes the message to whom the client wants to hear it (null for all keys); who that is, or nobody.</summary>
    private ClientSession? Write(ClientSession client, IReadOnlyList<byte[]>? keys)
    {
        var target = client;
        if (client.Tracking.Redirect != 0 && !node.Clients.TryGetValue(client.Tracking.Redirect, out target!))
        {
            if (client.Tracking.IsBroken) return null;
            client.Tracking.IsBroken = true;
            if (client.Replies.Writer.Protocol < 3) return null;
            client.Replies.Writer.Push(2);
            client.Replies.Writer.Bulk("tracking-redir-broken"u8);
            client.Replies.Writer.Integer(client.Tracking.Redirect);
            return client;
        }

        var writer = target.Replies.Writer;
        if (writer.Protocol >= 3)
        {
            writer.Push(2);
            writer.Bulk("invalidate"u8);
        }
        else if (client.Tracking.Redirect != 0 && target.Subscribed.IsAny)
        {
            writer.Array(3);
            writer.Bulk("message"u8);
            writer.Bulk("__redis__:invalidate"u8);
        }
        else
        {
            return null;
        }

        if (keys is null)
        {
            writer.NullArray();
        }
        else
        {
            writer.Array(keys.Count);
            foreach (var key in keys) writer.Bulk(key);
        }

        return target;
    }
}

/// <summary>The order in which prefixes are told, and keys within a message: that of their bytes.</summary>
internal sealed class BroadcastOrder : IComparer<(byte[] Prefix, long Client)>
{
    public static readonly BroadcastOrder Instance = new();

    public static readonly IComparer<byte[]> Keys = Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right));

    public int Compare((byte[] Prefix, long Client) left, (byte[] Prefix, long Client) right) => Keys.Compare(left.Prefix, right.Prefix) is not 0 and var order ? order : left.Client.CompareTo(right.Client);
}
