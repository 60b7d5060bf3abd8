using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>CLUSTER as tools use it to look at the nodes one by one.</summary>
internal sealed class ClusterTellCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ADDSLOTS <slot> [<slot> ...]",
        "    Assign slots to current node.",
        "ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]",
        "    Assign slots which are between <start-slot> and <end-slot> to current node.",
        "BUMPEPOCH",
        "    Advance the cluster config epoch.",
        "COUNT-FAILURE-REPORTS <node-id>",
        "    Return number of failure reports for <node-id>.",
        "COUNTKEYSINSLOT <slot>",
        "    Return the number of keys in <slot>.",
        "DELSLOTS <slot> [<slot> ...]",
        "    Delete slots information from current node.",
        "DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]",
        "    Delete slots information which are between <start-slot> and <end-slot> from current node.",
        "FAILOVER [FORCE|TAKEOVER]",
        "    Promote current replica node to being a master.",
        "FORGET <node-id>",
        "    Remove a node from the cluster.",
        "GETKEYSINSLOT <slot> <count>",
        "    Return key names stored by current node in a slot.",
        "FLUSHSLOTS",
        "    Delete current node own slots information.",
        "INFO",
        "    Return information about the cluster.",
        "KEYSLOT <key>",
        "    Return the hash slot for <key>.",
        "MEET <ip> <port> [<bus-port>]",
        "    Connect nodes into a working cluster.",
        "MYID",
        "    Return the node id.",
        "MYSHARDID",
        "    Return the node's shard id.",
        "NODES",
        "    Return cluster configuration seen by node. Output format:",
        "    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...",
        "REPLICATE <node-id>",
        "    Configure current node as replica to <node-id>.",
        "RESET [HARD|SOFT]",
        "    Reset current node (default: soft).",
        "SET-CONFIG-EPOCH <epoch>",
        "    Set config epoch of current node.",
        "SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)",
        "    Set slot state.",
        "REPLICAS <node-id>",
        "    Return <node-id> replicas.",
        "SAVECONFIG",
        "    Force saving cluster configuration on disk.",
        "SLOTS",
        "    Return information about slots range mappings. Each range is made of:",
        "    start, end, master and replicas IP addresses, ports and ids",
        "SHARDS",
        "    Return information about slot range mappings and the nodes associated with them.",
        "LINKS",
        "    Return information about all network links between this node and its peers.",
        "    Output format is an array where each array element is a map containing attributes of a link",
        "HELP",
        "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("cluster|help", TellHelp, "Lists the subcommands");
        table.Bind("cluster|links", Links, "Lists the connections between this node and the others");
        table.Bind("cluster|replicas", Replicas, "Lists the nodes that follow a node");
        table.Bind("cluster|slaves", Replicas, "Lists the nodes that follow a node");
        table.Bind("cluster|count-failure-reports", CountFailureReports, "Counts the nodes that believe a node to be down");
        table.Bind("cluster|myshardid", call => call.Reply.Bulk(ShardId(call.Node.Topology)), "Returns the name of the shard that this node leads or follows");
    }

    private static string ShardId(Topology topology)
    {
        var master = topology.Follows.GetValueOrDefault(topology.Self, topology.Self);
        return ClusterPeer.NameOf(new NodeId(~master.Value));
    }

    private static void TellHelp(CommandCall call)
    {
        call.Reply.Array(Help.Length);
        foreach (var line in Help) call.Reply.Simple(Encoding.ASCII.GetBytes(line));
    }

    private static void Links(CommandCall call)
    {
        var peers = call.Node.Topology.Peers.Where(peer => peer.Node != call.Node.Topology.Self && call.Node.Health(peer.Node) == PeerHealth.Alive).ToArray();
        call.Reply.Array(peers.Length * 2);
        foreach (var peer in peers)
        {
            foreach (var direction in (string[])["to", "from"])
            {
                call.Reply.Map(6);
                foreach (var (name, value) in ((string, string)[])[("direction", direction), ("node", peer.Name)])
                {
                    call.Reply.Bulk(name);
                    call.Reply.Bulk(value);
                }

                call.Reply.Bulk("create-time"u8);
                call.Reply.Integer(call.Node.StartedMicros / 1000);
                call.Reply.Bulk("events"u8);
                call.Reply.Bulk(direction == "to" ? "rw" : "r");
                call.Reply.Bulk("send-buffer-allocated"u8);
                call.Reply.Integer(0);
                call.Reply.Bulk("send-buffer-used"u8);
                call.Reply.Integer(0);
            }
        }
    }

    private static void Replicas(CommandCall call)
    {
        if (HoldfastCommands.Peer(call, 2) is not { } master) return;
        var topology = call.Node.Topology;
        if (topology.Follows.ContainsKey(master.Node))
        {
            call.Reply.Error("ERR The specified node is not a master"u8);
            return;
        }

        var lines = topology.Peers.Where(peer => topology.Follows.GetValueOrDefault(peer.Node, NodeId.None) == master.Node).Select(peer => ClusterCommands.LineOf(call.Node, new ClusterView(topology), peer, call.Client)).ToArray();
        call.Reply.Array(lines.Length);
        foreach (var line in lines) call.Reply.Bulk(line);
    }

    private static void CountFailureReports(CommandCall call)
    {
        if (HoldfastCommands.Peer(call, 2) is { } peer) call.Reply.Integer(call.Node.FailureReports(peer.Node));
    }
}
