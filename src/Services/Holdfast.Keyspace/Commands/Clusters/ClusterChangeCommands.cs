using System.Globalization;
using System.Text;
using Holdfast.Primitives;

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
        table.Bind("cluster|delslots", call => DropSlots(call, 1), "Takes slots back from a node without a cluster; refused for slots that are served: move them");
        table.Bind("cluster|delslotsrange", call => DropSlots(call, 2), "Takes slots back from a node without a cluster; refused for slots that are served: move them");
        table.Bind("cluster|flushslots", FlushSlots, "Takes all slots back from a node without a cluster; refused for slots that are served: move them");
        table.Bind("cluster|replicate", Replicate, "Makes this node lead no shard, and follow a node that does");
        table.Bind("cluster|failover", Failover, "Hands what this node's master leads to this node, once it has caught up");
        table.Bind("cluster|forget", Forget, "Takes a node without slots out of the cluster");
        table.Bind("cluster|reset", Reset, "Has a node that its cluster has removed begin anew, alone and empty; changes nothing on a member, and is refused where there are slots");
        table.Bind("cluster|bumpepoch", BumpEpoch, "Raises the epoch of a node without a cluster; changes nothing in one: epochs come from the shards' logs");
        table.Bind("cluster|set-config-epoch", SetConfigEpoch, "Gives a node without a cluster its epoch; refused in one: epochs come from the shards' logs");
        table.Bind("cluster|saveconfig", call => call.Reply.Ok(), "Does nothing: the cluster is in its log already");
        table.Bind("cluster|meet", Meet, "Makes this node and another one of one cluster: whichever of the two has none, and so no data, joins the other's");
        table.Bind("migrate", Migrate, "Moves the slot of its keys to another node of this cluster, whole", CommandPlace.Node).MoreKeys = ChooseKeys;
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
        var isHere = topology.Alone is { } alone ? alone.Slots.Contains(slot) : topology.SeatOf(slot) is { Log.IsLedHere: true } seat && seat.Machine.State.Slots.Owned[slot];
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

        if (call.Is(3, "IMPORTING"u8) && isHere) call.Reply.Error($"ERR I'm already the owner of hash slot {slot}");
        else if (call.Is(3, "MIGRATING"u8) && !isHere) call.Reply.Error($"ERR I'm not the owner of hash slot {slot}");
        else if (HoldfastCommands.Peer(call, 4, call.Is(3, "NODE"u8) ? "Unknown node" : "I don't know about node") is not { } peer) return;
        else if (topology.Follows.ContainsKey(peer.Node)) call.Reply.Error("ERR Target node is not a master"u8);
        else if (call.Is(3, "NODE"u8)) SetOwner(call, slot, peer);
        else if (call.Is(3, "IMPORTING"u8)) call.Reply.Ok(); // The move is begun where the slot is.
        else HoldfastCommands.Ask(call, new ClusterWish.BeginMove(One(slot), peer.Node));
    }

    /// <summary>SETSLOT NODE: a slot that nobody has is given to this node only, by itself; one that somebody has goes by a move.</summary>
    private static void SetOwner(CommandCall call, int slot, ClusterPeer peer)
    {
        var topology = call.Node.Topology;
        if (topology.ShardOf(slot) >= 0 && topology.Alone is null) HoldfastCommands.Ask(call, new ClusterWish.Move(One(slot), peer.Node));
        else if (topology.ShardOf(slot) >= 0) call.Reply.Ok(); // There is one node, and it has the slot.
        else if (peer.Node == topology.Self) HoldfastCommands.Ask(call, new ClusterWish.AddSlots(One(slot)));
        else call.Reply.Error($"ERR Slot {slot} is nobody's: give it to that node itself (CLUSTER ADDSLOTS)");
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

        HoldfastCommands.Ask(call, new ClusterWish.AddSlots(SlotRanges.Of(slots)));
    }

    private static void DropSlots(CommandCall call, int step)
    {
        if (Named(call, step) is not { } slots) return;
        var topology = call.Node.Topology;
        foreach (var slot in SlotRanges.Of(slots).Slots())
        {
            if (topology.ShardOf(slot) < 0) call.Reply.Error($"ERR Slot {slot} is already unassigned");
            else if (topology.Alone is null) call.Reply.Error($"ERR Slot {slot} is served, and every slot has an owner: move it (CLUSTER SETSLOT, holdfast keyspace move)");
            else continue;
            return;
        }

        HoldfastCommands.Ask(call, new ClusterWish.DropSlots(SlotRanges.Of(slots), DropsEpoch: false));
    }

    private static SlotRanges Every => SlotRanges.Of([(0, KeySlot.Count - 1)]);

    private static void FlushSlots(CommandCall call)
    {
        if (call.Node.Topology.Alone is not null) HoldfastCommands.Ask(call, new ClusterWish.DropSlots(Every, DropsEpoch: false));
        else if (call.Node.Topology.Led.Any(seat => seat.Machine.Keyspace.KeyCount > 0)) call.Reply.Error("ERR DB must be empty to perform CLUSTER FLUSHSLOTS."u8);
        else if (HasSlots(call.Node.Topology)) call.Reply.Error("ERR every slot has an owner: move them (holdfast keyspace move)"u8);
        else call.Reply.Ok();
    }

    /// <summary>Whether this node has slots: those of shards that it leads, but not of one that another node shall lead again in a moment.</summary>
    private static bool HasSlots(Topology topology) =>
        topology.Led.Any(seat => seat.Machine.State.Slots.Owned.Count > 0 && topology.Homes.GetValueOrDefault(seat.Group, topology.Self) == topology.Self)
        || topology.Shards.Any(shard => shard.Slots.Length > 0 && topology.Homes.GetValueOrDefault(shard.Group, NodeId.None) == topology.Self);

    private static void Replicate(CommandCall call)
    {
        if (HoldfastCommands.Peer(call, 2) is not { } peer) return;
        var topology = call.Node.Topology;
        if (peer.Node == topology.Self) call.Reply.Error("ERR Can't replicate myself"u8);
        else if (topology.Follows.ContainsKey(peer.Node)) call.Reply.Error("ERR I can only replicate a master, not a replica."u8);
        else if (HasSlots(topology)) call.Reply.Error("ERR To set a master the node must be empty and without assigned slots."u8);
        else HoldfastCommands.Ask(call, new ClusterWish.Follow(peer.Node));
    }

    private static void Failover(CommandCall call)
    {
        if (call.Count > 3) call.WrongSubcommand();
        else if (call.Count == 3 && !call.Is(2, "FORCE"u8) && !call.Is(2, "TAKEOVER"u8)) call.SyntaxError();
        else if (!call.Node.Topology.Follows.ContainsKey(call.Node.Topology.Self)) call.Reply.Error("ERR You should send CLUSTER FAILOVER to a replica"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.TakeOver());
    }

    private static void Forget(CommandCall call)
    {
        var name = Encoding.ASCII.GetString(call[2]);
        var topology = call.Node.Topology;
        if (ClusterPeer.NodeOf(name) is not { } gone)
        {
            call.Reply.Error($"ERR Unknown node {name}");
            return;
        }

        var view = new ClusterView(topology);
        if (gone == topology.Self) call.Reply.Error("ERR I tried hard but I can't forget myself..."u8);
        else if (topology.Follows.GetValueOrDefault(topology.Self, NodeId.None) == gone) call.Reply.Error("ERR Can't forget my master!"u8);
        else if (view.RangesOf(gone).Any()) call.Reply.Error("ERR the node has slots: move them to others first"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.Forget(gone)); // One that has left already is forgotten.
    }

    private static void Reset(CommandCall call)
    {
        if (call.Count > 3) call.WrongSubcommand();
        else if (call.Count == 3 && !call.Is(2, "SOFT"u8) && !call.Is(2, "HARD"u8)) call.SyntaxError();
        else if (call.Node.Topology.Alone is not null) HoldfastCommands.Ask(call, new ClusterWish.DropSlots(Every, DropsEpoch: call.Count == 3 && call.Is(2, "HARD"u8)));
        else if (HasSlots(call.Node.Topology)) call.Reply.Error("ERR CLUSTER RESET can't be called with master nodes containing keys"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.BeginAnew());
    }

    private static void SetConfigEpoch(CommandCall call)
    {
        if (!call.TryInteger(2, out var epoch)) return;
        if (epoch < 0) call.Reply.Error($"ERR Invalid config epoch specified: {epoch}");
        else if (call.Node.Topology.Peers.Length > 1) call.Reply.Error("ERR The user can assign a config epoch only when the node does not know any other node."u8);
        else if (call.Node.Topology.Alone is not { Epoch: 0 }) call.Reply.Error("ERR Node config epoch is already non-zero"u8);
        else HoldfastCommands.Ask(call, new ClusterWish.SetEpoch((ulong)epoch));
    }

    private static void BumpEpoch(CommandCall call)
    {
        var topology = call.Node.Topology;
        if (topology.Alone is { Epoch: 0 }) HoldfastCommands.Ask(call, new ClusterWish.SetEpoch(1), (writer, _) => writer.Simple("BUMPED 1"u8));
        else call.Reply.Simple(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"STILL {new ClusterView(topology).EpochOf(topology.Self)}")));
    }

    private static void Meet(CommandCall call)
    {
        if (call.Count > 5)
        {
            call.Reply.Error("ERR wrong number of arguments for 'cluster|meet' command"u8);
            return;
        }

        if (!TryPort(call, 3, "base", out var port)) return;
        var bus = 0L;
        if (call.Count == 5 && !TryPort(call, 4, "bus", out bus)) return;
        var host = Encoding.ASCII.GetString(call[2]);
        if (!System.Net.IPAddress.TryParse(host, out _) || port is <= 0 or > 65535 || bus is < 0 or > 65535) call.Reply.Error($"ERR Invalid node address specified: {host}:{Encoding.UTF8.GetString(call[3])}");
        else if (call.Node.Topology.Peers.Any(peer => peer.Host == host && peer.Port == port)) call.Reply.Ok();
        else HoldfastCommands.Ask(call, new ClusterWish.Meet(host, (int)port, (int)bus));
    }

    private static bool TryPort(CommandCall call, int argument, string which, out long port)
    {
        if (long.TryParse(call[argument], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out port)) return true;
        call.Reply.Error($"ERR Invalid TCP {which} port specified: {Encoding.UTF8.GetString(call[argument])}");
        return false;
    }

    /// <summary>The word where the key would be is empty when those behind KEYS are meant.</summary>
    private static void ChooseKeys(Wire.Resp.RespArguments words, List<int> places)
    {
        const int Key = 3;
        if (words[Key].Length > 0) places.RemoveAll(static place => place != Key);
        else if (places.Count > 1) places.Remove(Key);
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
            if (call[3].Length > 0)
            {
                call.Reply.Error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"u8);
                return;
            }

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
        var target = topology.Peers.FirstOrDefault(peer => (peer.Host == host || (host is "localhost" && peer.Host == "127.0.0.1")) && (peer.Port.ToString(CultureInfo.InvariantCulture) == port || peer.TlsPort.ToString(CultureInfo.InvariantCulture) == port));
        if (topology.ShardOf(slot) < 0) call.Reply.Error(CommandErrors.ClusterDown);
        else if (target is null) call.Reply.Error("ERR Target instance is not a node of this cluster"u8);
        else if (target.Node == topology.Self) call.Reply.Error("ERR Target instance is this node itself"u8);
        else if (topology.ShardOf(slot) is >= 0 and var shard && topology.LeaderOf(shard) == target.Node) call.Reply.Simple("NOKEY"u8); // The slot is there already, with all its keys.
        else HoldfastCommands.Ask(call, new ClusterWish.Move(One(slot), target.Node));
    }
}
