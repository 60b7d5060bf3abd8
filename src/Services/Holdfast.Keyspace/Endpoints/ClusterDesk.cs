using System.Diagnostics;
using System.Globalization;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>Does what commands ask of the cluster: begins moves and waits for them, plans, hands shards over. Each on the thread pool; the end is told on the loop.</summary>
internal sealed class ClusterDesk(KeyspaceNode node, RedisLoop loop, ClusterNode cluster, ClusterPeer self, SlotClaims claims, Action? beginAnew, CancellationToken stopping) : IClusterDesk
{
    /// <summary>Wishes at once; more are refused.</summary>
    private const int WishesMax = 256;

    /// <summary>Moves of one rebalancing at once.</summary>
    private const int MovesAtOnce = 4;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private int wishes;

    public void Do(ClusterWish wish, Action<WishOutcome> done)
    {
        if (Interlocked.Increment(ref wishes) > WishesMax)
        {
            Interlocked.Decrement(ref wishes);
            loop.Post(() => done(WishOutcome.Refused("too much is asked of the cluster at once")));
            return;
        }

        _ = Task.Run(async () =>
        {
            var outcome = await TryAsync(wish).ConfigureAwait(false);
            Interlocked.Decrement(ref wishes);
            loop.Post(() => done(outcome));
        });
    }

    public IReadOnlyList<string> Moves() =>
    [
        .. cluster.View.Procedures.Values.Where(procedure => procedure.Move is not null).Select(procedure =>
            string.Create(CultureInfo.InvariantCulture, $"{procedure.Id}\t{procedure.Move!.Part}\t{procedure.Move.Source}\t{procedure.Move.Target}\t{(procedure.Move.IsCancelled && procedure.State == ProcedureState.Running ? "cancelling" : procedure.State.ToString().ToLowerInvariant())}\t{procedure.Note}")),
    ];

    public (int Done, int Failed, int Running) CountMoves()
    {
        var moves = cluster.View.Procedures.Values.Where(procedure => procedure.Move is not null).ToLookup(procedure => procedure.State);
        return (moves[ProcedureState.Done].Count(), moves[ProcedureState.Failed].Count(), moves[ProcedureState.Running].Count());
    }

    private async Task<WishOutcome> TryAsync(ClusterWish wish)
    {
        try
        {
            return wish switch
            {
                ClusterWish.Move move => await MoveAsync(move.Slots, move.Target, waits: true).ConfigureAwait(false),
                ClusterWish.BeginMove move => await MoveAsync(move.Slots, move.Target, waits: false).ConfigureAwait(false),
                ClusterWish.Settle settle => await SettleAsync(settle.Slot).ConfigureAwait(false),
                ClusterWish.CancelMove cancel => Of(await cluster.CancelMoveAsync(cancel.Id, stopping).ConfigureAwait(false)),
                ClusterWish.Rebalance rebalance => await RebalanceAsync(rebalance.IsPlanOnly).ConfigureAwait(false),
                ClusterWish.Follow follow => Of(await cluster.SetSettingAsync(ShardLayout.FollowsPrefix + node.Topology.Self, follow.Master.ToString(), false, stopping).ConfigureAwait(false)),
                ClusterWish.TakeOver => await TakeOverAsync().ConfigureAwait(false),
                ClusterWish.Forget forget => await ForgetAsync(forget.Node).ConfigureAwait(false),
                ClusterWish.BeginAnew => await BeginAnewAsync().ConfigureAwait(false),
                ClusterWish.AddSlots add => await AddSlotsAsync(add.Slots).ConfigureAwait(false),
                ClusterWish.Meet meet => await MeetCaller.MeetAsync(cluster, self, meet, stopping).ConfigureAwait(false),
                ClusterWish.Confirm => await ConfirmAsync().ConfigureAwait(false),
                _ => WishOutcome.Refused("this is not known here"),
            };
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
            return WishOutcome.Refused("the node stops");
        }
    }

    private static WishOutcome Of(DirectoryReply reply) => reply.Accepted ? WishOutcome.Done : WishOutcome.Refused(reply.Reason);

    private async Task<WishOutcome> MoveAsync(SlotRanges slots, NodeId target, bool waits)
    {
        if (await ShardOfAsync(target).ConfigureAwait(false) is not { } group) return WishOutcome.Refused("that node leads no shard yet: wait until leaders are spread, and ask again");
        var begun = new List<ulong>();
        foreach (var (source, part) in ByShard(slots))
        {
            if (source == group) continue;
            var reply = await cluster.BeginMoveAsync(source, group, part.ToString(), stopping).ConfigureAwait(false);
            if (!reply.Accepted) return WishOutcome.Refused(reply.Reason);
            begun.Add(reply.Id);
        }

        foreach (var id in waits ? begun : [])
            if (await EndOfAsync(id).ConfigureAwait(false) is { Fault: not null } fault) return fault;
        return WishOutcome.Done;
    }

