using System.Collections.Immutable;
using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>A node as Redis clients are told of it.</summary>
/// <param name="Node">The incarnation.</param>
/// <param name="Host">Where clients reach it.</param>
/// <param name="Port">The Redis port; 0 when it serves none.</param>
/// <param name="BusPort">The peer port.</param>
internal sealed record ClusterPeer(NodeId Node, string Host, int Port, int BusPort)
{
    /// <summary>Forty hex digits, as Redis names nodes: the incarnation, and what follows from it.</summary>
    public string Name { get; } = NameOf(Node);

    /// <summary>The Redis port that speaks TLS; 0 when there is none.</summary>
    public int TlsPort { get; init; }

    /// <summary>Whether Redis clients are served there.</summary>
    public bool IsServing => Port > 0 || TlsPort > 0;

    /// <summary>The port that a client is told: one that speaks as its connection does, where there is one.</summary>
    public int PortFor(ClientState? client) => client is { IsTls: true } ? (TlsPort > 0 ? TlsPort : Port) : Port > 0 ? Port : TlsPort;

    /// <summary>The node of a name; null for a name that is no node's.</summary>
    public static NodeId? NodeOf(string name) =>
        name.Length == 40 && ulong.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && string.Equals(NameOf(new NodeId(value)), name, StringComparison.OrdinalIgnoreCase) ? new NodeId(value) : null;

    public static string NameOf(NodeId node)
    {
        var more = (node.Value ^ 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9;
        return string.Create(CultureInfo.InvariantCulture, $"{node.Value:x16}{more:x16}{(uint)(more >> 7):x8}");
    }
}

/// <summary>A shard in the layout: the group, the slots that the directory says it has, and where the replicas are that have its keys.</summary>
internal sealed record ClusterShard(GroupId Group, ImmutableArray<(int First, int Last)> Slots, ImmutableArray<NodeId> Replicas)
{
    /// <summary>Replicas without keys, which only vote.</summary>
    public int Witnesses { get; init; }
}

/// <summary>Who is where, as far as this node knows: from the directory and this node's replicas. Immutable; a newer one takes its place. Routing by it may be stale: each shard decides by its own log what it owns.</summary>
internal sealed class Topology
{
    private readonly short[] shardOfSlot = new short[KeySlot.Count];

    public Topology(NodeId self, ImmutableArray<ClusterPeer> peers, ImmutableArray<ClusterShard> shards, ImmutableArray<ShardSeat?> seats)
    {
        (Self, Peers, Shards, Seats) = (self, peers, shards, seats);
        Array.Fill(shardOfSlot, (short)-1);
        for (var i = 0; i < shards.Length; i++)
            foreach (var (first, last) in shards[i].Slots)
                for (var slot = first; slot <= last; slot++) shardOfSlot[slot] = (short)i;
        SlotsUnassigned = shardOfSlot.AsSpan().Count((short)-1);
    }

    public static Topology Empty { get; } = new(NodeId.None, [], [], []);

    public NodeId Self { get; }

    /// <summary>Slots that nobody has.</summary>
    public int SlotsUnassigned { get; }

    public ImmutableArray<ClusterPeer> Peers { get; }

    public ImmutableArray<ClusterShard> Shards { get; }

    /// <summary>This node's replica of each shard; null where it has none.</summary>
    public ImmutableArray<ShardSeat?> Seats { get; }

    /// <summary>Nodes that lead no shard, because they were told to follow another (CLUSTER REPLICATE).</summary>
    public ImmutableSortedDictionary<NodeId, NodeId> Follows { get; init; } = ImmutableSortedDictionary<NodeId, NodeId>.Empty;

    /// <summary>What this node shall have once it is part of a cluster; null when it is.</summary>
    public LoneClaims? Alone { get; init; }

    /// <summary>Whom shards belong to: the node that was given their slots (CLUSTER ADDSLOTS), which leads them while it lives. None in a cluster that shares its slots out by itself.</summary>
    public ImmutableSortedDictionary<GroupId, NodeId> Homes { get; init; } = ImmutableSortedDictionary<GroupId, NodeId>.Empty;

    /// <summary>A node without a cluster: it sees itself, with the slots that it shall have, and serves nobody from them.</summary>
    public static Topology OfAlone(ClusterPeer self, LoneClaims claims)
    {
        var none = new GroupId(ulong.MaxValue);
        var elsewhere = new LeaderBook();
        elsewhere.Hear(none, new Term(0), self.Node);
        ClusterShard[] shards = claims.Slots.IsEmpty ? [] : [new ClusterShard(none, claims.Slots.Ranges, [self.Node])];
        return new Topology(self.Node, [self], [.. shards], [.. shards.Select(_ => (ShardSeat?)null)]) { Alone = claims, Elsewhere = elsewhere };
    }

    /// <summary>Who leads those shards of which this node has no replica, as they said last; and who led the others last, as this node's replicas knew.</summary>
    public LeaderBook Elsewhere { get; init; } = new();

    /// <summary>The shard of a slot; -1 for nobody's.</summary>
    public int ShardOf(int slot) => shardOfSlot[slot];

    /// <summary>The place of a shard among them; -1 when it is not known.</summary>
    public int PlaceOf(GroupId group)
    {
        for (var i = 0; i < Shards.Length; i++)
            if (Shards[i].Group == group) return i;
        return -1;
    }

    public ShardSeat? SeatOf(int slot) => shardOfSlot[slot] is >= 0 and var shard ? Seats[shard] : null;

    /// <summary>Who leads a shard; nobody when that is not known here.</summary>
    public NodeId LeaderOf(int shard) => KnowingSeat(shard)?.Log.Leader ?? Elsewhere.LeaderOf(Shards[shard].Group);

    /// <summary>Whether who leads a shard has to be asked of others.</summary>
    public bool IsHearsay(int shard) => KnowingSeat(shard) is null;

    /// <summary>Whom clients are told of for a shard's slots: its leader; while it has none, whoever led it last, or else a node that has a replica. A client that reads the slots in such a moment finds every slot in them, and learns the next leader from whom it asks.</summary>
    public NodeId ShownFor(int shard)
    {
        if (LeaderOf(shard) is var leader && leader != NodeId.None) return leader;
        if (Elsewhere.LeaderOf(Shards[shard].Group) is var last && PeerOf(last) is not null) return last;
        foreach (var node in VotersOf(shard))
            if (PeerOf(node) is not null) return node;
        return NodeId.None;
    }

    /// <summary>Where a shard has replicas that vote: by its own log where there is a replica here that hears of it, and else where the directory says that they shall be.</summary>
    public ImmutableArray<NodeId> VotersOf(int shard) => KnowingSeat(shard)?.Log.Voters is { Length: > 0 } voters ? voters : Shards[shard].Replicas;

    public ClusterPeer? PeerOf(NodeId node)
    {
        foreach (var peer in Peers)
            if (peer.Node == node) return peer;
        return null;
    }

    /// <summary>The shards that this node leads.</summary>
    public IEnumerable<ShardSeat> Led => Seats.Where(seat => seat is { Log.IsLedHere: true })!;

    /// <summary>This node's replica, where it hears of its shard: one that was placed elsewhere is left behind, and nobody tells it who leads after that.</summary>
    private ShardSeat? KnowingSeat(int shard) => Seats[shard] is { } seat && (seat.Log.Leader != NodeId.None || Shards[shard].Replicas.Contains(Self)) ? seat : null;
}
