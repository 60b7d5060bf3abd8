using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Hands what is published here to the other nodes of the cluster. What a node cannot be told now it never learns: pub/sub keeps nothing.</summary>
internal interface IPublicationRoad
{
    void Tell(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message);
}

/// <summary>Who has subscribed to what on this node: channels, patterns, and channels of shards. For the loop's thread.</summary>
internal sealed class Subscriptions(KeyspaceNode node)
{
    private readonly Dictionary<byte[], List<ClientSession>> patterns = new(ByteKey.Comparer);
    private readonly Dictionary<byte[], ShardMachine> shards = new(ByteKey.Comparer);
    private readonly List<ClientSession> leaving = [];
    private readonly List<(byte[] Pattern, List<ClientSession> Clients)> patternsInOrder = [];

    /// <summary>Subscribers by channel.</summary>
    public ChannelTable Channels { get; } = new();

    /// <summary>Subscribers by channel of a shard.</summary>
    public ChannelTable ShardChannels { get; } = new();

    /// <summary>Patterns that somebody has subscribed to, each once.</summary>
    public int Patterns => patterns.Count;

    /// <summary>Nobody listens to anything but channels of shards.</summary>
    public bool IsQuiet => Channels.Count == 0 && patterns.Count == 0;

    /// <summary>The way to the other nodes; null where there are none.</summary>
    public IPublicationRoad? Road { get; set; }

    public void AddPattern(byte[] pattern, ClientSession client)
    {
        if (!patterns.TryGetValue(pattern, out var list))
        {
            patterns[pattern] = list = [];
            patternsInOrder.Add((pattern, list));
        }

        list.Add(client);
    }

    public void RemovePattern(byte[] pattern, ClientSession client)
    {
        if (!patterns.TryGetValue(pattern, out var list)) return;
        list.Remove(client);
        if (list.Count > 0) return;
        patterns.Remove(pattern);
        patternsInOrder.RemoveAll(each => each.Clients == list);
    }

    /// <summary>A channel of a shard: its subscribers are told when the shard is not led here any more.</summary>
    public void AddShard(byte[] channel, ShardMachine shard, ClientSession client)
    {
        ShardChannels.Add(channel, client);
        shards[channel] = shard;
    }

    public void RemoveShard(byte[] channel, ClientSession client)
    {
        ShardChannels.Remove(channel, client);
        if (ShardChannels.Of(channel) is null) shards.Remove(channel);
    }

    /// <summary>Delivers to this node's subscribers; returns how many got it.</summary>
    public int Deliver(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message, long wallMicros)
    {
        var receivers = 0;
        if (Channels.Of(channel) is { } direct)
        {
            foreach (var client in direct)
            {
                Write(client, "message"u8, default, channel, message, wallMicros);
                receivers++;
            }
        }

        foreach (var (pattern, clients) in patternsInOrder)
        {
            if (!Glob.Matches(pattern, channel)) continue;
            foreach (var client in clients)
            {
                Write(client, "pmessage"u8, pattern, channel, message, wallMicros);
                receivers++;
            }
        }

        CutOff();
        return receivers;
    }

    /// <summary>How many of this node's subscribers a message would reach.</summary>
    public int Count(ReadOnlySpan<byte> channel)
    {
        var receivers = Channels.Of(channel)?.Count ?? 0;
        foreach (var (pattern, clients) in patternsInOrder)
            if (Glob.Matches(pattern, channel)) receivers += clients.Count;
        return receivers;
    }

    /// <summary>Delivers to those who listen to a shard's channel.</summary>
    public void DeliverShard(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message, long wallMicros)
    {
        if (ShardChannels.Of(channel) is not { } direct) return;
        foreach (var client in direct) Write(client, "smessage"u8, default, channel, message, wallMicros);
        CutOff();
    }

    /// <summary>Ends the subscriptions to a shard's channels in slots that are not served here any more; all of them when it is not led here.</summary>
    public void EndLost(ShardMachine shard)
    {
        if (shards.Count == 0) return;
        foreach (var (channel, _) in shards.Where(pair => pair.Value == shard && (!shard.Role.IsLeader || !shard.State.Slots.Owned[KeySlot.Of(pair.Key)])).OrderBy(pair => pair.Key, ByteOrder.Comparer).ToArray())
            foreach (var client in ShardChannels.Of(channel)!.ToArray()) client.Subscribed.EndShard(client, channel);
    }

    private void Write(ClientSession client, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message, long wallMicros)
    {
        var writer = client.Replies.Writer;
        var isPattern = kind.Length > 0 && kind[0] == 'p';
        writer.Push(isPattern ? 4 : 3);
        writer.Bulk(kind);
        if (isPattern) writer.Bulk(pattern);
        writer.Bulk(channel);
        writer.Bulk(message);
        client.Replies.Pass();
        client.Tell();
        if (client.Output.IsOver(client, node)) leaving.Add(client);
    }

    private void CutOff()
    {
        if (leaving.Count == 0) return;
        foreach (var client in leaving) client.Output.CutOff(client, node);
        leaving.Clear();
    }
}

/// <summary>Subscribers by channel, in the order in which they came.</summary>
internal sealed class ChannelTable
{
    private readonly Dictionary<byte[], List<ClientSession>> channels = new(ByteKey.Comparer);
    private readonly Dictionary<byte[], List<ClientSession>>.AlternateLookup<ReadOnlySpan<byte>> bySpan;

    public ChannelTable() => bySpan = channels.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int Count => channels.Count;

    /// <summary>The channels that have subscribers, in the order of their bytes.</summary>
    public IEnumerable<byte[]> Names => channels.Keys.Order(ByteOrder.Comparer);

    /// <summary>A channel's subscribers; null for none.</summary>
    public List<ClientSession>? Of(ReadOnlySpan<byte> channel) => bySpan.TryGetValue(channel, out var list) ? list : null;

    public void Add(byte[] channel, ClientSession client)
    {
        if (!channels.TryGetValue(channel, out var list)) channels[channel] = list = [];
        list.Add(client);
    }

    public void Remove(byte[] channel, ClientSession client)
    {
        if (!channels.TryGetValue(channel, out var list)) return;
        list.Remove(client);
        if (list.Count == 0) channels.Remove(channel);
    }
}
