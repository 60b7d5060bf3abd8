namespace Holdfast.Keyspace;

/// <summary>What one client has subscribed to, in the order in which it did.</summary>
internal sealed class ClientSubscriptions(Subscriptions all)
{
    public List<byte[]> Channels { get; } = [];

    public List<byte[]> Patterns { get; } = [];

    public List<byte[]> ShardChannels { get; } = [];

    /// <summary>It has subscribed to anything: a client of RESP2 may then do little else.</summary>
    public bool IsAny => Channels.Count + Patterns.Count + ShardChannels.Count > 0;

    /// <summary>Channels and patterns, as confirmations count them.</summary>
    public int Count => Channels.Count + Patterns.Count;

    /// <summary>Whether a user may listen to all of it.</summary>
    public bool AreAllowedTo(AclUser user) =>
        user.IsUnlimited || (Channels.TrueForAll(channel => user.AllowsChannel(channel, isPattern: false)) && Patterns.TrueForAll(pattern => user.AllowsChannel(pattern, isPattern: true)) && ShardChannels.TrueForAll(channel => user.AllowsChannel(channel, isPattern: false)));

    public void Subscribe(ClientSession client, ReadOnlySpan<byte> channel)
    {
        if (TryAdd(Channels, channel) is { } added) all.Channels.Add(added, client);
    }

    public void SubscribePattern(ClientSession client, ReadOnlySpan<byte> pattern)
    {
        if (TryAdd(Patterns, pattern) is { } added) all.AddPattern(added, client);
    }

    public void SubscribeShard(ClientSession client, ReadOnlySpan<byte> channel, ShardMachine shard)
    {
        if (TryAdd(ShardChannels, channel) is { } added) all.AddShard(added, shard, client);
    }

    public void Unsubscribe(ClientSession client, ReadOnlySpan<byte> channel)
    {
        if (TryRemove(Channels, channel) is { } removed) all.Channels.Remove(removed, client);
    }

    public void UnsubscribePattern(ClientSession client, ReadOnlySpan<byte> pattern)
    {
        if (TryRemove(Patterns, pattern) is { } removed) all.RemovePattern(removed, client);
    }

    public void UnsubscribeShard(ClientSession client, ReadOnlySpan<byte> channel)
    {
        if (TryRemove(ShardChannels, channel) is { } removed) all.RemoveShard(removed, client);
    }

    /// <summary>A shard's channel is not served here any more: the client is told as if it had unsubscribed.</summary>
    public void EndShard(ClientSession client, byte[] channel)
    {
        UnsubscribeShard(client, channel);
        var writer = client.Replies.Writer;
        writer.Push(3);
        writer.Bulk("sunsubscribe"u8);
        writer.Bulk(channel);
        writer.Integer(ShardChannels.Count);
        client.Replies.Pass();
        client.Tell();
    }

    /// <summary>It listens to nothing any more, and nobody tells it.</summary>
    public void End(ClientSession client)
    {
        foreach (var channel in Channels) all.Channels.Remove(channel, client);
        foreach (var pattern in Patterns) all.RemovePattern(pattern, client);
        foreach (var channel in ShardChannels) all.RemoveShard(channel, client);
        Channels.Clear();
        Patterns.Clear();
        ShardChannels.Clear();
    }

    private static byte[]? TryAdd(List<byte[]> list, ReadOnlySpan<byte> name)
    {
        foreach (var each in list)
            if (name.SequenceEqual(each)) return null;
        var added = name.ToArray();
        list.Add(added);
        return added;
    }

    private static byte[]? TryRemove(List<byte[]> list, ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < list.Count; i++)
        {
            var each = list[i];
            if (!name.SequenceEqual(each)) continue;
            list.RemoveAt(i);
            return each;
        }

        return null;
    }
}
