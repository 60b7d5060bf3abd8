using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A client's MULTI: what is queued, and whether it can still be executed.</summary>
internal sealed class Transaction : IKeyWatcher
{
    private readonly List<(CommandSpec Spec, RespArguments Arguments)> queued = [];
    private readonly List<(ShardMachine Shard, byte[] Key)> watched = [];

    /// <summary>Between MULTI and EXEC.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>A queued command was refused: EXEC will refuse all.</summary>
    public bool IsSpoilt { get; set; }

    /// <summary>The queued commands' keys are in more than one slot: EXEC will say so.</summary>
    public bool IsCrossing { get; private set; }

    /// <summary>A watched key was changed, or may have been: EXEC will do nothing.</summary>
    public bool IsBroken { get; set; }

    /// <summary>A queued command is refused while memory is short.</summary>
    public bool DeniesOom => queued.Exists(static each => each.Spec.Has(CommandFlags.DenyOom));

    /// <summary>The slot of what is queued; -1 while nothing has a key.</summary>
    public int Slot { get; private set; } = -1;

    public IReadOnlyList<(CommandSpec Spec, RespArguments Arguments)> Queued => queued;

    public bool IsWatching => watched.Count > 0;

    public void Open() => IsOpen = true;

    /// <summary>Keys of what is queued are acknowledged by a quorum.</summary>
    public bool IsQuorum { get; private set; }

    public void Queue(CommandSpec spec, RespArguments arguments, int slot, bool isQuorum)
    {
        var copy = new RespArguments();
        copy.CopyFrom(arguments);
        queued.Add((spec, copy));
        IsQuorum |= isQuorum;
        IsCrossing |= slot >= 0 && Slot >= 0 && slot != Slot;
        if (slot >= 0) Slot = slot;
    }

    /// <summary>Nothing is queued and nothing is open any more; the watches are over too.</summary>
    public void End(ClientSession client)
    {
        queued.Clear();
        (IsOpen, IsSpoilt, IsCrossing, IsQuorum, Slot) = (false, false, false, false, -1);
        Unwatch(client);
    }

    public void OnChanged() => IsBroken = true;

    public void Watch(ReadOnlySpan<byte> key, ShardMachine shard)
    {
        shard.Watches.Watch(key, this);
        watched.Add((shard, key.ToArray()));
    }

    public void Unwatch(ClientSession client)
    {
        foreach (var (shard, key) in watched) shard.Watches.Forget(key, this);
        watched.Clear();
        client.Forwarding?.OnUnwatched();
        IsBroken = false;
    }
}
