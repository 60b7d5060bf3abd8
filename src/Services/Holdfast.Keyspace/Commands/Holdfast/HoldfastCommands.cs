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
        table.Bind("holdfast.forward", SetForwarding, "Says or sets whether this connection's commands for other nodes' keys are forwarded there, and spread over slots where that has a meaning");
        table.Bind("holdfast.prefix", SetPrefix, "Lists when writes are answered by prefixes of their keys, or sets it for one: quorum, async or default");
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

        client.ChooseDurability(isAsync ? Durability.Async : Durability.Quorum);
        call.Reply.Ok();
    }

    private static void SetForwarding(CommandCall call)
    {
        var client = call.Client!;
        if (call.Count == 1)
        {
            call.Reply.Bulk(client.Forwards ? "on"u8 : "off"u8);
            return;
        }

        if (call.Count > 2 || (!call.Is(1, "ON"u8) && !call.Is(1, "OFF"u8)))
        {
            call.SyntaxError();
            return;
        }

        client.IsForwarding = call.Is(1, "ON"u8);
        call.Reply.Ok();
    }

    private static void SetPrefix(CommandCall call)
    {
        var durabilities = call.Node.Durabilities;
        if (call.Count == 1)
        {
            var known = durabilities.All;
            call.Reply.Map(known.Count);
            foreach (var (prefix, durability) in known)
            {
                call.Reply.Bulk(prefix);
                call.Reply.Bulk(durability == Durability.Async ? "async"u8 : "quorum"u8);
            }

            return;
        }

        var said = call.Count == 3 ? Encoding.ASCII.GetString(call[2]).ToLowerInvariant() : "";
        if (said is not ("quorum" or "async" or "default")) call.SyntaxError();
        else if (call[1].Length is 0 or > PrefixDurability.PrefixBytesMax) call.Reply.Error($"ERR a prefix has 1 to {PrefixDurability.PrefixBytesMax} bytes");
        else if (said != "default" && durabilities.All.Count >= PrefixDurability.PrefixesMax && !durabilities.Knows(call[1])) call.Reply.Error($"ERR no more than {PrefixDurability.PrefixesMax} prefixes");
        else call.Node.Shared.Change(call, [(PrefixDurability.KeyOf(call[1]), said == "default" ? "" : said)], static reply => reply.Ok());
    }

    private static void Lines(RespWriter reply, IReadOnlyList<string> lines)
    {
        reply.Array(lines.Count);
        foreach (var line in lines) reply.Bulk(line);
    }
}
