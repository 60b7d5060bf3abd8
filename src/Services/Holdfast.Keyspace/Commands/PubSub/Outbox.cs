using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Whom a message is for.</summary>
internal enum PublicationReach : byte
{
    /// <summary>Subscribers of this node: keyspace notifications.</summary>
    Node = 0,

    /// <summary>Subscribers of every node.</summary>
    Cluster = 1,

    /// <summary>Subscribers of a shard's channel.</summary>
    Shard = 2,
}

/// <summary>A message on its way to subscribers.</summary>
internal readonly record struct Publication(byte[] Channel, byte[] Message, PublicationReach Reach);

/// <summary>
/// What entries that are executed will publish: it leaves when they are committed, whatever their durability, and is forgotten with an entry that is taken back (S18). What an entry without effects publishes waits for
/// those before it, whose effects it may have seen. As much as entries are under way.
/// </summary>
internal sealed class Outbox(KeyspaceNode node)
{
    private static readonly Mark Forgotten = new("keyspace: notifications of an entry that was taken back were forgotten", elsewhere: "WaitingTests: the simulated clients use registers and transactions only");

    private readonly Ring<Held> held = new();
    private int present;
    private ulong lastExecuted;
    private ulong committed;

    private struct Held
    {
        public Publication What;
        public ulong Index;
    }

    /// <summary>Something that the entry being executed publishes.</summary>
    public void Add(in Publication publication)
    {
        held.Add(new Held { What = publication, Index = ulong.MaxValue });
        present++;
    }

    /// <summary>The entry is executed.</summary>
    public void OnExecuted(LogIndex index, bool hasEffects)
    {
        if (hasEffects) lastExecuted = index.Value;
        for (; present > 0; present--) held[held.Count - present].Index = lastExecuted;
        Publish();
    }

    public void OnCommitted(LogIndex through)
    {
        committed = Math.Max(committed, through.Value);
        Publish();
    }

    public void OnTruncated(LogIndex from)
    {
        lastExecuted = Math.Min(lastExecuted, from.Value - 1);
        while (held.Count > 0 && held.Last.Index >= from.Value)
        {
            Forgotten.Hit();
            held.RemoveLast();
        }
    }

    /// <summary>The state was replaced: nobody knows what became of these.</summary>
    public void Clear()
    {
        held.Clear();
        (present, lastExecuted) = (0, 0);
    }

    private void Publish()
    {
        while (held.Count > 0 && held.First.Index <= committed)
        {
            var (channel, message, reach) = held.First.What;
            held.RemoveFirst();
            if (reach == PublicationReach.Shard) node.Subscriptions.DeliverShard(channel, message, node.WallMicros);
            else node.Subscriptions.Deliver(channel, message, node.WallMicros);
            if (reach == PublicationReach.Cluster) node.Subscriptions.Road?.Tell(channel, message);
        }
    }
}
