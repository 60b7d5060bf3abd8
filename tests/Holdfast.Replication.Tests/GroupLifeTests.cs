using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

/// <summary>A group's members change, its feature level rises, its replicas are deleted.</summary>
public sealed class GroupLifeTests
{
    [Fact]
    public void Members_are_added_and_removed_while_writes_go_on()
    {
        var cluster = new TestCluster(4, new GroupOptions { SnapshotLogBytes = 2000 }, voters: 3);
        cluster.UntilLed();
        var (leader, joiner) = (cluster.Leader, cluster.Nodes[3]);
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => leader.Group.Status.Snapshot.Index.Value > 0, "a compaction, so that the joiner needs a snapshot");

        Member[] grown = [.. cluster.Initial.Members, new Member(joiner.Id, MemberRole.Learner)];
        Assert.Equal(ChangeVerdict.NotLeader, Change(cluster, cluster.Follower, Configuration.Of(grown)));
        Assert.Equal(ChangeVerdict.Begun, Change(cluster, leader, Configuration.Of(grown)));
        Assert.True(cluster.Apply(leader, "during=1").IsApplied);
        cluster.Until(() => joiner.Group.Status.Applied == leader.Group.Status.Applied, "the learner's catching up");

        // The joiner takes the leader's place: two changes in one step, through a joint configuration, and no second one meanwhile.
        var rest = cluster.Nodes.Where(node => node != leader).Select(node => node.Id).ToArray();
        Assert.Equal(ChangeVerdict.Begun, leader.Group.ChangeMembership(cluster.Now, Configuration.OfVoters(rest)));
        Assert.Equal(ChangeVerdict.Refused, leader.Group.ChangeMembership(cluster.Now, cluster.Initial));
        cluster.Until(() => cluster.Nodes.Any(node => node != leader && node.Group.Status is { IsServingLeader: true, Configuration.IsJoint: false }), "a leader of the new members");
        leader.Kill();
        var successor = cluster.Leader;
        Assert.Equal(Configuration.OfVoters(rest), successor.Group.Status.Configuration);
        Assert.True(cluster.Apply(successor, "after=1").IsApplied);
        cluster.UntilEqual();
        Assert.Equal(102, joiner.Machine.Map.Count);

