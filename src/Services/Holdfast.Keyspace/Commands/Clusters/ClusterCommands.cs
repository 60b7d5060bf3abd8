using System.Globalization;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>CLUSTER: who serves which slots, as this node knows it.</summary>
internal sealed class ClusterCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("cluster|myid", call => call.Reply.Bulk(ClusterPeer.NameOf(call.Node.Topology.Self)), "Returns this node's name");
        table.Bind("cluster|keyslot", call => call.Reply.Integer(KeySlot.Of(call[2])), "Returns the slot of a key");
        table.Bind("cluster|info", Info, "Describes the cluster");
        table.Bind("cluster|nodes", Nodes, "Lists the nodes with their slots");
        table.Bind("cluster|slots", Slots, "Lists the slots with their nodes");
        table.Bind("cluster|shards", Shards, "Lists the shards");
        table.Bind("cluster|countkeysinslot", CountKeysInSlot, "Counts the keys of a slot");
        table.Bind("cluster|getkeysinslot", GetKeysInSlot, "Returns keys of a slot");
    }

    private static void Info(CommandCall call)
    {
        var view = new ClusterView(call.Node.Topology);
        var health = call.Node.ClusterHealth;
        var messages = call.Node.GossipMessages();
        var isAlone = view.Topology.Alone is not null;
        var isOk = !isAlone && (view.SlotsServed == KeySlot.Count || (!call.Node.Settings.RequiresFullCoverage && view.Masters > 0));
        (string Name, object Value)[] facts =
        [
            ("cluster_state", isOk ? "ok" : "fail"), ("cluster_slots_assigned", view.SlotsAssigned), ("cluster_slots_ok", view.SlotsServed), ("cluster_slots_pfail", health.SlotsSuspect), ("cluster_slots_fail", health.SlotsFailed),
            ("cluster_known_nodes", view.Topology.Peers.Length), ("cluster_size", view.Masters), ("cluster_current_epoch", view.EpochMax), ("cluster_my_epoch", view.EpochOf(view.Topology.Self)),
            ("cluster_stats_messages_sent", messages.Sent), ("cluster_stats_messages_received", messages.Received), ("total_cluster_links_buffer_limit_exceeded", 0),
        ];
        var text = string.Concat(facts.Select(fact => string.Create(CultureInfo.InvariantCulture, $"{fact.Name}:{fact.Value}\r\n")));
        call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(text));
    }

    private static void Nodes(CommandCall call)
    {
        var view = new ClusterView(call.Node.Topology);
        var text = new StringBuilder();
        foreach (var peer in view.Topology.Peers) text.Append(LineOf(call.Node, view, peer, call.Client)).Append('\n');
        call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>A node as CLUSTER NODES shows it.</summary>
    internal static string LineOf(KeyspaceNode node, ClusterView view, ClusterPeer peer, ClientState? client)
    {
        var isSelf = peer.Node == view.Topology.Self;
        var master = view.Topology.Follows.GetValueOrDefault(peer.Node, NodeId.None);
        var health = isSelf ? PeerHealth.Alive : node.Health(peer.Node);
        var flags = (isSelf ? "myself," : "") + (master == NodeId.None ? "master" : "slave") + health switch { PeerHealth.Suspect => ",fail?", PeerHealth.Failed => ",fail", _ => "" };
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{peer.Name} {peer.Host}:{peer.PortFor(client)}@{peer.BusPort} {flags} {(master == NodeId.None ? "-" : ClusterPeer.NameOf(master))} 0 {(isSelf ? 0 : node.WallMicros / 1000)} {view.EpochOf(peer.Node)} {(health == PeerHealth.Failed ? "disconnected" : "connected")}");
        foreach (var (first, last) in view.RangesOf(peer.Node)) text.Append(CultureInfo.InvariantCulture, $" {first}{(last > first ? "-" + last.ToString(CultureInfo.InvariantCulture) : "")}");
        return text.ToString();
    }

    private static void Slots(CommandCall call)
    {
        var view = new ClusterView(call.Node.Topology);
        var shown = view.Ranges.Where(range => range.Shown is not null).ToArray();
        call.Reply.Array(shown.Length);
        foreach (var range in shown)
        {
            var replicas = view.ReplicasOf(range.Shown!).ToArray();
            call.Reply.Array(3 + replicas.Length);
            call.Reply.Integer(range.First);
            call.Reply.Integer(range.Last);
            Describe(call, range.Shown!);
            foreach (var replica in replicas) Describe(call, replica);
        }
    }

    private static void Describe(CommandCall call, ClusterPeer peer)
    {
        var reply = call.Reply;
        reply.Array(4);
        reply.Bulk(peer.Host);
        reply.Integer(peer.PortFor(call.Client));
        reply.Bulk(peer.Name);
        reply.Array(0);
    }

    private static void Shards(CommandCall call)
    {
        var view = new ClusterView(call.Node.Topology);
        var masters = view.Topology.Peers.Where(peer => !view.Topology.Follows.ContainsKey(peer.Node)).ToArray();
        call.Reply.Array(masters.Length);
        foreach (var master in masters)
        {
            var ranges = view.RangesOf(master.Node).ToArray();
            var replicas = view.ReplicasOf(master).ToArray();
            call.Reply.Map(2);
            call.Reply.Bulk("slots"u8);
            call.Reply.Array(ranges.Length * 2);
            foreach (var (first, last) in ranges)
            {
                call.Reply.Integer(first);
                call.Reply.Integer(last);
            }

            call.Reply.Bulk("nodes"u8);
            call.Reply.Array(1 + replicas.Length);
            DescribeInShard(call.Node, call.Reply, master, "master");
            foreach (var replica in replicas) DescribeInShard(call.Node, call.Reply, replica, "replica");
        }
    }

    private static void DescribeInShard(KeyspaceNode node, RespWriter reply, ClusterPeer peer, string role)
    {
        reply.Map(6 + (peer.Port > 0 ? 1 : 0) + (peer.TlsPort > 0 ? 1 : 0));
        foreach (var (name, value) in ((string, string)[])[("id", peer.Name), ("ip", peer.Host), ("endpoint", peer.Host), ("role", role), ("health", node.Health(peer.Node) == PeerHealth.Failed ? "failed" : "online")])
        {
            reply.Bulk(name);
            reply.Bulk(value);
        }

        foreach (var (name, port) in ((string, int)[])[("port", peer.Port), ("tls-port", peer.TlsPort)])
        {
            if (port == 0) continue;
            reply.Bulk(name);
            reply.Integer(port);
        }

        reply.Bulk("replication-offset"u8);
        reply.Integer(0);
    }

    private static bool TrySlot(CommandCall call, out int slot)
    {
        slot = 0;
        if (!call.TryInteger(2, out var number)) return false;
        if (number is < 0 or >= KeySlot.Count)
        {
            call.Reply.Error("ERR Invalid slot"u8);
            return false;
        }

        slot = (int)number;
        return true;
    }

    private static void CountKeysInSlot(CommandCall call)
    {
        if (TrySlot(call, out var slot)) call.Reply.Integer(Server(call.Node.Topology, slot)?.Machine.Keyspace.CountIn(slot) ?? 0);
    }

    /// <summary>Who serves a slot here, leading or following; nobody while its keys only come or go.</summary>
    private static ShardSeat? Server(Topology topology, int slot) =>
        topology.SeatOf(slot) is { } seat && seat.Machine.State.Slots.Owned[slot] && (seat.Log.IsLedHere || topology.Follows.ContainsKey(topology.Self)) ? seat : null;

    private static unsafe void GetKeysInSlot(CommandCall call)
    {
        if (!call.TryInteger(2, out var number) || !call.TryInteger(3, out var max)) return;
        if (number is < 0 or >= KeySlot.Count || max < 0)
        {
            call.Reply.Error("ERR Invalid slot or number of keys"u8);
            return;
        }

        var slot = (int)number;
        var visitor = new Names { Found = [], Max = max };
        if (Server(call.Node.Topology, slot) is { } seat && max > 0) seat.Machine.Keyspace.Table(slot).WalkAll(ref visitor);
        call.Reply.Array(visitor.Found.Count);
        foreach (var key in visitor.Found) call.Reply.Bulk(key);
    }

    private unsafe struct Names : IRecordVisitor
    {
        public List<byte[]> Found;
        public long Max;

        public readonly void Visit(byte* record)
        {
            if (Found.Count < Max) Found.Add(RecordHead.KeyOf(record).ToArray());
        }
    }
}

