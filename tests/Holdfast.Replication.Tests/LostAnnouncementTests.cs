using Holdfast.Consensus;

namespace Holdfast.Replication.Tests;

/// <summary>What a leader says while a follower records a snapshot does not reach the follower's core. Nothing of it may stay unsaid: a group at rest repeats nothing.</summary>
public sealed class LostAnnouncementTests
{
    /// <summary>
    /// The follower has fetched a snapshot when a new leader, who had not compacted, gives it the whole log instead. The follower acknowledges it and then records the
    /// snapshot all the same, for it knows of no commit as new as that; the new leader's announcement comes meanwhile. At every moment at which the fetch can
    /// end, the follower learns of the commit though nobody writes any more.
    /// </summary>
    [Fact]
    public void A_commit_announced_while_a_snapshot_is_recorded_is_heard_without_another_write()
    {
        var recordings = 0;
        for (var jobs = 3; jobs <= 10; jobs++)
            for (var delay = 1; delay <= 2; delay++)
                if (IsHeard(jobs, TimeSpan.FromMilliseconds(delay))) recordings++;
        Assert.True(recordings > 0, "in no run was a snapshot recorded after the log had come");
    }

    /// <summary>True when a snapshot was installed after the log had come.</summary>
    private static bool IsHeard(int jobs, TimeSpan delay)
    {
        var cluster = new TestCluster(3, optionsOf: node => new GroupOptions { SnapshotLogBytes = node.Value == 1 ? 400 : 1_000_000 });
        cluster.UntilLed();
        var (compacts, keeps, away) = (cluster.Nodes[0], cluster.Nodes[1], cluster.Nodes[2]);
        if (cluster.Leader != compacts) cluster.Leader.Group.TransferLeadership(cluster.Now, compacts.Id);
        cluster.Until(() => compacts.Group.Status.IsServingLeader, "the leading of the one that compacts");
        cluster.UntilEqual();
        cluster.Isolate(away);

        // The other follower has the entries, and does not hear of their commit.
        var end = compacts.Group.Status.Last.Index + 30;
        for (var i = 0; i < 30; i++) compacts.Propose($"k={new string('v', 60)}{i}");
        cluster.Until(() => keeps.Group.Status.Last.Index == end, "the entries at the other follower");
        cluster.Cut.Add((compacts.Id, keeps.Id));
        cluster.Until(() => compacts.Group.Status.Snapshot.Index > keeps.Group.Status.Commit, "a snapshot of what the other follower does not know to be committed");

        cluster.Cut.Remove((compacts.Id, away.Id));
        cluster.Cut.Remove((away.Id, compacts.Id));
        var carried = away.JobsCarried;
        cluster.Until(() => away.JobsCarried - carried >= jobs || !cluster.Connects(compacts.Id, away.Id) || IsInstalled(away, compacts), "so many steps of the fetch", 3000);
        if (IsInstalled(away, compacts)) return false;
        away.IsWorkerStuck = true;

        compacts.Kill();
        cluster.Cut.Clear();
        cluster.Until(() => away.Group.Status.Role == RaftRole.Leader || (keeps.Group.Status.Role == RaftRole.Leader && away.Group.Status.Last == keeps.Group.Status.Last), "the whole log from another leader");
        if (away.Group.Status.Role == RaftRole.Leader) return false; // The snapshot was recorded before, and held everything.
        cluster.Run(delay);
        away.IsWorkerStuck = false;
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(keeps.Group.Status.Commit, away.Group.Status.Commit);
        Assert.Equal(keeps.Group.Status.Applied, away.Group.Status.Applied);
        return away.Group.Status.Snapshot.Index.Value > 0;
    }

    private static bool IsInstalled(TestNode node, TestNode from) => node.Group.Status.Snapshot == from.Group.Status.Snapshot;
}
