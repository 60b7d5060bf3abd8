using System.Globalization;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Where a request goes.</summary>
internal enum Road : byte
{
    /// <summary>Nowhere: an error.</summary>
    Refuse = 0,

    /// <summary>Executed by the node, now.</summary>
    Node = 1,

    /// <summary>To a shard's convoy.</summary>
    Shard = 2,

    /// <summary>Into the client's transaction.</summary>
    Queue = 3,

    /// <summary>Nobody is known to lead its shard: later.</summary>
    Wait = 4,

    /// <summary>A read, by this node's replica.</summary>
    Replica = 5,

    /// <summary>To the node that leads its shard.</summary>
    Forward = 6,

    /// <summary>To several slots, as a command for each.</summary>
    FanOut = 7,
}

/// <summary>A request's way.</summary>
internal readonly record struct Routed(Road Road, CommandSpec? Spec, int Slot, Convoy? Convoy, string? Text)
{
    /// <summary>The replica that reads, on <see cref="Road.Replica"/>.</summary>
    public ShardSeat? Seat { get; init; }

    /// <summary>The node that it goes to, on <see cref="Road.Forward"/>.</summary>
    public NodeId Target { get; init; }

    /// <summary>On <see cref="Road.Queue"/>: its keys are acknowledged by a quorum.</summary>
    public bool IsQuorum { get; init; }

    public static Routed Refuse(string text, CommandSpec? spec = null) => new(Road.Refuse, spec, -1, null, text);
}

/// <summary>Finds where a request goes: is it known, is it whole, which slot, who leads that (the order of Redis's processCommand, so that the same error wins).</summary>
internal static class RequestRouter
{
    public static Routed Route(KeyspaceNode node, ClientSession client, RespArguments request)
    {
        if (Find(node.Table, request, out var fault, out var meant) is not { } spec) return Routed.Refuse(fault, meant);
        if (AclGate.Refusal(node, client, spec, request) is { } refusal) return Routed.Refuse(Aborting(spec, refusal), spec);
        if (node.Scripts.IsBusy && !spec.Has(CommandFlags.AllowBusy)) return Routed.Refuse(Aborting(spec, ScriptCommands.Busy(node.Scripts.Running)), spec);
        if (node.Pause.Holds(spec, request, client.Transaction, node)) return new Routed(Road.Wait, spec, -1, null, null);
        if (request.Bytes > WriteBytesMax && spec.Has(CommandFlags.Write)) return Routed.Refuse(Text(CommandErrors.StringTooLong), spec);
        var transaction = client.Transaction;
        if (client.IsOnlyListening && !MayListener(spec))
            return Routed.Refuse($"ERR Can't execute '{spec.Name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", spec);
        if (spec.Place == CommandPlace.Connection) return RouteConnection(node, client, spec);
        if (transaction.IsOpen && spec.Name == "watch") return new Routed(Road.Node, spec, -1, null, null);
        if (transaction.IsOpen && spec.Has(CommandFlags.NoMulti)) return Routed.Refuse("ERR Command not allowed inside a transaction", spec);
        if (transaction.IsOpen && spec.Has(CommandFlags.DenyOom) && node.Settings.Policy == EvictionPolicy.NoEviction && node.IsOutOfMemory) return Routed.Refuse(Text(CommandErrors.OutOfMemory), spec);
        var slot = SlotOf(spec, request, node.Places);
        if (slot == Crossing) return !transaction.IsOpen && FanOut.Takes(spec) && client.Forwards ? new Routed(Road.FanOut, spec, -1, null, null) : Routed.Refuse(Text(CommandErrors.CrossSlot), spec);
        var durability = node.Durabilities.Of(client, spec, request);
        if (transaction.IsOpen)
        {
            var way = slot >= 0 ? ToSlot(node, client, spec, slot, durability) : default;
            return slot >= 0 && way.Road == Road.Refuse ? way : new Routed(Road.Queue, spec, slot, null, null) { IsQuorum = slot >= 0 && durability == Durability.Quorum };
        }

        if (spec.Place == CommandPlace.Node && spec.Keys.Length > 0) return new Routed(Road.Node, spec, -1, null, null); // MIGRATE: it touches no shard by itself.
        if (spec.Place == CommandPlace.EveryShard) return ToEveryShard(node, client, spec);
        if (slot < 0 && spec.Place == CommandPlace.AnyShard) return ToAnyShard(node, client, spec);
        return slot < 0 ? new Routed(Road.Node, spec, -1, null, null) : ToSlot(node, client, spec, slot, durability);
    }

    private static Routed ToAnyShard(KeyspaceNode node, ClientSession client, CommandSpec spec)
    {
        foreach (var seat in node.Topology.Led)
            if (seat.Machine.State.Slots.IsClaimed) return new Routed(Road.Shard, spec, -1, seat.ConvoyOf(client.Durability), null);
        return new Routed(Road.Node, spec, -1, null, null);
    }

