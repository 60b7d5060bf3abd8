namespace Holdfast.Keyspace;

/// <summary>What a client waits for (BLPOP …), from the moment it is parked until its reply is on its way.</summary>
internal sealed class ClientWait(ClientSession client, KeyspaceNode node)
{
    private Waiter? ending;

    /// <summary>What it waits for; null when it does not.</summary>
    public Waiter? Waiter { get; private set; }

    /// <summary>It waits, or its waiting has ended and the reply is on its way through the shard.</summary>
    public bool IsOn => Waiter is not null || ending is not null;

    /// <summary>Its command has nothing to give it yet: it waits.</summary>
    public void Park(Waiter waiter)
    {
        Waiter = waiter;
        node.Waits.Add(waiter);
    }

    /// <summary>Where it was parked just now.</summary>
    public void OnParked(ShardSeat seat)
    {
        if (Waiter is { Seat: null } fresh) fresh.Seat = seat;
    }

    /// <summary>It was served by another's command: its reply is written, and it goes on once that is held back with the entry.</summary>
    public void OnServed()
    {
        node.Waits.Remove(Waiter!);
        Waiter = null;
    }

    /// <summary>It waits no longer: its time is up.</summary>
    public void RunOut()
    {
        if (Waiter is not { } waiter) return;
        Leave();
        ending = waiter;
        waiter.Seat!.ConvoyOf(client.Durability).Join(client);
    }

    /// <summary>It waits no longer, for a reason that is said at once: nothing of its command was executed.</summary>
    public void Refuse(ReadOnlySpan<byte> error)
    {
        if (Waiter is null) return;
        Leave();
        client.ReplyInLaterTurn(error);
    }

    /// <summary>That nothing came is a read like any other: it is said once the barrier of the present entry holds. False when its wait has not run out.</summary>
    public bool TryReplyRunOut()
    {
        if (ending is null) return false;
        ending.WriteTimeout(client.Replies.Writer);
        ending = null;
        return true;
    }

    /// <summary>The entry that would have said so was not executed: another error is said instead. False when its wait has not run out.</summary>
    public bool TryRefuseRunOut()
    {
        if (ending is null) return false;
        ending = null;
        client.ReplyInLaterTurn(WaitTable.Moved);
        return true;
    }

    /// <summary>It waits no longer.</summary>
    public void Leave()
    {
        if (Waiter is not { } waiter) return;
        waiter.Shard.Waits.Remove(waiter);
        node.Waits.Remove(waiter);
        Waiter = null;
    }
}
