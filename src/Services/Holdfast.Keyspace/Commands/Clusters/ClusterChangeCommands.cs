using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>
/// CLUSTER as tools use it to change a cluster, each mapped to the safe procedure or refused (S21): the SETSLOT/MIGRATE dance is one atomic move of the slot, FAILOVER hands leadership to a replica that has caught
/// up, FORCE and TAKEOVER do no more than that, and slots are never taken from whoever has them.
/// </summary>
internal sealed class ClusterChangeCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("cluster|setslot", SetSlot, "Moves a slot with its keys, as one move");
        table.Bind("cluster|addslots", call => AddSlots(call, 1), "Gives slots that nobody has to this node");
        table.Bind("cluster|addslotsrange", call => AddSlots(call, 2), "Gives slots that nobody has to this node, as ranges");
        table.Bind("cluster|delslots", call => RefuseDelete(call, 1), "Refused for slots that are served: move them");
        table.Bind("cluster|delslotsrange", call => RefuseDelete(call, 2), "Refused for slots that are served: move them");
        table.Bind("cluster|flushslots", FlushSlots, "Refused for slots that are served: move them");
        table.Bind("cluster|replicate", Replicate, "Makes this node lead no shard, and follow a node that does");
        table.Bind("cluster|failover", Failover, "Hands what this node's master leads to this node, once it has caught up");
        table.Bind("cluster|forget", Forget, "Takes a node without slots out of the cluster");
        table.Bind("cluster|reset", Reset, "Succeeds on a node without slots, which has nothing to forget");
        table.Bind("cluster|bumpepoch", call => call.Reply.Simple(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"STILL {new ClusterView(call.Node.Topology).EpochOf(call.Node.Topology.Self)}"))), "Changes nothing: epochs come from the shards' logs");
        table.Bind("cluster|set-config-epoch", SetConfigEpoch, "Refused: epochs come from the shards' logs");
        table.Bind("cluster|saveconfig", call => call.Reply.Ok(), "Does nothing: the cluster is in its log already");
        table.Bind("cluster|meet", Meet, "Succeeds for a node of this cluster; others join by a token");
        table.Bind("migrate", Migrate, "Moves the slot of its keys to another node of this cluster, whole", CommandPlace.Node);
    }

    private static bool TrySlot(CommandCall call, int argument, out int slot)
    {
        slot = 0;
        if (int.TryParse(call[argument], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number is >= 0 and < KeySlot.Count)
        {
            slot = number;
            return true;
        }

        call.Reply.Error("ERR Invalid or out of range slot"u8);
        return false;
    }

    private static SlotRanges One(int slot) => SlotRanges.Of([(slot, slot)]);

    private static void SetSlot(CommandCall call)
    {
        if (!TrySlot(call, 2, out var slot)) return;
        var topology = call.Node.Topology;
        var isHere = topology.SeatOf(slot) is { Log.IsLedHere: true } seat && seat.Machine.State.Slots.Owned[slot];
        if (call.Is(3, "STABLE"u8) && call.Count == 4)
        {
            HoldfastCommands.Ask(call, new ClusterWish.Settle(slot));
            return;
        }

        if (call.Count != 5 || !(call.Is(3, "MIGRATING"u8) || call.Is(3, "IMPORTING"u8) || call.Is(3, "NODE"u8)))
        {
            call.Reply.Error("ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"u8);
            return;
        }

        if (HoldfastCommands.Peer(call, 4) is not { } peer) return;
        if (call.Is(3, "NODE"u8)) HoldfastCommands.Ask(call, new ClusterWish.Move(One(slot), peer.Node));
        else if (call.Is(3, "IMPORTING"u8) && isHere) call.Reply.Error($"ERR I'm already the owner of hash slot {slot}");
        else if (call.Is(3, "IMPORTING"u8)) call.Reply.Ok(); // The move is begun where the slot is.
        else if (!isHere) call.Reply.Error($"ERR I'm not the owner of hash slot {slot}");
        else HoldfastCommands.Ask(call, new ClusterWish.BeginMove(One(slot), peer.Node));
    }

    /// <summary>The slots that the arguments name; null when they were refused.</summary>
    private static SlotSet? Named(CommandCall call, int step)
    {
        var slots = new SlotSet();
        if ((call.Count - 2) % step != 0)
        {
            call.WrongArity();
            return null;
        }

        for (var at = 2; at < call.Count; at += step)
        {
            if (!TrySlot(call, at, out var first) || !TrySlot(call, at + step - 1, out var last)) return null;
            if (first > last)
            {
                call.Reply.Error($"ERR start slot number {first} is greater than end slot number {last}");
                return null;
            }

            for (var slot = first; slot <= last; slot++)
            {
                if (slots[slot])
                {
                    call.Reply.Error($"ERR Slot {slot} specified multiple times");
                    return null;
                }

                slots[slot] = true;
            }
        }

        return slots;
    }

    private static void AddSlots(CommandCall call, int step)
    {
        if (Named(call, step) is not { } slots) return;
        foreach (var slot in SlotRanges.Of(slots).Slots())
        {
            if (call.Node.Topology.ShardOf(slot) < 0) continue;
            call.Reply.Error($"ERR Slot {slot} is already busy");
            return;
        }

        call.Reply.Error("ERR the slots of a fresh cluster are shared out by itself"u8);
    }

    private static void RefuseDelete(CommandCall call, int step)
    {
        if (Named(call, step) is not { } slots) return;
        foreach (var slot in SlotRanges.Of(slots).Slots())
        {
            if (call.Node.Topology.ShardOf(slot) >= 0) call.Reply.Error($"ERR Slot {slot} is served, and every slot has an owner: move it (CLUSTER SETSLOT, holdfast keyspace move)");
            else call.Reply.Error($"ERR Slot {slot} is already unassigned");
            return;
        }
    }

    private static void FlushSlots(CommandCall call)
    {
        if (call.Node.Topology.Led.Any(seat => seat.Machine.Keyspace.KeyCount > 0)) call.Reply.Error("ERR DB must be empty to perform CLUSTER FLUSHSLOTS."u8);
        else if (call.Node.Topology.Led.Any(seat => seat.Machine.State.Slots.Owned.Count > 0)) call.Reply.Error("ERR every slot has an owner: move them (holdfast keyspace move)"u8);
        else call.Reply.Ok();
    }

    private static void Replicate(CommandCall call)
    {
        if (HoldfastCommands.Peer(call, 2) is not { } peer) return;
        var topology = call.Node.Topology;
        if (peer.Node == topology.Self) call.Reply.Error("ERR Can't replicate myself"u8);
        else if (topology.Follows.ContainsKey(peer.Node)) call.Reply.Error("ERR I can only replicate a master, not a replica."u8);
        else if (topology.Led.Any(seat => seat.Machine.State.Slots.Owned.Count > 0)) call.Reply.Error("ERR To set a master the node must be empty and without assigned slots."u8);
        else HoldfastCommands.Ask(call, new ClusterWish.Follow(peer.Node));
    }

    private static void Failover(CommandCall call)
    {
        if (call.Count > 3 || (call.Count == 3 && !call.Is(2, "FORCE"u8) && !call.Is(2, "TAKEOVER"u8))) call.SyntaxError();
        else if (!call.Node.Topology.Follows.ContainsKey(call.Node.Topology.Self)) call.Reply.Error("ERR You should send CLUSTER FAILOVER to a replica"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.TakeOver());
    }

    private static void Forget(CommandCall call)
    {
        if (HoldfastCommands.Peer(call, 2) is not { } peer) return;
        var view = new ClusterView(call.Node.Topology);
        if (peer.Node == call.Node.Topology.Self) call.Reply.Error("ERR I tried hard but I can't forget myself..."u8);
        else if (view.RangesOf(peer.Node).Any()) call.Reply.Error("ERR the node has slots: move them to others first"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.Forget(peer.Node));
    }

    private static void Reset(CommandCall call)
    {
        if (call.Count > 3 || (call.Count == 3 && !call.Is(2, "SOFT"u8) && !call.Is(2, "HARD"u8))) call.SyntaxError();
        else if (call.Node.Topology.Led.Any(seat => seat.Machine.State.Slots.Owned.Count > 0)) call.Reply.Error("ERR CLUSTER RESET can't be called with master nodes containing keys"u8);
        else call.Reply.Ok();
    }

    private static void SetConfigEpoch(CommandCall call)
    {
        if (!call.TryInteger(2, out var epoch)) return;
        if (epoch < 0) call.Reply.Error($"ERR Invalid config epoch specified: {epoch}");
        else if (call.Node.Topology.Peers.Length > 1) call.Reply.Error("ERR The user can assign a config epoch only when the node does not know any other node."u8);
        else call.Reply.Error("ERR Node config epoch is already non-zero"u8);
    }

    private static void Meet(CommandCall call)
    {
        if (!int.TryParse(call[3], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is 0 or > 65535)
        {
            call.Reply.Error($"ERR Invalid base port specified: {Encoding.UTF8.GetString(call[3])}");
            return;
        }

        var host = Encoding.ASCII.GetString(call[2]);
        if (call.Node.Topology.Peers.Any(peer => peer.Host == host && peer.Port == port)) call.Reply.Ok();
        else call.Reply.Error("ERR that node is of another cluster: start it with --join and a token (holdfast token)"u8);
    }

    /// <summary>MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password] [AUTH2 user password] [KEYS key …]: the whole slot goes, at once.</summary>
    private static void Migrate(CommandCall call)
    {
        if (call.Client is not { } client || client.Transaction.IsOpen)
        {
            call.Reply.Error("ERR MIGRATE is not allowed in transactions"u8);
            return;
        }

        var keys = new List<int>();
        for (var at = 6; at < call.Count; at++)
        {
            if (call.Is(at, "COPY"u8))
            {
                call.Reply.Error("ERR MIGRATE moves a slot, whole; it does not copy"u8);
                return;
            }

            if (!call.Is(at, "KEYS"u8)) continue;
            keys.AddRange(Enumerable.Range(at + 1, call.Count - at - 1));
            break;
        }

        if (call[3].Length > 0) keys.Add(3);
        if (keys.Count == 0)
        {
            call.SyntaxError();
            return;
        }

        var topology = call.Node.Topology;
        var slot = KeySlot.Of(call[keys[0]]);
        if (topology.SeatOf(slot) is { Log.IsLedHere: true } seat && seat.Machine.State.Slots.Owned[slot] && !keys.Exists(at => seat.Machine.Keyspace.Locate(call[at], KeySlot.Of(call[at])).Exists))
        {
            call.Reply.Simple("NOKEY"u8);
            return;
        }

        var (host, port) = (Encoding.ASCII.GetString(call[1]), Encoding.ASCII.GetString(call[2]));
        var target = topology.Peers.FirstOrDefault(peer => (peer.Host == host || (host is "localhost" && peer.Host == "127.0.0.1")) && peer.Port.ToString(CultureInfo.InvariantCulture) == port);
        if (target is null) call.Reply.Error("ERR Target instance is not a node of this cluster"u8);
        else if (target.Node == topology.Self) call.Reply.Error("ERR Target instance is this node itself"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.Move(One(slot), target.Node));
    }
}
