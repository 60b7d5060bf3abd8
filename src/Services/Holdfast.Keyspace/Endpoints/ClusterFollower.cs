using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// Keeps the face equal to the cluster: says where this node's Redis clients go, founds the shards of a fresh cluster (whoever leads the directory), rebuilds the topology when something has changed, and hands
/// shards over so that leaders are spread evenly.
/// </summary>
internal sealed class ClusterFollower(KeyspaceNode node, ShardMachines machines, ClusterNode cluster, ClusterPeer self, Func<NodeId, bool> hears, MoveRunner runner, Action<Action> post, KeyspaceLog log)
{
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AskAround = TimeSpan.FromMilliseconds(300);

    private readonly LeaderBalance balance = new(cluster, hears, log);
    private readonly ReplicaKeeping keeping = new(node, cluster, log);
    private readonly SlotClaims claims = new(node, cluster, self.Node);
    private readonly LeaderBook elsewhere = new();
    private long askedAt;
    private Task asking = Task.CompletedTask;
    private DirectoryView? seen;
    private string said = "";
    private object? shared;

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Pulse);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            {
                var view = cluster.View;
                if (view.Cluster == ClusterId.None) continue;
                await AnnounceAsync(view, cancellation).ConfigureAwait(false);
                if (IsKeeper(view)) await KeepAsync(view, cancellation).ConfigureAwait(false);
                if (!cluster.Note.IsEmpty) await ClaimNotedAsync(view, cancellation).ConfigureAwait(false);
                Follow(view);
                runner.Look(view, cancellation);
                AskForLeaders(cancellation);
                await balance.LookAsync(node.Topology, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }

        await asking.ConfigureAwait(false);
        await runner.StopAsync().ConfigureAwait(false);
    }

    /// <summary>Who leads the shards that have no replica here, or one that was left behind, is asked of their replicas, now and then.</summary>
    private void AskForLeaders(CancellationToken cancellation)
    {
        var topology = node.Topology;
        if (!asking.IsCompleted || System.Diagnostics.Stopwatch.GetElapsedTime(askedAt) < AskAround) return;
        var nodes = topology.Shards.Where((_, i) => topology.IsHearsay(i)).SelectMany(shard => shard.Replicas).Where(hears).Distinct().ToArray();
        if (nodes.Length == 0) return;
        askedAt = System.Diagnostics.Stopwatch.GetTimestamp();
        asking = Task.Run(() => Task.WhenAll(nodes.Select(peer => AskForLeadersAsync(peer, cancellation))), CancellationToken.None);
    }

    private async Task AskForLeadersAsync(NodeId peer, CancellationToken cancellation)
    {
        var reply = await cluster.CallAsync(peer, KeyspaceVerbs.Leads, [], cancellation).ConfigureAwait(false);
        if (!reply.IsOk || reply.Server != peer) return;
        foreach (var (group, term) in KeyspaceVerbs.DecodeLeads(reply.Payload.Span)) elsewhere.Hear(group, term, peer);
    }

    private async Task AnnounceAsync(DirectoryView view, CancellationToken cancellation)
    {
        var key = ShardLayout.AddressPrefix + self.Node;
        if (!view.Members.ContainsKey(self.Node) || view.Settings.GetValueOrDefault(key) == ShardLayout.FormatAddress(self)) return;
        await cluster.SetSettingAsync(key, ShardLayout.FormatAddress(self), once: false, cancellation).ConfigureAwait(false);
    }

    /// <summary>Whoever leads the directory; where that node does not carry the face and so is not asked, the first that does. (In a restored directory perhaps none does.)</summary>
    private bool IsKeeper(DirectoryView view)
    {
        var status = cluster.Directory.Status;
        if (!view.Members.TryGetValue(status.Leader, out var leader)) return false;
        var carrier = leader.Roles.Carry(ShardLayout.Face) ? null : view.Members.Values.FirstOrDefault(member => member.Roles.Carry(ShardLayout.Face));
        return carrier is null ? status.IsServingLeader : carrier.Node == self.Node;
    }

    /// <summary>What one node does for all: a fresh cluster gets its shards, and shards the replicas that they should have.</summary>
    private async Task KeepAsync(DirectoryView view, CancellationToken cancellation)
    {
        var isByHand = view.Settings.GetValueOrDefault(ShardLayout.BootstrapSetting) == ShardLayout.ByHand;
        if (view.Settings.ContainsKey(ShardLayout.Setting)) await keeping.LookAsync(view, cancellation).ConfigureAwait(false);
        else if (!isByHand && node.Options.IsBootstrappedByHand) await cluster.SetSettingAsync(ShardLayout.BootstrapSetting, ShardLayout.ByHand, once: true, cancellation).ConfigureAwait(false);
        else if (!isByHand) await FoundAsync(view, cancellation).ConfigureAwait(false);
    }

    /// <summary>The slots that this node was given while it was alone become its own, those that somebody else has by now excepted.</summary>
    private async Task ClaimNotedAsync(DirectoryView view, CancellationToken cancellation)
    {
        if (!view.Members.ContainsKey(self.Node) || !view.Settings.ContainsKey(ShardLayout.AddressPrefix + self.Node)) return;
        var noted = LoneClaims.Decode(cluster.Note.Span);
        var isByHand = view.Settings.GetValueOrDefault(ShardLayout.BootstrapSetting) == ShardLayout.ByHand;
        if (!isByHand && !view.Settings.ContainsKey(ShardLayout.Setting)) return; // How slots come to their owners here is not known yet.
        if (isByHand && !noted.Slots.IsEmpty && await claims.ClaimAsync(noted.Slots, cancellation).ConfigureAwait(false) is not null) return;
        cluster.ClearNote();
    }

    /// <summary>A fresh cluster gets a shard for each node that carries the face, once all of them serve Redis clients: until then not all that will are known.</summary>
    private async Task FoundAsync(DirectoryView view, CancellationToken cancellation)
    {
        var carriers = view.Members.Values.Where(member => member.Roles.Carry(ShardLayout.Face)).ToArray();
        var silent = carriers.Where(member => !view.Settings.ContainsKey(ShardLayout.AddressPrefix + member.Node)).Select(member => member.Name).ToArray();
        if (silent.Length > 0)
        {
            Say($"the slots are shared out once every node that carries this face serves Redis clients; still missing: {string.Join(", ", silent)} (start them with --redis)");
            return;
        }

        var groups = view.Groups.Values.Where(group => group.Face == ShardLayout.Face).Select(group => group.Id).ToArray();
        var wanted = carriers.Length;
        if (groups.Length < wanted)
        {
            var made = await cluster.CreateGroupAsync(ShardLayout.Face, ReplicaCount.For(view, ShardLayout.Face, node.Options.Replicas), cancellation).ConfigureAwait(false);
            if (!made.Accepted) Say($"a shard could not be made: {made.Reason}");
            return;
        }

        var layout = ShardLayout.Even(groups[..wanted]);
        var reply = await cluster.SetSettingAsync(ShardLayout.Setting, layout, once: true, cancellation).ConfigureAwait(false);
        if (reply.Accepted) log(false, $"the {KeySlot.Count} slots are shared out: {layout}");
    }

    private void Follow(DirectoryView view)
    {
        // Who was alone is shown with the slots that it shall have until they are its own: tools that wait for all nodes to agree do not meet a moment in which they agree on nothing.
        if (node.Topology.Alone is not null && (!cluster.Note.IsEmpty || !view.Settings.ContainsKey(ShardLayout.AddressPrefix + self.Node))) return;
        var layout = ShardLayout.Parse(view.Settings.GetValueOrDefault(ShardLayout.Setting, ""));
        var isByHand = view.Settings.GetValueOrDefault(ShardLayout.BootstrapSetting) == ShardLayout.ByHand; // There a shard is known once it has its place in the layout.
        foreach (var (id, group) in view.Groups)
            if (!isByHand && !layout.IsEmpty && group.Face == ShardLayout.Face && !layout.ContainsKey(id)) layout = layout.Add(id, []); // A shard that has no slots yet.
        var seats = layout.Keys.Select(group => machines.SeatOf(group, cluster.FindGroup)).ToImmutableArray();
        foreach (var (group, seat) in layout.Keys.Zip(seats))
            if (seat is { Log.Leader: var leader } && leader != NodeId.None) elsewhere.Hear(group, seat.Log.Term, leader);
        if (ReferenceEquals(view, seen) && seats.SequenceEqual(node.Topology.Seats)) return;
        seen = view;
        var peers = view.Members.Keys.Select(member => ShardLayout.ParseAddress(member, view.Settings.GetValueOrDefault(ShardLayout.AddressPrefix + member, ""))).OfType<ClusterPeer>().ToImmutableArray();
        var shards = layout.Select(pair => ShardOf(pair.Key, pair.Value, view)).ToImmutableArray();
        Share(view);
        var follows = ImmutableSortedDictionary.CreateBuilder<NodeId, NodeId>();
        foreach (var peer in peers)
            if (ShardLayout.NodeIn(view.Settings, ShardLayout.FollowsPrefix + peer.Node) is var master && master != NodeId.None && view.Members.ContainsKey(master)) follows[peer.Node] = master;
        var homes = layout.Keys.ToImmutableSortedDictionary(group => group, group => ShardLayout.NodeIn(view.Settings, ShardLayout.HomePrefix + group)).Where(pair => pair.Value != NodeId.None).ToImmutableSortedDictionary();
        node.Topology = new Topology(self.Node, peers, shards, seats) { Follows = follows.ToImmutable(), Elsewhere = elsewhere, Homes = homes };
    }

    /// <summary>Clients and operators are told of replicas that have the keys; witnesses only count.</summary>
    private static ClusterShard ShardOf(GroupId group, ImmutableArray<(int First, int Last)> slots, DirectoryView view)
    {
        if (!view.Groups.TryGetValue(group, out var record)) return new ClusterShard(group, slots, []);
        var replicas = record.Replicas.Where(place => place.Role != MemberRole.Witness).Select(place => place.Node).ToImmutableArray();
        return new ClusterShard(group, slots, replicas) { Witnesses = record.Replicas.Length - replicas.Length };
    }

    /// <summary>What the cluster shares goes to the loop when it is another.</summary>
    private void Share(DirectoryView view)
    {
        if (ReferenceEquals(view.Settings, shared)) return;
        shared = view.Settings;
        var ours = view.Settings.Where(pair => SharedSettings.IsShared(pair.Key)).ToArray();
        post(() => node.Shared.Follow(ours));
    }

    private void Say(string sentence)
    {
        if (sentence == said) return;
        said = sentence;
        log(true, sentence);
    }
}
