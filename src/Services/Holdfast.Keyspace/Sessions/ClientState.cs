using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>What a client has sent, said and asked for, and as whom: all of it but how far its commands are (<see cref="ClientSession"/>).</summary>
internal abstract class ClientState
{
    private readonly KeyspaceNode node;

    protected ClientState(KeyspaceNode node, Stack<byte[]> pool)
    {
        this.node = node;
        Self = (ClientSession)this;
        Input = new InputBuffer(pool);
        Id = node.NextClientId();
        Durability = node.Options.Durability;
        Subscribed = new ClientSubscriptions(node.Subscriptions);
        Identity = new ClientIdentity(Self, node);
        Wait = new ClientWait(Self, node);
        ConnectedMicros = node.WallMicros;
    }

    public long Id { get; }

    public InputBuffer Input { get; }

    public ReplyQueue Replies { get; } = new();

    public Transaction Transaction { get; } = new();

    public ClientTraits Traits { get; } = new();

    /// <summary>As whom it is signed in.</summary>
    public ClientIdentity Identity { get; }

    /// <summary>As whom it is signed in; null when it has to sign in first.</summary>
    public AclUser? User => Identity.User;

    /// <summary>What it waits for.</summary>
    public ClientWait Wait { get; }

    /// <summary>What it wants to hear about keys that it caches.</summary>
    public ClientTracking Tracking { get; } = new();

    /// <summary>What it listens to.</summary>
    public ClientSubscriptions Subscribed { get; }

    /// <summary>Whether it leaves too much unread.</summary>
    public OutputGuard Output { get; } = new();

    /// <summary>Scratch of a command that visits every shard.</summary>
    public Gathering Gathering { get; } = new();

    /// <summary>It listens, and speaks RESP2: then it may do little else.</summary>
    public bool IsOnlyListening => Subscribed.IsAny && Replies.Writer.Protocol < 3;

    /// <summary>When its replies may leave (DESIGN section 6), unless it has not said so and its keys do.</summary>
    public Durability Durability { get; private set; }

    /// <summary>It has said itself when its replies may leave: what holds for prefixes of keys does not count then.</summary>
    public bool HasChosenDurability { get; private set; }

    public long ConnectedMicros { get; }

    /// <summary>Whether it may read from replicas (READONLY).</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>The lock that this connection's writes are fenced by (HOLDFAST.FENCE); null for none.</summary>
    public ClientFence? Fence { get; set; }

    /// <summary>Commands for other nodes' shards are forwarded instead of being redirected: said by the port or by the connection.</summary>
    public bool IsForwarding { get; set; }

    /// <summary>Whether commands for other nodes' shards are forwarded: its port, its user or it itself has asked for that. Not for one that caches: it would not hear of changes elsewhere.</summary>
    public bool Forwards => (IsForwarding || User is { IsForwarded: true }) && node.Forwards.Road is not null && !Tracking.IsOn;

    /// <summary>Through how many nodes its commands have come.</summary>
    public byte Hops { get; private set; }

    /// <summary>It came through TLS: then it is told the ports that speak it.</summary>
    public bool IsTls { get; init; }

    private ClientSession Self { get; }

    /// <summary>It says when its replies may leave.</summary>
    public void ChooseDurability(Durability durability) => (Durability, HasChosenDurability) = (durability, true);

    /// <summary>From now on it speaks for a client of another node.</summary>
    public void SpeakFor(ForwardTerms terms)
    {
        Identity.SignInAs(terms.User);
        Replies.Writer.Protocol = terms.Protocol;
        (Durability, HasChosenDurability) = (terms.Durability ?? node.Options.Durability, terms.Durability is not null);
        (Fence, Hops, IsForwarding) = (terms.Fence, terms.Hops, true);
        Traits.Address = terms.Address;
    }

    /// <summary>As RESET does: everything but the connection begins anew.</summary>
    public void Reset()
    {
        Transaction.End(Self);
        Subscribed.End(Self);
        Traits.Reset();
        node.Meter.Monitors.Remove(Self);
        node.Tracking.Remove(Self);
        Tracking.TurnOff();
        Identity.SignOut();
        IsReadOnly = false;
        Self.IsAsking = false;
        Fence = null;
        Replies.Writer.Protocol = 2;
        (Durability, HasChosenDurability) = (node.Options.Durability, false);
    }
}
