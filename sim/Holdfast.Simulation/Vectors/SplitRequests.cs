using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Holdfast.Vectors;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Shards;

namespace Holdfast.Simulation.Vectors;

/// <summary>Asks for splits, one after another while there are groups for them, and now and then thinks better of it. Who carries them out is each process' own affair (<see cref="VectorSite"/>).</summary>
internal sealed class SplitRequests(ClusterWorld world)
{
    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(200);
    private static readonly Mark Begun = new("sim: a shard of vectors was to be split");
    private static readonly Mark GivenUp = new("sim: a split of a shard of vectors was given up");

    private readonly SeededRandom dice = world.Dice.Fork();

    private VectorDirectory Directory => world.VectorCheck.Directory;

    /// <summary>Begins when the shards are there.</summary>
    public void Begin()
    {
        Raise();
        Later(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(3));
    }

    private void Later(TimeSpan least, TimeSpan most) => world.Clock.After(dice.NextSpan(least, most), Ask);

    /// <summary>The groups' level goes up as soon as somebody leads them: all programs here know of splits (S5).</summary>
    private void Raise() => world.Clock.After(LooksEvery, () =>
    {
        if (world.IsClosing) return;
        foreach (var group in ClusterWorld.VectorIds)
            if (world.LeaderOf(group) is { } leader && LevelOf(group) < ShardCommand.LateLevel) _ = leader.GroupOf(group).RaiseFeatureLevelAsync(ShardCommand.LateLevel);
        Raise();
    });

    private uint LevelOf(GroupId group) => world.LeaderOf(group)?.GroupOf(group).Status.FeatureLevel ?? 0;

    private void Ask()
    {
        var known = Directory.Record;

        // What is asked for later might not come to its end before the run does.
        if (known.Layout.Next == ClusterWorld.VectorIds.Length || world.Clock.Now > (world.Options.Storm + VectorCheck.Settling).Ticks) return;
        if (known.Layout.Split is not null || !world.VectorCheck.IsConfigured || !ClusterWorld.VectorIds.All(group => LevelOf(group) >= ShardCommand.LateLevel))
        {
            Later(LooksEvery, LooksEvery * 2);
            return;
        }

        Begun.Hit();
        var source = known.Layout.Numbers[dice.Next(known.Layout.Numbers.Count)];
        Directory.Compare(known, known.Layout.Splitting(source));
        if (world.IsTracing) world.Trace($"shard {source} is to be split into {known.Layout.Next}");
        if (dice.Chance(0.2)) world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(300)), () => _ = GiveUpAsync(known.Layout.Next));
        Later(LooksEvery, TimeSpan.FromSeconds(2));
    }

    private async Task GiveUpAsync(int target)
    {
        try
        {
            var record = Directory.Record;
            if (record.Layout.Split?.Target != target || world.LeaderOf(ClusterWorld.Keyspace)?.Vectors is not { } site) return;
            if (await SplitRunner.GiveUpAsync(site.Collections, record, CancellationToken.None)) GivenUp.Hit();
        }
        catch (VectorFault)
        {
            // Nobody could be told, or nobody knows whether he was: then the split goes on, or ends by whoever drives it.
        }
        catch (Exception fault)
        {
            world.Fault(fault);
        }
    }
}
