using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What a command that cannot wait any longer, or not at all, replies.</summary>
internal enum WaitReply : byte
{
    /// <summary>Nothing, where an array could have been; at the timeout too.</summary>
    NullArray = 0,

    /// <summary>Within a transaction, nothing where a value could have been; at the timeout nothing where an array could have been (as Redis 7.0 does).</summary>
    Null = 1,
}

/// <summary>A client that waits for keys, with the command that is to be executed again when one of them has something.</summary>
internal sealed class Waiter(ClientSession client, CommandSpec spec, RespArguments arguments, int slot, ValueKind kind)
{
    public ClientSession Client { get; } = client;

    public CommandSpec Spec { get; } = spec;

    /// <summary>A copy: the client's buffer goes on.</summary>
    public RespArguments Arguments { get; } = arguments;

    public int Slot { get; } = slot;

    /// <summary>What the key must hold.</summary>
    public ValueKind Kind { get; } = kind;

    /// <summary>The shard that it waits on.</summary>
    public required ShardMachine Shard { get; init; }

    /// <summary>When it gives up; never without a timeout.</summary>
    public required Instant Deadline { get; init; }

    /// <summary>The seat on whose convoy the end of the wait travels.</summary>
    public ShardSeat? Seat { get; set; }

    /// <summary>Where it stands in line.</summary>
    public List<WaitLine> Lines { get; } = [];

    /// <summary>The reply at the timeout.</summary>
    public void WriteTimeout(RespWriter writer) => writer.NullArray();
}

/// <summary>Those who wait for a key, longest first.</summary>
internal sealed class WaitLine(byte[] key)
{
    public byte[] Key { get; } = key;

    public List<Waiter> Waiters { get; } = [];

    /// <summary>The key was changed in the present entry, and nobody has looked yet whether that serves anybody.</summary>
    public bool IsReady { get; set; }
}