/// <summary>A run of slots with one shard, its leader, and whom clients are told of: while there is no leader, the last one.</summary>
internal sealed record SlotRange(int First, int Last, ClusterShard Shard, ClusterPeer? Leader, ClusterPeer? Shown);

/// <summary>The topology as CLUSTER tells it: runs of slots by leader.</summary>
internal sealed class ClusterView
{
    public ClusterView(Topology topology)
    {
        Topology = topology;
        for (var i = 0; i < topology.Shards.Length; i++)
            foreach (var (first, last) in topology.Shards[i].Slots)
                Ranges.Add(new SlotRange(first, last, topology.Shards[i], topology.PeerOf(topology.LeaderOf(i)), topology.PeerOf(topology.ShownFor(i))));
        Ranges.Sort((left, right) => left.First.CompareTo(right.First));
    }

    public Topology Topology { get; }

    public List<SlotRange> Ranges { get; } = [];

    public int SlotsAssigned => Ranges.Sum(range => range.Last - range.First + 1);

    public int SlotsServed => Ranges.Where(range => range.Leader is not null).Sum(range => range.Last - range.First + 1);

    public int Masters => Ranges.Where(range => range.Leader is not null).Select(range => range.Leader).Distinct().Count();

    public ulong EpochMax => Topology.Peers.Length == 0 ? 0 : Topology.Peers.Max(peer => EpochOf(peer.Node));

    /// <summary>A node's config epoch: from the terms and moves of the shards that it leads, and made unique by its place among the nodes.</summary>
    public ulong EpochOf(NodeId node)
    {
        if (Topology.Alone is { } alone) return alone.Epoch;
        var term = 0UL;
        for (var i = 0; i < Topology.Shards.Length; i++)
            if (Topology.LeaderOf(i) == node && Topology.Seats[i] is { } seat) term = Math.Max(term, seat.Log.Term.Value + seat.Machine.State.Slots.Epoch);
        var place = 0;
        while (place < Topology.Peers.Length && Topology.Peers[place].Node != node) place++;
        return (term * 64) + (ulong)place + 1;
    }

    /// <summary>The slots for which clients are told of a node.</summary>
    public IEnumerable<(int First, int Last)> RangesOf(NodeId node) => Ranges.Where(range => range.Shown?.Node == node).Select(range => (range.First, range.Last));

    /// <summary>
    /// Whom clients are told of as a master's replicas: the nodes that follow it and lead nothing. A master has replicas of the others' shards, too, but is not shown as one: StackExchange.Redis takes a node for a replica
    /// as soon as one range lists it so, and then refuses to write to it; ioredis reads from it without saying READONLY and is sent round in circles.
    /// </summary>
    public IEnumerable<ClusterPeer> ReplicasOf(ClusterPeer master) => Topology.Peers.Where(peer => Topology.Follows.GetValueOrDefault(peer.Node, NodeId.None) == master.Node);
}
