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
        table.Bind("role", Role, "Says whether this node is a master");
        table.Bind("lastsave", call => call.Reply.Integer(call.Node.StartedMicros / 1_000_000), "Returns when data was last written: it always is");
        table.Bind("wait", Wait, "Returns how many replicas have what this client wrote: its writes are answered when a quorum has them");
    }

    private static void Time(CommandCall call)
    {
        call.Reply.Array(2);
        call.Reply.BulkInteger(call.Node.WallMicros / 1_000_000);
        call.Reply.BulkInteger(call.Node.WallMicros % 1_000_000);
    }

    private static void Role(CommandCall call)
    {
        call.Reply.Array(3);
        call.Reply.Bulk("master"u8);
        call.Reply.Integer(0);
        call.Reply.Array(0);
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

        var voters = call.Node.Topology.Shards.Length == 0 ? 1 : call.Node.Topology.Shards[0].Replicas.Length;
        call.Reply.Integer(call.Client!.Durability == Replication.Durability.Quorum ? voters / 2 : 0);
    }
}
