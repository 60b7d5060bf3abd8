using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests.KnownBugs;

/// <summary>What etcd lost, or counted twice, when a process ended at the wrong moment, done to whole nodes of ours (the table in docs/coordination.md).</summary>
public sealed class CrashBugsTests
{
    /// <summary>
    /// etcd #13766: how far the log was applied was saved apart from what the entry did, so a crash under load left an entry out, and one member had another revision.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Crashes_under_load_leave_every_member_at_the_same_revision(int seed)
    {
        var options = NodeScenario.Calm((ulong)seed) with
        {
            BetweenKills = TimeSpan.FromMilliseconds(300),
            CrashAtEffect = 0.0005,
            ThinkTime = TimeSpan.FromMilliseconds(1),
            SnapshotLogBytes = 16 * 1024,
        };
        Assert.InRange(ClusterScenario.Holds(options).CrashRecoveries, 15, long.MaxValue);
        if (seed == 1) ClusterScenario.Finds(ClusterMutation.EntryAppliedTwiceAfterRestart, options);
    }

    /// <summary>etcd #14370: a cluster of one acknowledged a write that its disk did not have yet.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_node_that_is_alone_keeps_what_it_acknowledged_when_its_power_fails(int seed)
    {
        var options = NodeScenario.Calm((ulong)seed) with { Voters = 1, Machines = 1, BetweenPowerLosses = TimeSpan.FromMilliseconds(500) };
        Assert.InRange(ClusterScenario.Holds(options).PowerLosses, 5, long.MaxValue);
        if (seed == 1) ClusterScenario.Finds(ClusterMutation.BatchCompletedBeforeSync, options);
    }

    /// <summary>etcd #14685: a crash while the file was defragmented brought an older "applied" back, and entries were applied again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Crashes_while_a_member_is_told_to_defragment_change_nothing(int seed)
    {
        var options = NodeScenario.Calm((ulong)seed) with { BetweenKills = TimeSpan.FromMilliseconds(400), CrashAtEffect = 0.0003 };
        var told = 0;
        var counts = ClusterScenario.Holds(options, world => ClusterScenario.Every(world, TimeSpan.FromMilliseconds(10), () =>
        {
            foreach (var machine in world.Machines) machine.Process?.WhenAwake(() => _ = DefragmentAsync(machine.Process, () => told++));
        }));
        Assert.InRange(counts.CrashRecoveries, 10, long.MaxValue);
        Assert.InRange(told, 100, int.MaxValue);
    }

    /// <summary>etcd #17780: a crash in the middle of a compaction that took the newest revision with it brought the member back at a smaller revision.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    public void Crashes_during_compactions_never_make_the_revision_smaller(int seed, int nodes)
    {
        var options = NodeScenario.Calm((ulong)seed) with
        {
            Voters = nodes,
            Machines = nodes,
            BetweenKills = TimeSpan.FromMilliseconds(800),
            BetweenPowerLosses = TimeSpan.FromMilliseconds(1200),
            CrashAtEffect = 0.0005,
            SnapshotLogBytes = 8 * 1024,
        };
        var compactions = 0;
        var counts = ClusterScenario.Holds(options, world => ClusterScenario.Every(world, TimeSpan.FromMilliseconds(30), () =>
        {
            if (world.LeaderOf(ClusterWorld.Keyspace) is { } leader) leader.WhenAwake(() => _ = CompactAsync(world, leader, () => compactions++));
        }));
        Assert.InRange(counts.CrashRecoveries, 5, long.MaxValue);
        Assert.InRange(compactions, 8, int.MaxValue);
    }

    private static async Task DefragmentAsync(ClusterProcess process, Action told)
    {
        await process.Face.DefragmentAsync(new DefragmentRequest());
        told();
    }

    /// <summary>Deletes a key and compacts to that very revision: nothing is left of the store's newest change.</summary>
    private static async Task CompactAsync(ClusterWorld world, ClusterProcess process, Action compacted)
    {
        try
        {
            var floor = world.Revisions.Floor;
            var key = Google.Protobuf.ByteString.CopyFromUtf8("scenario");
            await process.Face.PutAsync(new PutRequest { Key = key });
            var deleted = (await process.Face.DeleteRangeAsync(new DeleteRangeRequest { Key = key })).Header.Revision;
            world.Revisions.OnAnswered(deleted, floor, "a deletion before a compaction");
            await process.Face.CompactAsync(new CompactionRequest { Revision = deleted, Physical = true });
            compacted();
        }
        catch (EtcdException)
        {
            // No leader just then, or another compaction was ahead.
        }
        catch (Exception broken)
        {
            world.Fault(broken);
        }
    }
}