    /// <summary>The next shard of a command that visits all of them.</summary>
    public static Routed NextShard(KeyspaceNode node, ClientSession client, CommandSpec spec)
    {
        var left = client.ShardsVisited;
        foreach (var seat in node.Topology.Led)
            if (left-- == 0) return new Routed(Road.Shard, spec, -1, seat.ConvoyOf(client.Durability), null);
        return Routed.Refuse(Text(CommandErrors.ClusterDown), spec);
    }

    public static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

    private static bool MayListener(CommandSpec spec) => spec.Name is "subscribe" or "unsubscribe" or "psubscribe" or "punsubscribe" or "ssubscribe" or "sunsubscribe" or "ping" or "quit" or "reset";

    private const int Crossing = -2;

    /// <summary>Bytes of a command that changes something: its effects are one command of a group, which is bounded (Holdfast.Replication).</summary>
    private const long WriteBytesMax = 24L * 1024 * 1024;

    private static Routed RouteConnection(KeyspaceNode node, ClientSession client, CommandSpec spec)
    {
        var transaction = client.Transaction;
        var isExecuting = spec.Name == "exec" && transaction.IsOpen && !transaction.IsSpoilt && !transaction.IsBroken && !transaction.IsCrossing;
        if (!isExecuting) return new Routed(Road.Node, spec, -1, null, null);
        var watchedAt = client.Forwarding?.WatchedAt ?? NodeId.None;
        var way = transaction.Slot >= 0 ? ToSlot(node, client, spec, transaction.Slot, node.Durabilities.Of(client, transaction))
            : watchedAt != NodeId.None ? new Routed(Road.Forward, spec, -1, null, null) { Target = watchedAt } : new Routed(Road.Node, spec, -1, null, null);
        if (watchedAt == NodeId.None || way.Road is Road.Wait or Road.Refuse || (way.Road == Road.Forward && way.Target == watchedAt)) return way;

        // What it watches is elsewhere than what it changes, so nobody can say in one step that the one still holds when the other is done: as if it had changed.
        transaction.IsBroken = true;
        return new Routed(Road.Node, spec, -1, null, null);
    }

    /// <summary>The command of a request, or the words in which Redis refuses it.</summary>
    public static CommandSpec? Find(CommandTable table, RespArguments request, out string fault) => Find(table, request, out fault, out _);

    /// <summary>The same, and which command was meant when only the number of its arguments is wrong.</summary>
    public static CommandSpec? Find(CommandTable table, RespArguments request, out string fault, out CommandSpec? meant)
    {
        (fault, meant) = ("", null);
        var spec = table.Find(request[0]);
        if (spec is { IsInternal: true } || spec is null || !spec.IsBound)
        {
            fault = Unknown(request);
            return null;
        }

        if (spec.Subcommands is { } subcommands && (request.Count > 1 || !spec.IsHandled))
        {
            if (request.Count < 2) return Arity(spec, ref fault, out meant);
            if (!subcommands.TryGetValue(Text(request[1]).ToLowerInvariant(), out var sub) || !sub.IsBound)
            {
                if (spec.IsHandled && spec.Arity < -1) return spec.Takes(request.Count) ? spec : Arity(spec, ref fault, out meant);
                fault = $"ERR unknown subcommand '{Shown(request[1], 128)}'. Try {spec.Name.ToUpperInvariant()} HELP.";
                return null;
            }

            spec = sub;
        }

        if (!spec.Takes(request.Count)) return Arity(spec, ref fault, out meant);
        return spec.Otherwise is null ? spec : spec.Otherwise(spec, request) ?? spec;
    }

    private static CommandSpec? Arity(CommandSpec spec, ref string fault, out CommandSpec meant)
    {
        meant = spec;
        fault = Aborting(spec, $"ERR wrong number of arguments for '{spec.Name}' command");
        return null;
    }

    /// <summary>An EXEC that is refused takes its transaction along, and says so.</summary>
    public static string Aborting(CommandSpec spec, string refusal) => spec.Name != "exec" ? refusal : "EXECABORT Transaction discarded because of: " + (refusal.StartsWith("ERR ", StringComparison.Ordinal) ? refusal[4..] : refusal);

    private static string Unknown(RespArguments request)
    {
        var text = new StringBuilder("ERR unknown command '").Append(Shown(request[0], 128)).Append("', with args beginning with: ");
        var arguments = 0;
        for (var i = 1; i < request.Count && arguments < 128; i++)
        {
            var shown = Shown(request[i], 128 - arguments);
            text.Append('\'').Append(shown).Append("' ");
            arguments += shown.Length + 3;
        }

        return text.ToString();
    }

