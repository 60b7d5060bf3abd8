using Holdfast.Cluster;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// Does what commands ask of a node without a cluster: remembers the slots that it shall have, durably, and meets others. It founds a cluster of its own when there is nothing left to wait for: every slot is its own, or
/// it was told to serve what it has (cluster-require-full-coverage no).
/// </summary>
internal sealed class LoneDesk : IClusterDesk
{
    private readonly KeyspaceNode node;
    private readonly RedisLoop loop;
    private readonly ClusterNode cluster;
    private readonly ClusterPeer self;
    private readonly CancellationToken stopping;
    private readonly Lock gate = new();
    private LoneClaims claims;

    public LoneDesk(KeyspaceNode node, RedisLoop loop, ClusterNode cluster, ClusterPeer self, CancellationToken stopping)
    {
        (this.node, this.loop, this.cluster, this.self, this.stopping) = (node, loop, cluster, self, stopping);
        claims = LoneClaims.Decode(cluster.Note.Span);
        node.Topology = Topology.OfAlone(self, claims);
    }

    public void Do(ClusterWish wish, Action<WishOutcome> done) => _ = Task.Run(async () =>
    {
        WishOutcome outcome;
        try
        {
            outcome = wish switch
            {
                ClusterWish.Meet meet => await MeetCaller.MeetAsync(cluster, self, meet, stopping).ConfigureAwait(false),
                ClusterWish.Forget forget => WishOutcome.Refused($"Unknown node {ClusterPeer.NameOf(forget.Node)}"),
                ClusterWish.Settle => WishOutcome.Done, // Nothing moves where there is one node.
                _ => Note(wish),
            };
        }
        catch (OperationCanceledException)
        {
            outcome = WishOutcome.Refused("the node stops");
        }

        loop.Post(() => done(outcome));
    });

    public IReadOnlyList<string> Moves() => [];

    public (int Done, int Failed, int Running) CountMoves() => default;

    private WishOutcome Note(ClusterWish wish)
    {
        lock (gate)
        {
            var next = wish switch
            {
                ClusterWish.AddSlots add => claims.With(add.Slots, true),
                ClusterWish.DropSlots drop => claims.With(drop.Slots, false) with { Epoch = drop.DropsEpoch ? 0 : claims.Epoch },
                ClusterWish.SetEpoch set => claims with { Epoch = set.Epoch },
                _ => null,
            };
            if (next is null) return WishOutcome.Refused("this node is alone: let it meet others first (CLUSTER MEET), or give it slots (CLUSTER ADDSLOTS)");
            if (!cluster.TryNote(next.Encode())) return WishOutcome.Refused("this node joins a cluster at this moment: ask again");
            claims = next;
            if (node.Topology.Alone is not null) node.Topology = Topology.OfAlone(self, claims);
            if (claims.Slots.Count == KeySlot.Count || (!claims.Slots.IsEmpty && !node.Settings.RequiresFullCoverage)) cluster.TryFoundAlone();
            return WishOutcome.Done;
        }
    }
}