        // The new set is a quorum of its own, and finds itself again after all have restarted.
        foreach (var node in cluster.Nodes.Where(node => node.IsUp).ToArray()) Restart(node);
        cluster.UntilLed();
        Assert.Equal(Configuration.OfVoters(rest), cluster.Leader.Group.Status.Configuration);
        Assert.True(cluster.Apply(cluster.Leader, "again=1").IsApplied);
    }

    /// <summary>A replica that its group counts on no more frees its state; its log, and with it what it said, stays, and should the group count on it again the state comes from the others (S6).</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_state_that_was_given_up_comes_back_from_the_others(bool isRestartedBetween)
    {
        var cluster = new TestCluster(4, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        var moved = cluster.Follower;
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => moved.Group.Status.Snapshot.Index.Value > 0, "a snapshot to be freed");
        var rest = Configuration.OfVoters(cluster.Nodes.Where(node => node != moved).Select(node => node.Id).ToArray());
        Assert.Equal(ChangeVerdict.Begun, Change(cluster, cluster.Leader, rest));
        cluster.Until(() => cluster.Leader.Group.Status.Configuration.Equals(rest), "the others' being alone");
        cluster.Run(TimeSpan.FromSeconds(1));
        var (term, last) = (moved.Group.Status.Term, moved.Group.Status.Last);

        Assert.False(cluster.Leader.Loop.GiveUp(cluster.GroupIds[0])); // Who leads keeps what it has, whatever it is told.
        cluster.Until(() => moved.Loop.GiveUp(cluster.GroupIds[0]), "the state's being given up");
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.Empty(moved.Machine.Map);
        Assert.Empty(moved.Disk.List("snapshots/1"));
        Assert.True(moved.Group.Status is { IsGivenUp: true, IsRestored: false });
        Assert.False(moved.Read(ReadConsistency.Local).Grant!.Value.IsGranted);
        Assert.Equal(last, moved.Group.Status.Last);
        Assert.True(moved.Group.Status.Term >= term);
        Assert.True(moved.Loop.GiveUp(cluster.GroupIds[0])); // Again: nothing happens.

        if (isRestartedBetween) Restart(moved);
        Assert.True(cluster.Apply(cluster.Leader, "meanwhile=1").IsApplied);
        Assert.Equal(ChangeVerdict.Begun, Change(cluster, cluster.Leader, Configuration.Of([.. rest.Members, new Member(moved.Id, MemberRole.Learner)])));
        cluster.Until(() => moved.Group.Status is { IsRestored: true, IsGivenUp: false } && moved.Machine.Map.Count == 101, "the state's coming back");
        cluster.UntilEqual();
    }

    /// <summary>Its own log ends with members of long ago, none of whom is there any more; today's it does not know, and the log that it lacks is compacted.</summary>
    [Fact]
    public void A_state_that_was_given_up_comes_back_from_members_that_its_log_does_not_know()
    {
        var cluster = new TestCluster(5, new GroupOptions { SnapshotLogBytes = 2000 }, voters: 3);
        cluster.UntilLed();
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        var moved = cluster.Follower;
        cluster.Until(() => moved.Group.Status.Snapshot.Index.Value > 0, "a snapshot to be freed");
        TestNode[] before = [.. cluster.Nodes.Take(3).Where(node => node != moved)], after = [.. cluster.Nodes.Skip(3)];
        GiveUpAlone(cluster, moved);
        moved.Kill();
        cluster.Cut.Clear();

        Become(cluster, [.. before.Select(Voter), .. after.Select(Learner)]);
        cluster.Until(() => after.All(node => node.Group.Status.Applied == cluster.Leader.Group.Status.Applied), "the newcomers' catching up");
        Become(cluster, [.. after.Select(Voter)]);
        cluster.Until(() => after.Any(node => node.Group.Status is { IsServingLeader: true, HasCommittedMembers: true, Configuration.IsJoint: false }), "a leader of today's members");
        foreach (var node in before) node.Kill();
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);

        moved.Start();
        cluster.Run(TimeSpan.FromSeconds(3));
        Become(cluster, [.. after.Select(Voter), Learner(moved)]);
        cluster.Until(() => moved.Group.Status.IsRestored && moved.Machine.Map.Count == 100, "the state's coming back");
    }

    /// <summary>After a restart nothing says any more that the state was given up: it is asked for until it is given up again.</summary>
    [Fact]
    public void A_state_that_was_given_up_before_a_restart_is_given_up_again()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        var moved = cluster.Follower;
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => moved.Group.Status.Snapshot.Index.Value > 0, "a snapshot to be freed");
        GiveUpAlone(cluster, moved);
        Restart(moved);
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.True(moved.Group.Status is { IsGivenUp: false, IsRestored: false });
        Assert.True(moved.Loop.GiveUp(cluster.GroupIds[0]));
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.True(moved.Group.Status is { IsGivenUp: true, IsRestored: false });
    }

    /// <summary>A deleted replica writes nothing more, leaves nothing behind, and its id is used up (S6).</summary>
    [Fact]
    public void A_deleted_replica_is_silent_and_stays_deleted()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 }, groups: 2);
        cluster.UntilLed();
        var deleted = cluster.Follower;
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => deleted.Group.Status.Snapshot.Index.Value > 0, "a snapshot to be deleted");

        var other = deleted.Groups[1];
        deleted.Loop.Delete(deleted.Group.Id);
        Assert.Equal(ProposalStatus.Stopped, Ended(deleted.Propose("a=1")));
        Assert.False(deleted.Read(ReadConsistency.Local).Grant!.Value.IsGranted);
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.False(deleted.Disk.Exists("snapshots/1"));
        Assert.Equal(1, deleted.Loop.GroupCount);
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
        Assert.NotEqual(NodeId.None, other.Status.Leader);

        Restart(deleted);
        Assert.True(deleted.Recovery.Find(new GroupId(1))!.IsTombstoned);
        Assert.Equal([new GroupId(2)], deleted.Groups.Select(group => group.Id));
        cluster.Until(() => deleted.Groups[0].Status.Leader != NodeId.None, "the other group");
    }

    /// <summary>A snapshot was on its way to the disk when its group was deleted: that it is there is never written into the log, which takes nothing of a deleted group (S6).</summary>
    [Fact]
    public void A_replica_that_is_deleted_while_its_snapshot_is_written_records_nothing()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var deleted = cluster.Follower;
        for (var i = 0; i < 20; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.UntilEqual();
        deleted.IsWorkerStuck = true;
        deleted.Group.TakeSnapshot();
        cluster.Run(TimeSpan.FromSeconds(1));
        deleted.Loop.Delete(deleted.Group.Id);
        cluster.Run(TimeSpan.FromSeconds(1));
        deleted.IsWorkerStuck = false;
        cluster.Run(TimeSpan.FromSeconds(2));
        Assert.False(deleted.Disk.Exists("snapshots/1"));
        Restart(deleted);
        Assert.True(deleted.Recovery.Find(new GroupId(1))!.IsTombstoned);
    }

    /// <summary>Replicas of two versions apply alike: behaviour branches on the level in the entry, which is state and not a setting (S5).</summary>
    [Fact]
    public async Task S13_replicas_of_two_versions_apply_alike_on_both_sides_of_a_raised_level()
    {
        var cluster = new TestCluster(3, optionsOf: id => new GroupOptions { FeatureLevelKnown = id == new NodeId(1) ? 3u : 2u, SnapshotLogBytes = 2000 }, machineOf: _ => new VersionedMachine());
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "a=old").IsApplied);
        var raised = cluster.Leader.Group.RaiseFeatureLevelAsync(2);
        cluster.Until(() => raised.IsCompleted, "the raised level");
        Assert.Equal(2u, (await raised).Reply);
        Assert.True(cluster.Apply(cluster.Leader, "b=new").IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal(("old", "level 2 new"), (node.Machine.Map["a"], node.Machine.Map["b"])));

        // Replayed from the log, and from a snapshot, each entry meets the level at which it was applied.
        var late = cluster.Follower;
        Restart(late);
        cluster.UntilEqual();
        Assert.Equal(("old", "level 2 new", 2u), (late.Machine.Map["a"], late.Machine.Map["b"], late.Group.Status.FeatureLevel));
    }

    /// <summary>A binary that does not know the level refuses to go on rather than apply otherwise than its peers (S5).</summary>
    [Fact]
    public void A_binary_refuses_a_level_that_it_does_not_know()
    {
        var known = 2u;
        var cluster = new TestCluster(3, optionsOf: id => new GroupOptions { FeatureLevelKnown = id == new NodeId(3) ? known : 2, SnapshotLogBytes = 2000 }, machineOf: _ => new VersionedMachine());
        cluster.UntilLed();
        var raised = cluster.Leader.Group.RaiseFeatureLevelAsync(2);
        cluster.Until(() => raised.IsCompleted, "the raised level");
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        var older = cluster.Nodes[2];
        cluster.Until(() => older.Group.Status.Snapshot.Index.Value > 0, "a compaction record that carries the level");
        older.Kill();
        known = 1;
        Assert.Contains("start a newer version", Assert.Throws<InvariantBrokenException>(older.Start).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_of_members_that_starts_from_others_than_there_are_is_refused()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var (members, leader) = (cluster.Leader.Group.Status.Configuration, cluster.Leader);
        var late = leader.Group.ChangeMembershipAsync(Configuration.OfVoters(new NodeId(1), new NodeId(2)), members);
        cluster.Until(() => late.IsCompleted, "the verdict");
        Assert.Equal(ChangeVerdict.Refused, await late);
        var asked = leader.Group.ChangeMembershipAsync(members, members);
        cluster.Until(() => asked.IsCompleted, "the verdict");
        Assert.Equal(ChangeVerdict.Begun, await asked);
        cluster.Until(() => leader.Group.Status.HasCommittedMembers, "the members to be committed");
    }

    /// <summary>A request that was held up until the members are the same again knows nothing of what was in between.</summary>
    [Fact]
    public async Task A_change_of_members_that_were_others_in_between_is_refused()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var leader = cluster.Leader;
        var (members, since) = (leader.Group.Status.Configuration, leader.Group.Status.ConfigurationIndex);
        var other = cluster.Nodes.First(node => node != leader);
        foreach (var target in (Configuration[])[Configuration.Of([.. members.Members.ToArray().Select(member => member.Node == other.Id ? member with { Role = MemberRole.Learner } : member)]), members])
        {
            Assert.Equal(ChangeVerdict.Begun, Change(cluster, leader, target));
            cluster.Until(() => leader.Group.Status is { HasCommittedMembers: true } status && status.Configuration.Equals(target), "the change");
        }

        var late = leader.Group.ChangeMembershipAsync(members, Configuration.OfVoters(leader.Id, other.Id), since);
        cluster.Until(() => late.IsCompleted, "the verdict");
        Assert.Equal(ChangeVerdict.Refused, await late);
        var asked = leader.Group.ChangeMembershipAsync(members, Configuration.OfVoters(leader.Id, other.Id), leader.Group.Status.ConfigurationIndex);
        cluster.Until(() => asked.IsCompleted, "the verdict");
        Assert.Equal(ChangeVerdict.Begun, await asked);
    }

    private static ChangeVerdict Change(TestCluster cluster, TestNode at, Configuration target)
    {
        var asked = at.Group.ChangeMembershipAsync(target);
        cluster.Until(() => asked.IsCompleted, "the verdict");
        return asked.Result;
    }

    /// <summary>Cut off, so that nobody makes it fetch its state again at once: here it is still counted on.</summary>
    private static void GiveUpAlone(TestCluster cluster, TestNode node)
    {
        cluster.Isolate(node);
        cluster.Until(() => node.Loop.GiveUp(cluster.GroupIds[0]), "the state's being given up");
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(node.Disk.List("snapshots/1"));
    }

    private static void Become(TestCluster cluster, params Member[] members) => Assert.Equal(ChangeVerdict.Begun, Change(cluster, cluster.Leader, Configuration.Of(members)));

    private static Member Voter(TestNode node) => new(node.Id, MemberRole.Voter);

    private static Member Learner(TestNode node) => new(node.Id, MemberRole.Learner);

    private static ProposalStatus Ended(Completion completion) => completion.Outcome!.Value.Status;

    private static void Restart(TestNode node)
    {
        node.Kill();
        node.Start();
    }

    /// <summary>From level 2 on, values are written another way.</summary>
    private sealed class VersionedMachine : ToyMachine
    {
        protected override string Written(in CommittedEntry entry, string value) => entry.FeatureLevel >= 2 ? $"level {entry.FeatureLevel} {value}" : value;
    }
}