    /// <summary>The slots by the shard that has them, as the directory says.</summary>
    private SortedDictionary<GroupId, SlotRanges> ByShard(SlotRanges slots)
    {
        var sources = new SortedDictionary<GroupId, SlotRanges>();
        foreach (var (group, ranges) in Layout())
        {
            var part = new SlotSet();
            foreach (var slot in SlotRanges.Of(ranges).Slots())
                if (slots.Contains(slot)) part[slot] = true;
            if (part.Count > 0) sources[group] = SlotRanges.Of(part);
        }

        return sources;
    }

    private System.Collections.Immutable.ImmutableSortedDictionary<GroupId, System.Collections.Immutable.ImmutableArray<(int First, int Last)>> Layout() =>
        ShardLayout.Parse(cluster.View.Settings.GetValueOrDefault(ShardLayout.Setting, ""));

    /// <summary>The shard with fewest slots among those that a node leads. A node that leads none gets one: a new shard, when there are fewer than nodes, and its share of the leaders in any case.</summary>
    private async Task<GroupId?> ShardOfAsync(NodeId target)
    {
        var isMade = false;
        for (var begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < Patience; await Task.Delay(Glance, stopping).ConfigureAwait(false))
        {
            var topology = node.Topology;
            var led = topology.Shards.Where((_, i) => topology.LeaderOf(i) == target).ToArray();
            if (led.Length > 0) return led.MinBy(shard => SlotRanges.Of(shard.Slots).Count)!.Group;
            if (topology.Follows.ContainsKey(target)) return null;
            if (isMade || !(IsByHand ? !topology.Homes.ContainsValue(target) && await claims.MakeEmptyAsync(target, stopping).ConfigureAwait(false) : await MakeShardAsync().ConfigureAwait(false))) continue;
            isMade = true;
        }

        return null;
    }

    /// <summary>Makes a shard without slots, when there are fewer shards than nodes that lead; false when there are enough.</summary>
    private async Task<bool> MakeShardAsync()
    {
        var view = cluster.View;
        var carriers = view.Members.Values.Count(member => member.Roles.Carry(ShardLayout.Face) && !view.Settings.ContainsKey(ShardLayout.FollowsPrefix + member.Node));
        if (IsByHand) return false;
        if (!view.Settings.ContainsKey(ShardLayout.Setting) || view.Groups.Values.Count(group => group.Face == ShardLayout.Face) >= carriers) return false;
        return (await cluster.CreateGroupAsync(ShardLayout.Face, ReplicaCount.For(view, ShardLayout.Face, node.Options.Replicas), stopping).ConfigureAwait(false)).Accepted;
    }

    private async Task<WishOutcome> EndOfAsync(ulong id)
    {
        for (; ; await Task.Delay(Glance, stopping).ConfigureAwait(false))
        {
            if (!cluster.View.Procedures.TryGetValue(id, out var procedure)) continue; // Not seen here yet.
            if (procedure.State == ProcedureState.Done) return WishOutcome.Done;
            if (procedure.State == ProcedureState.Failed) return WishOutcome.Refused($"move {id} was given up: {procedure.Note}");
        }
    }

    private async Task<WishOutcome> SettleAsync(int slot)
    {
        foreach (var (id, procedure) in cluster.View.Procedures)
        {
            if (procedure is not { State: ProcedureState.Running, Move: { } move } || SlotRanges.Parse(move.Part) is not { } slots || !slots.Contains(slot)) continue;
            var reply = await cluster.CancelMoveAsync(id, stopping).ConfigureAwait(false);
            if (!reply.Accepted) return Of(reply);
            await EndOfAsync(id).ConfigureAwait(false); // However it ends: the slot is stable then.
        }

        return WishOutcome.Done;
    }

    private async Task<WishOutcome> RebalanceAsync(bool isPlanOnly)
    {
        while (!isPlanOnly && await MakeShardAsync().ConfigureAwait(false)) await Task.Delay(Glance, stopping).ConfigureAwait(false);
        var view = cluster.View;
        var layout = Layout().ToBuilder();
        foreach (var (id, group) in view.Groups)
            if (!IsByHand && group.Face == ShardLayout.Face && !layout.ContainsKey(id)) layout[id] = [];
        var lines = new List<string>();
        var plan = SlotPlanner.Even(layout.ToImmutable());
        for (var at = 0; at < plan.Count; at += MovesAtOnce)
        {
            var begun = new List<(PlannedMove Move, ulong Id)>();
            foreach (var move in plan.Skip(at).Take(MovesAtOnce))
            {
                lines.Add($"{move.Slots}\t{move.Source}\t{move.Target}");
                if (isPlanOnly) continue;
                var reply = await cluster.BeginMoveAsync(move.Source, move.Target, move.Slots.ToString(), stopping).ConfigureAwait(false);
                if (!reply.Accepted) return WishOutcome.Refused(reply.Reason);
                begun.Add((move, reply.Id));
            }

            foreach (var (_, id) in begun)
                if (await EndOfAsync(id).ConfigureAwait(false) is { Fault: not null } fault) return fault;
        }

        return new WishOutcome(null, lines);
    }

