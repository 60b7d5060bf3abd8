using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>CLUSTER as tools use it to look at the nodes one by one.</summary>
internal sealed class ClusterTellCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "ADDSLOTS <slot> [<slot> ...]", "ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]", "BUMPEPOCH",
        "COUNT-FAILURE-REPORTS <node-id>", "COUNTKEYSINSLOT <slot>", "DELSLOTS <slot> [<slot> ...]", "DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]", "FAILOVER [FORCE|TAKEOVER]", "FLUSHSLOTS",
        "FORGET <node-id>", "GETKEYSINSLOT <slot> <count>", "HELP", "INFO", "KEYSLOT <key>", "LINKS", "MEET <ip> <port> [<bus-port>]", "MYID", "MYSHARDID", "NODES", "REPLICAS <node-id>", "REPLICATE <node-id>",
        "RESET [HARD|SOFT]", "SAVECONFIG", "SET-CONFIG-EPOCH <epoch>", "SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)", "SHARDS", "SLOTS",
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
