using System.Text;
using Holdfast.Replication;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Our own commands: what <c>holdfast keyspace</c> asks, and how long a connection's writes wait.</summary>
internal sealed class HoldfastCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("holdfast.move", Move, "Moves slots (0-99,200) to a node, by its name, with their keys and at once");
        table.Bind("holdfast.moves", call => Lines(call.Reply, call.Node.Desk?.Moves() ?? []), "Lists the moves under way and those that ended last");
        table.Bind("holdfast.cancelmove", CancelMove, "Gives a move up, if it still can be");
        table.Bind("holdfast.rebalance", Rebalance, "Spreads the slots evenly over the nodes; with PLAN only says how");
        table.Bind("holdfast.durability", SetDurability, "Says or sets when this connection's writes are answered: quorum or async");
    }

    /// <summary>Has something done by the cluster; the reply is OK, or the fault.</summary>
    public static void Ask(CommandCall call, ClusterWish wish, Action<RespWriter, WishOutcome>? tell = null)
    {
        if (call.Node.Desk is not { } desk)
        {
            call.Reply.Error("ERR this node is of no cluster"u8);
            return;
        }

        if (call.Node.Wishes is { } wishes)
        {
            wishes.Add(wish, tell);
            return;
        }

        if (call.Client!.Transaction.IsOpen)
        {
            call.Reply.Error("ERR Command not allowed inside a transaction"u8); // One with keys, which is one entry.
            return;
        }

        var later = call.Client.ReplyLater();
        desk.Do(wish, outcome => later(writer => WishesOfTransaction.Tell(writer, outcome, tell)));
    }

    /// <summary>The node of a name of forty hex digits; null for another, which is refused.</summary>
    public static ClusterPeer? Peer(CommandCall call, int argument, string fault = "Unknown node")
    {
        var name = Encoding.ASCII.GetString(call[argument]);
        foreach (var peer in call.Node.Topology.Peers)
            if (string.Equals(peer.Name, name, StringComparison.OrdinalIgnoreCase)) return peer;
        call.Reply.Error($"ERR {fault} {name}");
        return null;
    }

    private static void Move(CommandCall call)
    {
        if (SlotRanges.Parse(Encoding.ASCII.GetString(call[1])) is not { } slots)
        {
            call.Reply.Error("ERR slots are written as 0-99,200"u8);
            return;
        }

        if (Peer(call, 2) is { } target) Ask(call, new ClusterWish.Move(slots, target.Node));
    }

    private static void CancelMove(CommandCall call)
    {
        if (call.TryInteger(1, out var id)) Ask(call, new ClusterWish.CancelMove((ulong)id));
    }

    private static void Rebalance(CommandCall call)
    {
        if (call.Count > 2 || (call.Count == 2 && !call.Is(1, "PLAN"u8))) call.SyntaxError();
        else Ask(call, new ClusterWish.Rebalance(call.Count == 2), (writer, outcome) => Lines(writer, outcome.Lines));
    }

    private static void SetDurability(CommandCall call)
    {
        var client = call.Client!;
        var isAsync = call.Count == 2 && call.Is(1, "async"u8);
        if (call.Count == 1)
        {
            call.Reply.Bulk(client.Durability == Durability.Async ? "async"u8 : "quorum"u8);
            return;
        }

        if (call.Count > 2 || (!isAsync && !call.Is(1, "quorum"u8)))
        {
            call.SyntaxError();
            return;
        }

        client.Durability = isAsync ? Durability.Async : Durability.Quorum;
        call.Reply.Ok();
    }

    private static void Lines(RespWriter reply, IReadOnlyList<string> lines)
    {
        reply.Array(lines.Count);
        foreach (var line in lines) reply.Bulk(line);
    }
}
