using System.Text;
using Holdfast.Cluster;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>For whom commands are forwarded, and on what terms: what the node that executes them must know of the client.</summary>
internal sealed record ForwardTerms
{
    /// <summary>2 or 3.</summary>
    public required int Protocol { get; init; }

    /// <summary>Through how many nodes the commands have come, the sender included.</summary>
    public required byte Hops { get; init; }

    /// <summary>When replies may leave; null for what holds for the keys.</summary>
    public Durability? Durability { get; init; }

    /// <summary>As whom it is signed in.</summary>
    public required string User { get; init; }

    /// <summary>Where it comes from.</summary>
    public required string Address { get; init; }

    /// <summary>The lock that fences its writes; null for none.</summary>
    public ClientFence? Fence { get; init; }

    public static ForwardTerms Of(ClientSession client) => new()
    {
        Protocol = client.Replies.Writer.Protocol,
        Hops = (byte)(client.Hops + 1),
        Durability = client.HasChosenDurability ? client.Durability : null,
        User = client.User?.Name ?? "",
        Address = client.Traits.Address,
        Fence = client.Fence,
    };

    public void Encode(in SpanWriter writer)
    {
        writer.WriteByte((byte)Protocol);
        writer.WriteByte(Hops);
        writer.WriteByte(Durability switch { null => 0, Replication.Durability.Quorum => 1, _ => 2 });
        writer.WriteBlock(Encoding.UTF8.GetBytes(User));
        writer.WriteBlock(Encoding.UTF8.GetBytes(Address));
        writer.WriteBlock(Fence?.Lock ?? []);
        writer.WriteUInt64(Fence?.Token.Value ?? 0);
    }

    /// <summary>Reads them; null for what is none.</summary>
    public static ForwardTerms? Decode(ref SpanReader reader)
    {
        var (protocol, hops, durability) = (reader.ReadByte(), reader.ReadByte(), reader.ReadByte());
        var user = Encoding.UTF8.GetString(reader.ReadBlock());
        var address = Encoding.UTF8.GetString(reader.ReadBlock());
        var held = reader.ReadBlock().ToArray();
        var token = reader.ReadUInt64();
        if (!reader.IsWhole || protocol is not (2 or 3) || durability > 2) return null;
        return new ForwardTerms
        {
            Protocol = protocol,
            Hops = hops,
            Durability = durability switch { 0 => null, 1 => Replication.Durability.Quorum, _ => Replication.Durability.Async },
            User = user,
            Address = address,
            Fence = held.Length == 0 ? null : new ClientFence(held, new FencingToken(token)),
        };
    }
}
