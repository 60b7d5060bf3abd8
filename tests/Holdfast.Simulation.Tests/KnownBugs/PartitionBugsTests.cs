using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests.KnownBugs;

/// <summary>What members of etcd that were cut off, paused or far behind told or lost, done to whole nodes of ours (the table in docs/coordination.md).</summary>
public sealed class PartitionBugsTests
{
    /// <summary>etcd #15271: a member that came back from a partition told a watcher changes that it had been told before.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_watch_never_goes_back_in_time_when_its_member_was_cut_off(int seed)
    {
        var options = NodeScenario.Calm((ulong)seed) with
        {
            WatchClients = 6,
            BetweenPartitions = TimeSpan.FromMilliseconds(600),
            BetweenTransfers = TimeSpan.FromSeconds(1),
            SnapshotLogBytes = 6 * 1024,
        };
        Assert.InRange(ClusterScenario.Holds(options).SnapshotInstalls, 1, long.MaxValue);
    }

    /// <summary>etcd #18055: the file of a snapshot that waited to be applied was removed because a newer one had come, and the member panicked.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_snapshot_that_is_overtaken_by_a_newer_one_while_it_is_taken_harms_nobody(int seed)
    {
        var overtaken = Hits("replication: snapshot fetch changed over to a newer snapshot");
        var options = NodeScenario.Calm((ulong)seed) with
        {
            BetweenForcedSnapshots = TimeSpan.FromMilliseconds(120),
            SnapshotLogBytes = 4 * 1024,
            SnapshotWorkMax = TimeSpan.FromMilliseconds(40),
            ChunkBytes = 200,
            ThinkTime = TimeSpan.FromMilliseconds(2),
        };

        // One follower after another is away until the others have forgotten what it lacks, and comes back while they take one snapshot after another.
        var counts = ClusterScenario.Holds(options, world => ClusterScenario.Every(world, TimeSpan.FromMilliseconds(1200), () => CutOffAFollower(world, TimeSpan.FromMilliseconds(700))));
        Assert.InRange(counts.SnapshotInstalls, 3, long.MaxValue);
        Assert.InRange(Hits("replication: snapshot fetch changed over to a newer snapshot") - overtaken, 1, long.MaxValue);
    }

    /// <summary>etcd #20271: a member that was told to defragment while it took a snapshot wrote what followed into a file that was gone, and lost it at its restart.</summary>
    [Theory]
    [InlineData(2)]
    public void A_member_told_to_defragment_while_it_takes_a_snapshot_has_everything_after_its_restart(int seed)
    {
        var options = NodeScenario.Calm((ulong)seed) with { SnapshotLogBytes = 4 * 1024, SnapshotWorkMax = TimeSpan.FromMilliseconds(60), ThinkTime = TimeSpan.FromMilliseconds(2) };
        var (told, restarts) = (0, 0);
        var counts = ClusterScenario.Holds(options, world =>
        {
            ClusterScenario.Every(world, TimeSpan.FromMilliseconds(5), () =>
            {
                foreach (var machine in world.Machines)
                    if (machine.Process is { } process) process.WhenAwake(() => _ = DefragmentAsync(process, () => told++));
            });
            ClusterScenario.Every(world, TimeSpan.FromMilliseconds(1500), () =>
            {
                var follower = CutOffAFollower(world, TimeSpan.FromMilliseconds(700));
                world.Clock.After(TimeSpan.FromMilliseconds(1100), () =>
                {
                    // It has its snapshot, and a few hundred milliseconds of what came after it.
                    if (world.IsHealed || follower is not { IsUp: true }) return;
                    restarts++;
                    follower.Crash(losesPower: true);
                });
            });
        });
        Assert.InRange(counts.SnapshotInstalls, 2, long.MaxValue);
        Assert.InRange(restarts, 2, int.MaxValue);
        Assert.InRange(told, 500, int.MaxValue);
    }

    /// <summary>etcd #20418: a read that was asked again after a pause took the answer to the first question, which a leader since deposed had given. (The raft world plants the same as ReusedReadContext.)</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void Pauses_and_changes_of_leader_let_nobody_read_what_is_old(int seed, bool leaseReads)
    {
        var options = NodeScenario.Calm((ulong)seed) with
        {
            KeyClients = 6,
            LeaseReads = leaseReads,
            BetweenPauses = TimeSpan.FromMilliseconds(250),
            BetweenTransfers = TimeSpan.FromMilliseconds(700),
            Straggle = 0.05,
            Duplicate = 0.05,
            Drop = 0.02,
        };
        Assert.InRange(ClusterScenario.Holds(options).Elections, 3, long.MaxValue);
    }

    private static ClusterMachine? CutOffAFollower(ClusterWorld world, TimeSpan span)
    {
        var leader = world.LeaderOf(ClusterWorld.Keyspace)?.Machine;
        var follower = world.Machines.FirstOrDefault(machine => machine != leader && machine.IsUp);
        if (leader is null || follower is null) return null;
        var inside = new bool[world.Machines.Count];
        inside[follower.Slot] = true;
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(span, world.Mesh.RestoreAll);
        return follower;
    }

    private static async Task DefragmentAsync(ClusterProcess process, Action told)
    {
        await process.Face.DefragmentAsync(new DefragmentRequest());
        told();
    }

    private static long Hits(string mark) => Mark.All().FirstOrDefault(candidate => candidate.Name == mark)?.Hits ?? 0;
}
