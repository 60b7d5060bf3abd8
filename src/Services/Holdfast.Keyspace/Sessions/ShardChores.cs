using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What a shard's leader does by itself, now and then: claims the slots of the layout, once, and deletes keys that have expired. Each as an entry like any other.</summary>
internal sealed class ShardChores(KeyspaceNode node)
{
    private readonly Dictionary<GroupId, (Chore Claim, Chore Expiry, Chore Tidy)> known = [];

    /// <summary>Looks at every shard that is led here.</summary>
    public void Look()
    {
        var topology = node.Topology;
        node.ClusterHealth.Look(topology, node.Settings, node.Now);
        node.Rates.Look(node.Now, node.Counters);
        for (var i = 0; i < topology.Shards.Length; i++)
        {
            if (topology.Seats[i] is not { Log.IsLedHere: true } seat || !seat.Machine.Role.IsLeader) continue;
            var shard = topology.Shards[i];
            if (!known.TryGetValue(seat.Group, out var chores))
                known[seat.Group] = chores = (new Chore(seat, call => Claim(call, shard)), new Chore(seat, Timed(new ExpiryRound().Run)), new Chore(seat, MoveDoor.Tidy));
            node.Subscriptions.EndLost(seat.Machine);
            node.Tracking.OnSlots(seat.Machine);
            seat.Machine.Waits.EndLost(seat.Machine.State.Slots, node);
            if (!seat.Machine.State.Slots.IsClaimed) chores.Claim.Propose();
            else if (node is { ExpiresActively: true, IsCronPaused: false } && (seat.Machine.Keyspace.VolatileCount > 0 || seat.Machine.Keyspace.HasFieldDates)) chores.Expiry.Propose();
            if (seat.Machine.State.Slots.Incoming.Values.Any(move => move.Phase == ArrivalPhase.Refused)) chores.Tidy.Propose();
        }
    }

    /// <summary>The deletion of expired keys, with a look at how long it takes.</summary>
    private Action<CommandCall> Timed(Action<CommandCall> run) => call =>
    {
        var begun = node.ReadClock();
        run(call);
        node.Latency.Add(LatencyMonitor.ExpireCycle, (node.ReadClock() - begun).Ticks / 10);
    };

    private void Claim(CommandCall call, ClusterShard shard)
    {
        if (call.Shard.State.Slots.IsClaimed) return;
        var words = new List<byte[]> { ShardCommands.ClaimName.ToArray(), Number((long)node.Dice.NextUInt64()) };
        foreach (var (first, last) in shard.Slots)
        {
            words.Add(Number(first));
            words.Add(Number(last));
        }

        call.RunOwn(words);
    }

    private static byte[] Number(long number)
    {
        var text = new byte[24];
        return text[..RespNumber.Format(number, text)];
    }

    /// <summary>Work of ours on a shard, at most once under way.</summary>
    private sealed class Chore : IShardWork, IProposalCompletion
    {
        private readonly ShardSeat seat;
        private readonly Action<CommandCall> run;
        private readonly byte[] work;
        private readonly List<(ClientSession Client, long Ticket)> held = [];
        private bool isUnderway;

        public Chore(ShardSeat seat, Action<CommandCall> run)
        {
            (this.seat, this.run) = (seat, run);
            work = seat.Machine.Register(this);
        }

        public void Propose()
        {
            if (isUnderway) return;
            isUnderway = true;
            seat.Log.Propose(work, default, this);
        }

        public void Run(ShardMachine shard)
        {
            shard.Call.ActForNobody();
            run(shard.Call);
            shard.Call.Node.Tracking.Broadcast(shard);
            foreach (var client in shard.Pushed) held.Add((client, client.Replies.Hold()));
            shard.Pushed.Clear();
        }

        public void OnCompleted(in ProposeOutcome outcome)
        {
            isUnderway = false;
            foreach (var (client, ticket) in held)
            {
                if (outcome.IsApplied) client.OnReleased(ticket);
                else client.Close(); // It was told what nobody knows (S19).
            }

            held.Clear();
        }
    }
}

/// <summary>Deletes some keys and fields that have expired: walks the slots that have keys or fields with a time to live, a little at each round, longer while it finds many (as Redis's active expire cycle does).</summary>
internal sealed unsafe class ExpiryRound
{
    private const int HomesPerRound = 4096;
    private const int KeysPerRound = 1024;
    private const int FieldsPerRound = 2 * HashExpiry.DroppedByRound;

    private readonly List<nint> expired = [];
    private readonly List<nint> dated = [];
    private int slot;
    private ulong cursor;
    private bool hasDates;
    private long notedAtBegin;

    public void Run(CommandCall call)
    {
        var keyspace = call.Keyspace;
        var owned = call.Shard.State.Slots.Owned; // What is sealed or staged changes by moves only (S21).
        var visitor = new Looking { Keyspace = keyspace, Now = call.Now, Expired = expired, Dated = dated };
        var empty = 0;
        for (var homes = HomesPerRound; homes > 0 && expired.Count + dated.Count < KeysPerRound && empty < KeySlot.Count; homes--)
        {
            while (empty < KeySlot.Count && ((keyspace.VolatileIn(slot) == 0 && !keyspace.HasFieldDatesIn(slot)) || !owned[slot]))
            {
                (slot, cursor) = ((slot + 1) % KeySlot.Count, 0);
                empty++;
            }

            if (empty == KeySlot.Count) break;
            if (cursor == 0) (hasDates, notedAtBegin) = (false, keyspace.FieldDatesNoted);
            visitor.HasDates = false;
            cursor = keyspace.Table(slot).Walk(cursor, ref visitor);
            hasDates |= visitor.HasDates;
            if (cursor == 0)
            {
                if (!hasDates && notedAtBegin == keyspace.FieldDatesNoted) keyspace.ForgetFieldDates(slot);
                slot = (slot + 1) % KeySlot.Count;
                empty++;
            }
        }

        foreach (var address in expired) call.ExpireRecord(address);
        var fields = FieldsPerRound;
        for (var i = 0; i < dated.Count && fields > 0; i++) fields -= HashExpiry.DropSome(call, dated[i]);
        expired.Clear();
        dated.Clear();
    }

    private struct Looking : IRecordVisitor
    {
        public Keyspace Keyspace;
        public long Now;
        public List<nint> Expired;
        public List<nint> Dated;
        public bool HasDates;

        public void Visit(byte* record)
        {
            if (KeyRecord.Expiry(record) is >= 0 and var expiry && expiry < Now)
            {
                Expired.Add((nint)record);
                return;
            }

            if (KeyRecord.Kind(record) != ValueKind.Hash) return;
            var soonest = HashValue.SoonestOf(Keyspace, new KeyPlace(default, 0, 0, record));
            HasDates |= soonest != long.MaxValue;
            if (soonest < Now) Dated.Add((nint)record);
        }
    }
}
