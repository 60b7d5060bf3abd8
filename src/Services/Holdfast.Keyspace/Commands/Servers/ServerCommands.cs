using System.Text;

namespace Holdfast.Keyspace;

/// <summary>Small questions to the server.</summary>
internal sealed class ServerCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("time", Time, "Returns the server's time");
        table.Bind("lolwut", call => call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes("Holdfast: nothing acknowledged is ever lost.\nRedis ver. " + ConnectionCommands.RedisVersion + "\n")), "Says something kind");
        table.Bind("swapdb", call => call.Reply.Error("ERR SWAPDB is not allowed in cluster mode"u8), "Swaps two databases; there is only one");
        table.Bind("role", Role, "Says whether this node is a master, and who follows it, or whom it follows");
        table.Bind("lastsave", call => call.Reply.Integer(call.Node.StartedMicros / 1_000_000), "Returns when data was last written: it always is");
        table.Bind("wait", Wait, "Returns how many replicas have what this client wrote: its writes are answered when a quorum has them");
        table.Bind("waitaof", WaitAof, "As WAIT, for disks: a quorum's disks have what a quorum connection wrote");
    }

    private static void Time(CommandCall call)
    {
        call.Reply.Array(2);
        call.Reply.BulkInteger(call.Node.WallMicros / 1_000_000);
        call.Reply.BulkInteger(call.Node.WallMicros % 1_000_000);
    }

    private static void Role(CommandCall call)
    {
        var topology = call.Node.Topology;
        if (topology.Follows.TryGetValue(topology.Self, out var master) && topology.PeerOf(master) is { } peer)
        {
            call.Reply.Array(5);
            call.Reply.Bulk("slave"u8);
            call.Reply.Bulk(peer.Host);
            call.Reply.Integer(peer.Port);
            call.Reply.Bulk("connected"u8);
            call.Reply.Integer(0);
            return;
        }

        call.Reply.Array(3);
        call.Reply.Bulk("master"u8);
        call.Reply.Integer(0);
        var followers = topology.Peers.Where(other => topology.Follows.GetValueOrDefault(other.Node, Primitives.NodeId.None) == topology.Self).ToArray();
        call.Reply.Array(followers.Length);
        foreach (var follower in followers)
        {
            call.Reply.Array(3);
            call.Reply.Bulk(follower.Host);
            call.Reply.BulkInteger(follower.Port);
            call.Reply.Bulk("0"u8);
        }
    }

    /// <summary>A quorum beside this leader has acknowledged whatever was answered before; more is not known and not claimed.</summary>
    private static void Wait(CommandCall call)
    {
        if (!call.TryInteger(1, out var replicas) || !Wire.Resp.RespNumber.TryParse(call[2], out long timeout))
        {
            if (call.Reply.Target.Length == 0 || replicas != 0) call.Reply.Error("ERR timeout is not an integer or out of range"u8);
            return;
        }

        if (timeout < 0)
        {
            call.Reply.Error("ERR timeout is negative"u8);
            return;
        }

        Confirm(call, static (writer, confirmed) => writer.Integer(confirmed));
    }

    /// <summary>WAITAOF numlocal numreplicas timeout: every write of a quorum connection is on a quorum's disks when it is answered; those of an async one are waited for.</summary>
    private static void WaitAof(CommandCall call)
    {
        if (!call.TryInteger(1, out var local) || !call.TryInteger(2, out var replicas) || !call.TryInteger(3, out var timeout)) return;
        if (local is < 0 or > 1) call.Reply.Error("ERR value is out of range, value must between 0 and 1"u8);
        else if (replicas < 0) call.Reply.Error(CommandErrors.NotPositive);
        else if (timeout < 0) call.Reply.Error("ERR timeout is negative"u8);
        else
        {
            Confirm(call, static (writer, confirmed) =>
            {
                writer.Array(2);
                writer.Integer(1);
                writer.Integer(confirmed);
            });
        }
    }

    /// <summary>How many have the keys, beside the leader, in the majority that has the fewest of them.</summary>
    private static int OthersInMajority(Topology topology, int shard)
    {
        var witnesses = topology.Shards[shard].Witnesses;
        return Math.Max(0, ((topology.VotersOf(shard).Length + witnesses) / 2) - witnesses);
    }

    /// <summary>Replies with how many replicas beside the leader have at least what this client wrote: a quorum's, once all that was executed before is committed.</summary>
    private static void Confirm(CommandCall call, Action<Wire.Resp.RespWriter, long> reply)
    {
        var client = call.Client!;
        var topology = call.Node.Topology;
        var others = topology.Shards.Length == 0 ? 0 : Enumerable.Range(0, topology.Shards.Length).Min(shard => OthersInMajority(topology, shard));
        if (client.Durability == Replication.Durability.Quorum)
        {
            reply(call.Reply, others);
            return;
        }

        // Within a transaction nothing is waited for, as Redis does.
        if (call.Node.Desk is not { } desk || client.Transaction.IsOpen)
        {
            reply(call.Reply, 0);
            return;
        }

        var later = client.ReplyLater();
        desk.Do(new ClusterWish.Confirm(), outcome => later(writer => reply(writer, outcome.Fault is null ? others : 0)));
    }
}
