namespace Holdfast.Keyspace;

/// <summary>Publishing and subscribing.</summary>
internal sealed class PubSubCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CHANNELS [<pattern>]", "    Return the currently active channels matching a <pattern> (default: '*').", "NUMPAT",
        "    Return number of subscriptions to patterns.", "NUMSUB [<channel> ...]", "    Return the number of subscribers for the specified channels, excluding", "    pattern subscriptions(default: no channels).",
        "SHARDCHANNELS [<pattern>]", "    Return the currently active shard level channels matching a <pattern> (default: '*').", "SHARDNUMSUB [<shardchannel> ...]",
        "    Return the number of subscribers for the specified shard level channel(s)", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("subscribe", Subscribe, "Listens to channels");
        table.Bind("unsubscribe", Unsubscribe, "Listens to channels no more; to none when no name is given");
        table.Bind("psubscribe", SubscribePatterns, "Listens to the channels that match patterns");
        table.Bind("punsubscribe", UnsubscribePatterns, "Listens to patterns no more; to none when no pattern is given");
        table.Bind("ssubscribe", SubscribeShard, "Listens to channels of a shard");
        table.Bind("sunsubscribe", UnsubscribeShard, "Listens to channels of a shard no more; to none when no name is given");
        table.Bind("publish", Publish, "Sends a message to whoever listens to a channel, on every node");
        table.Bind("spublish", PublishShard, "Sends a message to whoever listens to a channel of a shard");
        table.Bind("pubsub|channels", call => Names(call, call.Node.Subscriptions.Channels), "Lists the channels that have subscribers on this node");
        table.Bind("pubsub|numsub", call => Numbers(call, call.Node.Subscriptions.Channels), "Counts the subscribers of channels on this node");
        table.Bind("pubsub|numpat", call => call.Reply.Integer(call.Node.Subscriptions.Patterns), "Counts the patterns that have subscribers on this node");
        table.Bind("pubsub|shardchannels", call => Names(call, call.Node.Subscriptions.ShardChannels), "Lists the channels of shards that have subscribers on this node");
        table.Bind("pubsub|shardnumsub", call => Numbers(call, call.Node.Subscriptions.ShardChannels), "Counts the subscribers of channels of shards on this node");
        table.Bind("pubsub|help", call => ScriptCommands.ReplyHelp(call, Help), "Lists the subcommands");
    }

    private static void Subscribe(CommandCall call)
    {
        for (var i = 1; i < call.Count; i++)
        {
            call.Client!.Subscribed.Subscribe(call.Client, call[i]);
            Confirm(call, "subscribe"u8, call[i], call.Client.Subscribed.Count);
        }
    }

    private static void SubscribePatterns(CommandCall call)
    {
        for (var i = 1; i < call.Count; i++)
        {
            call.Client!.Subscribed.SubscribePattern(call.Client, call[i]);
            Confirm(call, "psubscribe"u8, call[i], call.Client.Subscribed.Count);
        }
    }

    private static void SubscribeShard(CommandCall call)
    {
        if (call.Client!.Transaction.IsOpen)
        {
            call.Reply.Error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"u8);
            return;
        }

        for (var i = 1; i < call.Count; i++)
        {
            call.Client.Subscribed.SubscribeShard(call.Client, call[i], call.Shard);
            Confirm(call, "ssubscribe"u8, call[i], call.Client.Subscribed.ShardChannels.Count);
        }
    }

    private static void Unsubscribe(CommandCall call)
    {
        var own = call.Client!.Subscribed;
        if (call.Count == 1 && own.Channels.Count == 0) Confirm(call, "unsubscribe"u8, default, own.Count, isNone: true);
        foreach (var channel in Named(call, own.Channels))
        {
            own.Unsubscribe(call.Client, channel);
            Confirm(call, "unsubscribe"u8, channel, own.Count);
        }
    }

    private static void UnsubscribePatterns(CommandCall call)
    {
        var own = call.Client!.Subscribed;
        if (call.Count == 1 && own.Patterns.Count == 0) Confirm(call, "punsubscribe"u8, default, own.Count, isNone: true);
        foreach (var pattern in Named(call, own.Patterns))
        {
            own.UnsubscribePattern(call.Client, pattern);
            Confirm(call, "punsubscribe"u8, pattern, own.Count);
        }
    }

    private static void UnsubscribeShard(CommandCall call)
    {
        var own = call.Client!.Subscribed;
        if (call.Count == 1 && own.ShardChannels.Count == 0) Confirm(call, "sunsubscribe"u8, default, 0, isNone: true);
        foreach (var channel in Named(call, own.ShardChannels))
        {
            own.UnsubscribeShard(call.Client, channel);
            Confirm(call, "sunsubscribe"u8, channel, own.ShardChannels.Count);
        }
    }

    private static byte[][] Named(CommandCall call, List<byte[]> all)
    {
        if (call.Count == 1) return [.. all];
        var names = new byte[call.Count - 1][];
        for (var i = 0; i < names.Length; i++) names[i] = call[i + 1].ToArray();
        return names;
    }

    private static void Confirm(CommandCall call, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> name, int count, bool isNone = false)
    {
        call.Reply.Push(3);
        call.Reply.Bulk(kind);
        if (isNone) call.Reply.Null();
        else call.Reply.Bulk(name);
        call.Reply.Integer(count);
    }

    /// <summary>Within a transaction or a script the message waits for the entry's commit (S18); alone it goes at once: it says nothing of any key.</summary>
    private static void Publish(CommandCall call)
    {
        var subscriptions = call.Node.Subscriptions;
        if (call.IsOnShard)
        {
            call.Reply.Integer(subscriptions.Count(call[1]));
            if (call.Mode == CallMode.Execute) call.Shard.Outbox.Add(new Publication(call[1].ToArray(), call[2].ToArray(), PublicationReach.Cluster));
            return;
        }

        var receivers = subscriptions.Deliver(call[1], call[2], call.Node.WallMicros);
        subscriptions.Road?.Tell(call[1], call[2]);
        call.Reply.Integer(receivers);
    }

    private static void PublishShard(CommandCall call)
    {
        call.Reply.Integer(call.Node.Subscriptions.ShardChannels.Of(call[1])?.Count ?? 0);
        if (call.Mode == CallMode.Execute) call.Shard.Outbox.Add(new Publication(call[1].ToArray(), call[2].ToArray(), PublicationReach.Shard));
    }

    private static void Names(CommandCall call, ChannelTable table)
    {
        if (call.Count > 3)
        {
            call.WrongSubcommand();
            return;
        }

        var names = new List<byte[]>();
        foreach (var name in table.Names)
            if (call.Count == 2 || Glob.Matches(call[2], name)) names.Add(name);
        call.Reply.Array(names.Count);
        foreach (var name in names) call.Reply.Bulk(name);
    }

    private static void Numbers(CommandCall call, ChannelTable table)
    {
        call.Reply.Array((call.Count - 2) * 2);
        for (var i = 2; i < call.Count; i++)
        {
            call.Reply.Bulk(call[i]);
            call.Reply.Integer(table.Of(call[i])?.Count ?? 0);
        }
    }
}
