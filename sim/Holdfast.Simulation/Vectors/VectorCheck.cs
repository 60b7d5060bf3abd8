using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Cluster;
using Holdfast.Vectors;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Simulation.Vectors;

/// <summary>
/// What must hold of shards of vectors: shared points are linearizable, what was acknowledged to its only writer is there in the end on every replica, and while a majority lives undisturbed no read is refused:
/// after healing one node is killed, and reads go on beside it.
/// </summary>
internal sealed class VectorCheck(ClusterWorld world)
{
    /// <summary>Leaders are elected and lines are there again.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan TellsEvery = TimeSpan.FromMilliseconds(200);

    private static readonly Mark KilledInCalm = new("sim: a node with shards of vectors was killed while all others lived");

    private readonly Dictionary<ulong, ulong> kept = [];
    private readonly HashSet<GroupId> told = [];
    private ulong values = 1_000_000;

    /// <summary>What clients did to the shared points.</summary>
    public History History { get; } = new();

    public HashSet<int> WithoutEffect { get; } = [];

    /// <summary>What the directory says of the collection.</summary>
    public VectorDirectory Directory { get; } = new();

    /// <summary>Whether every shard was told what its collection is.</summary>
    public bool IsConfigured => told.Count == First.Count;

    /// <summary>The shards that the collection begins with.</summary>
    private static IReadOnlyList<int> First => ShardLayout.Of(VectorSite.Config).Numbers;

    public ulong NextValue() => ++values;

    /// <summary>A point's only writer was told that it is written.</summary>
    public void Keep(ulong id, ulong value) => kept[id] = value;

    /// <summary>Its next value is under way, or of unknown fate.</summary>
    public void Lose(ulong id) => kept.Remove(id);

    /// <summary>A read was refused: that may be while nodes are down or cut off, and not while a majority lives undisturbed.</summary>
    public void OnReadRefused(VectorFault fault, long begun) =>
        ClusterCheck.Require(!world.IsHealed || begun < world.Options.Storm.Ticks + Settling.Ticks, $"a read was refused while a majority lived: {fault.Message}");

    /// <summary>Shards are told what they are; and in the calm, one node is killed with all others alive.</summary>
    public void Begin()
    {
        foreach (var shard in First) Configure(ClusterWorld.VectorIds[shard]);
        new SplitRequests(world).Begin();
        world.Clock.At(world.Options.Storm.Ticks + Settling.Ticks, () =>
        {
            var voters = world.LeaderOf(ClusterWorld.VectorIds[0])?.GroupOf(ClusterWorld.VectorIds[0]).Status.Configuration;
            if (voters is null || voters.Members.Length < 3 || world.LeaderOf(ClusterWorld.VectorIds[(int)(world.Options.Seed % 2)]) is not { } victim) return;
            KilledInCalm.Hit();
            victim.Machine.Crash(losesPower: false);
        });
    }

    /// <summary>A shard is told what its collection is until somebody has heard it: whoever is asked may die with the question. Told twice it does nothing the second time.</summary>
    private void Configure(GroupId group) => world.Clock.After(TellsEvery, () =>
    {
        if (told.Contains(group)) return;
        _ = TellAsync(group);
        Configure(group);
    });

    private async Task TellAsync(GroupId group)
    {
        try
        {
            if (world.LeaderOf(group) is not { Vectors: { } site }) return;
            await site.ShardOf(group).ProposeAsync(ShardCommand.Configure(VectorSite.Config.Json), CancellationToken.None);
            told.Add(group);
        }
        catch (VectorFault)
        {
            // Not heard, or nobody knows: it is told again.
        }
        catch (Exception fault)
        {
            world.Fault(fault);
        }
    }

    /// <summary>After healing and a while of calm.</summary>
    public void Final()
    {
        var layout = Directory.Record.Layout;
        ClusterCheck.Require(layout.Split is null, "a split did not come to its end");
        world.Counts.Splits = layout.Numbers.Count - First.Count;
        foreach (var shard in layout.Numbers)
            foreach (var (node, store) in ReplicasOf(shard))
                foreach (var (id, _) in store.Ids.From(null, int.MaxValue))
                    ClusterCheck.Require(layout.ShardOf(null, id) == shard, $"point {id} is in shard {shard} on {node}, which has not got it");
        foreach (var (id, value) in kept)
            foreach (var (node, store) in ReplicasOf(layout.ShardOf(null, PointId.Of(id))))
            {
                ClusterCheck.Require(store.TryFind(PointId.Of(id), out var segment, out var row), $"point {id} was acknowledged and is not on {node}");
                using var payload = segment.PayloadOf(row).Parse();
                ClusterCheck.Require(payload.RootElement.GetProperty("v").GetUInt64() == value, string.Create(CultureInfo.InvariantCulture, $"point {id} was acknowledged with {value} and is another on {node}"));
            }
    }

    private List<(NodeId Node, PointStore Store)> ReplicasOf(int shard)
    {
        var group = ClusterWorld.VectorIds[shard];
        var replicas = new List<(NodeId Node, PointStore Store)>();
        foreach (var member in world.LeaderOf(group)!.GroupOf(group).Status.Configuration.Members) replicas.Add((member.Node, world.MachineOf(member.Node)!.Process!.Vectors!.MachineOf(group).State!.Store));
        return replicas;
    }
}