    private static string Shown(ReadOnlySpan<byte> bytes, int max)
    {
        var end = bytes.IndexOf((byte)0);
        if (end >= 0) bytes = bytes[..end];
        return Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, max)]);
    }

    private static int SlotOf(CommandSpec spec, RespArguments request, List<int> places)
    {
        if (spec.Keys.Length == 0 && spec.MoreKeys is null) return -1;
        var (first, last, _) = spec.Range;
        if (first > 0 && last == first && spec is { Keys.Length: 1, MoreKeys: null }) return KeySlot.Of(request[first]);
        spec.FindKeys(request, places);
        var slot = -1;
        foreach (var place in places)
        {
            var of = KeySlot.Of(request[place]);
            if (slot >= 0 && of != slot) return Crossing;
            slot = of;
        }

        return slot;
    }

    private static Routed ToEveryShard(KeyspaceNode node, ClientSession client, CommandSpec spec)
    {
        client.Gathering.Begin(node.Topology.Led.Count());
        return client.Gathering.Shards == 0 ? new Routed(Road.Node, spec, -1, null, null) : NextShard(node, client, spec);
    }

    private static Routed ToSlot(KeyspaceNode node, ClientSession client, CommandSpec spec, int slot, Durability durability)
    {
        var topology = node.Topology;
        var shard = topology.ShardOf(slot);
        if (shard < 0) return topology is { Shards.Length: 0, Alone: null } ? new Routed(Road.Wait, spec, slot, null, null) : Routed.Refuse(Text(CommandErrors.ClusterDown), spec);
        if (!IsServed(node, spec)) return Routed.Refuse(Text(node.Settings.ReadsWhenDown ? CommandErrors.StateDownReads : CommandErrors.StateDown), spec);
        if (topology.Seats[shard] is { Log.IsLedHere: true } seat)
        {
            if (seat.Machine.State.Slots.Owned[slot] || !seat.Machine.Role.IsLeader || (node.Bug == PlantedShardBug.SourceReadsSealed && spec.Has(CommandFlags.ReadOnly))) return new Routed(Road.Shard, spec, slot, seat.ConvoyOf(durability), null);
            if (ByMoves(node, client, spec, slot, seat, durability) is { } way) return way;
        }
        else if (Adopted(topology, slot) is { } adopter)
        {
            return new Routed(Road.Shard, spec, slot, adopter.ConvoyOf(durability), null);
        }

        if (client is { IsReadOnly: true, MayReadReplica: true, Transaction.IsOpen: false } && spec.Has(CommandFlags.ReadOnly) && !spec.Has(CommandFlags.Blocking) && topology.Seats[shard] is { } replica)
            return new Routed(Road.Replica, spec, slot, null, null) { Seat = replica };
        return ToLeader(node, client, spec, slot, shard);
    }

    /// <summary>Whether the cluster serves this (cluster_state): as a rule nothing while a slot is nobody's, or its quorum is away.</summary>
    private static bool IsServed(KeyspaceNode node, CommandSpec spec) =>
        node.ClusterHealth.IsOk(node.Topology, node.Settings) || (node.Topology.Alone is null && node.Settings.ReadsWhenDown && spec.Has(CommandFlags.ReadOnly));

    /// <summary>The way of a slot that the layout gives to a shard led here, which does not serve it: it has just moved, or is about to.</summary>
    private static Routed? ByMoves(KeyspaceNode node, ClientSession client, CommandSpec spec, int slot, ShardSeat seat, Durability durability)
    {
        if (seat.Machine.State.Slots.LeavingBy(slot) is { } move)
        {
            if (move.Phase == DeparturePhase.Sealed) return new Routed(Road.Wait, spec, slot, null, Text(CommandErrors.Moving));
            var target = node.Topology.PlaceOf(move.Target);
            if (target < 0) return new Routed(Road.Wait, spec, slot, null, null);
            return node.Topology.Seats[target] is { Log.IsLedHere: true } there ? new Routed(Road.Shard, spec, slot, there.ConvoyOf(durability), null) : ToLeader(node, client, spec, slot, target);
        }

        return Adopted(node.Topology, slot) is { } adopter ? new Routed(Road.Shard, spec, slot, adopter.ConvoyOf(durability), null) : new Routed(Road.Wait, spec, slot, null, null);
    }

    /// <summary>The shard led here that has a slot by its own log, which decides; the layout is only late.</summary>
    private static ShardSeat? Adopted(Topology topology, int slot)
    {
        foreach (var seat in topology.Led)
            if (seat.Machine.Role.IsLeader && seat.Machine.State.Slots.Owned[slot]) return seat;
        return null;
    }

    private static Routed ToLeader(KeyspaceNode node, ClientSession client, CommandSpec spec, int slot, int shard)
    {
        var topology = node.Topology;
        var leader = topology.LeaderOf(shard);
        if (leader == NodeId.None || leader == topology.Self || topology.PeerOf(leader) is not { IsServing: true } peer) return new Routed(Road.Wait, spec, slot, null, null);
        if (spec.Name != "ssubscribe" && client.Forwards) return client.Hops < ClientForwarding.HopsMax ? new Routed(Road.Forward, spec, slot, null, null) { Target = leader } : new Routed(Road.Wait, spec, slot, null, null);
        return Routed.Refuse(string.Create(CultureInfo.InvariantCulture, $"MOVED {slot} {peer.Host}:{peer.PortFor(client)}"), spec);
    }
}