    private bool IsByHand => cluster.View.Settings.GetValueOrDefault(ShardLayout.BootstrapSetting) == ShardLayout.ByHand;

    private async Task<WishOutcome> AddSlotsAsync(SlotRanges slots)
    {
        if (!IsByHand) return WishOutcome.Refused("the slots of this cluster are shared out by itself");
        if (await claims.ClaimAsync(slots, stopping).ConfigureAwait(false) is { } why) return WishOutcome.Refused(why);

        // Whoever looks after the answer finds the slots here: tools look at once, and take a slot that is not shown for nobody's. The claim holds also where a leader takes longer.
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < Patience && !slots.Slots().All(slot => HasLeader(node.Topology, slot))) await Task.Delay(Glance, stopping).ConfigureAwait(false);
        return WishOutcome.Done;
    }

    private static bool HasLeader(Topology topology, int slot) => topology.ShardOf(slot) is >= 0 and var shard && topology.LeaderOf(shard) != NodeId.None;

    private async Task<WishOutcome> BeginAnewAsync()
    {
        if (beginAnew is not null && await cluster.WasRemovedAsync(stopping).ConfigureAwait(false)) beginAnew();
        return WishOutcome.Done;
    }

    /// <summary>A node leaves; done when it is gone and what was said about it too. One that is gone already is forgotten.</summary>
    private async Task<WishOutcome> ForgetAsync(NodeId gone)
    {
        if (!cluster.View.Members.ContainsKey(gone)) return cluster.View.Removed.Contains(gone) ? WishOutcome.Done : WishOutcome.Refused($"Unknown node {ClusterPeer.NameOf(gone)}");
        var reply = await cluster.LeaveAsync(gone, stopping).ConfigureAwait(false);
        if (!reply.Accepted) return Of(reply);
        for (var begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < Patience; await Task.Delay(Glance, stopping).ConfigureAwait(false))
        {
            if (cluster.View.Members.ContainsKey(gone)) continue;
            foreach (var prefix in (string[])[ShardLayout.AddressPrefix, ShardLayout.FollowsPrefix])
                await cluster.SetSettingAsync(prefix + gone, "", once: false, stopping).ConfigureAwait(false);
            return WishOutcome.Done;
        }

        return WishOutcome.Refused("it is still leaving: its replicas move to other nodes, and that goes on");
    }

    /// <summary>This node takes the shards of the node that it follows, each once it has caught up there; then the two change roles.</summary>
    private async Task<WishOutcome> TakeOverAsync()
    {
        var topology = node.Topology;
        if (!topology.Follows.TryGetValue(topology.Self, out var master)) return WishOutcome.Refused("You should send CLUSTER FAILOVER to a replica");
        var shards = topology.Shards.Where((_, i) => topology.LeaderOf(i) == master).ToArray();
        if (shards.Any(shard => !shard.Replicas.Contains(topology.Self))) return WishOutcome.Refused("this node has no replica of all that its master leads");
        var reply = await cluster.SetSettingAsync(ShardLayout.FollowsPrefix + topology.Self, "", false, stopping).ConfigureAwait(false);
        if (reply.Accepted) reply = await cluster.SetSettingAsync(ShardLayout.FollowsPrefix + master, topology.Self.ToString(), false, stopping).ConfigureAwait(false);
        foreach (var (group, home) in topology.Homes)
            if (reply.Accepted && home == master) reply = await cluster.SetSettingAsync(ShardLayout.HomePrefix + group, topology.Self.ToString(), false, stopping).ConfigureAwait(false);
        foreach (var (other, followed) in topology.Follows)
            if (reply.Accepted && followed == master && other != topology.Self) reply = await cluster.SetSettingAsync(ShardLayout.FollowsPrefix + other, topology.Self.ToString(), false, stopping).ConfigureAwait(false);
        return Of(reply); // Leaders follow from that: whoever leads what he should not hands it over.
    }

    /// <summary>Ends when everything that was executed before here is committed, in every shard that is led here: an entry without effects waits for just that.</summary>
    private async Task<WishOutcome> ConfirmAsync()
    {
        var confirmed = await Task.WhenAll(node.Topology.Led.Select(seat => loop.CompleteAsync<bool>(done => seat.Steps.Take(_ => { }, isCommitted => done(isCommitted))).WaitAsync(stopping))).ConfigureAwait(false);
        return confirmed.All(isCommitted => isCommitted) ? WishOutcome.Done : WishOutcome.Refused("a shard is not led here any more");
    }
}
