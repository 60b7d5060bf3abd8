using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Raft paper 5.3, 5.4; SAFETY S1, S7, S8.</summary>
public sealed class ReplicationTests
{
    [Fact]
    public void What_a_quorum_has_is_applied_everywhere_in_the_same_order()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.ElectLeader();
        for (var i = 0; i < 100; i++) leader.Propose($"c{i}");
        cluster.Run(TimeSpan.FromMilliseconds(200));
        foreach (var replica in cluster.Replicas.Values)
            Assert.Equal(Enumerable.Range(0, 100).Select(i => $"c{i}"), replica.Applied.Where(command => command[0] == 'c'));
    }

    [Fact] // Raft thesis 10.2.1
    public void S1_the_leader_counts_itself_only_when_its_own_disk_is_done()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        leader.DiskStalled = true;
        cluster.Crash(3);
        cluster.ProposeAndSettle(leader, "x");
        Assert.DoesNotContain("x", leader.Applied); // 2 has it on disk; 1 has not; a majority is two.
        leader.DiskStalled = false;
        cluster.Settle();
        Assert.Contains("x", leader.Applied);
    }

    [Fact]
    public void S1_a_follower_acknowledges_only_what_is_on_its_disk()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster[2].DiskStalled = cluster[3].DiskStalled = true;
        cluster.ProposeAndSettle(leader, "x");
        Assert.DoesNotContain("x", leader.Applied);
        cluster[3].DiskStalled = false;
        cluster.Settle();
        Assert.Contains("x", leader.Applied);
    }

    [Fact]
    public void The_leaders_own_disk_may_be_the_slow_one()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        leader.DiskStalled = true;
        cluster.ProposeAndSettle(leader, "x");
        Assert.Contains("x", leader.Applied); // Two followers are a majority without it (Raft thesis 10.2.1).
    }

    [Fact]
    public void A_conflicting_suffix_gives_way_to_the_new_leaders_log()
    {
        var cluster = new RaftCluster(3);
        var old = cluster.Elect(1);
        cluster.Isolate(1);
        for (var i = 0; i < 10; i++) old.Propose($"lost{i}");
        cluster.Settle();
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true } next && next != old, "the majority elects another");
        cluster.ProposeAndSettle(cluster.Leader!, "kept");
        cluster.Heal();
        cluster.RunUntil(() => old.Applied.Contains("kept"), "the old leader follows");
        Assert.DoesNotContain(old.Applied, command => command.StartsWith("lost", StringComparison.Ordinal));
        Assert.NotEmpty(old.Truncations);
    }

    [Fact] // A leader says a commit once, and a group at rest says nothing more: what carried the word is lost, and no connection broke.
    public void A_follower_that_missed_the_last_commit_of_a_group_at_rest_asks_for_it()
    {
        Assert.True(LearnsOfTheLastCommit(PlantedBug.None));
        Assert.False(LearnsOfTheLastCommit(PlantedBug.MissedCommitNotAskedFor));
    }

    [Fact] // async-append ABA: an old write completes after its entries were truncated and replaced
    public void A_completion_that_is_older_than_a_truncation_vouches_only_for_what_survived_it()
    {
        var durability = new LogDurability(new LogIndex(5));
        var old = durability.Take(default, new LogIndex(9)); // 6..9 of the old leader
        durability.OnTruncated(new LogIndex(7));
        var replacement = durability.Take(default, new LogIndex(8)); // 7..8 of the new leader
        durability.OnDurable(old.Token);
        Assert.Equal(new LogIndex(6), durability.Durable);
        durability.OnDurable(replacement.Token);
        Assert.Equal(new LogIndex(8), durability.Durable);
    }

    [Fact] // raft world, seed 258: appends overtook each other, each old answer set off a window full of new ones, and time stood still under the messages
    public void Answers_to_what_was_sent_before_a_probe_do_not_each_open_the_window_again()
    {
        var progress = new Progress(new NodeId(2), new LogIndex(101), TimeSpan.FromMilliseconds(100), Instant.Zero);
        progress.OnAccepted(new LogIndex(100), LogIndex.Zero);
        Assert.Equal(ProgressState.Replicate, progress.State);

        Assert.True(progress.OnRejected(new LogIndex(150), agreeing: new LogIndex(120)));
        Assert.Equal((ProgressState.Probe, new LogIndex(121)), (progress.State, progress.Next));
        progress.OnSent(Instant.Zero, new AppendHeader(new Term(1), new LogPosition(new Term(1), new LogIndex(120)), new LogIndex(100), 0), new LogIndex(121), 16);
        for (var old = 100UL; old <= 110; old++) progress.OnAccepted(new LogIndex(old), LogIndex.Zero); // What was sent before has become durable.
        Assert.Equal((ProgressState.Probe, new LogIndex(110), new LogIndex(121), false), (progress.State, progress.Match, progress.Next, progress.MaySend(new RaftOptions())));
        progress.OnAccepted(new LogIndex(121), LogIndex.Zero);
        Assert.Equal((ProgressState.Replicate, new LogIndex(122), true), (progress.State, progress.Next, progress.MaySend(new RaftOptions())));
    }

    [Fact]
    public void A_probe_that_may_be_lost_does_not_keep_a_window_shut_for_long()
    {
        var progress = new Progress(new NodeId(2), new LogIndex(101), TimeSpan.FromMilliseconds(100), Instant.Zero);
        progress.OnAccepted(new LogIndex(100), LogIndex.Zero);
        Assert.True(progress.OnRejected(new LogIndex(150), agreeing: new LogIndex(120)));
        var old = new AppendReply(new Term(1), true, new LogIndex(110), default, 0, SupportEpoch.None, true);
        progress.OnAnswer(Instant.Zero + TimeSpan.FromMilliseconds(5), old);
        progress.OnAccepted(old.Match, LogIndex.Zero);
        Assert.Equal((ProgressState.Replicate, new LogIndex(111)), (progress.State, progress.Next));
    }

    [Fact]
    public void A_lost_append_is_said_again_with_all_that_followed_it_and_nothing_is_probed()
    {
        var cluster = new RaftCluster(3, new RaftOptions { AppendBytesMax = 1 });
        var leader = cluster.Elect(1);
        cluster.CutOneWay(1, 3);
        cluster.ProposeAndSettle(leader, "lost");
        cluster.MendOneWay(1, 3);
        var before = cluster.Transcript.Count;
        for (var i = 0; i < 4; i++) leader.Propose($"c{i}");
        cluster.Settle();
        var wire = cluster.Transcript.Skip(before).Where(line => line.StartsWith("1->3", StringComparison.Ordinal) || line.StartsWith("3->1", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, wire.Count(line => line.Contains("rejected", StringComparison.Ordinal)));
        var again = wire.SkipWhile(line => !line.Contains("rejected", StringComparison.Ordinal)).SkipWhile(line => line.StartsWith("3->1", StringComparison.Ordinal)).Take(5);
        Assert.All(again, line => Assert.Matches("^1->3 append .* entries=1 ", line)); // All five at once: no answer was waited for.
        Assert.Equal(["lost", "c0", "c1", "c2", "c3"], cluster[3].Applied.TakeLast(5));
    }

    [Fact] // raft world, seed 366: appends overtook each other over slow wires, each refusal began a probe, and a follower caught up by ten entries a second
    public void A_refusal_that_only_shows_a_gap_stays_in_the_window_and_a_pile_of_them_goes_back_once()
    {
        var options = new RaftOptions();
        var progress = Replicating(upTo: 100);
        for (var index = 101UL; index <= 150; index++) Send(progress, index);
        Assert.True(progress.OnRejected(new LogIndex(121), agreeing: new LogIndex(120), showsGap: true));
        Assert.Equal((ProgressState.Replicate, new LogIndex(121), new LogIndex(100)), (progress.State, progress.Next, progress.Match));

        progress.OnAccepted(new LogIndex(120), LogIndex.Zero);
        var again = 0;
        while (progress.MaySend(options)) Send(progress, 121UL + (ulong)again++);
        Assert.Equal(16, again);
        for (var old = 122UL; old < 150; old++) Assert.False(progress.OnRejected(new LogIndex(old), agreeing: new LogIndex(120), showsGap: true)); // The rest of the pile.
        Assert.Equal((ProgressState.Replicate, new LogIndex(137), false), (progress.State, progress.Next, progress.MaySend(options)));
    }

    [Fact]
    public void What_lies_with_a_followers_disk_counts_in_the_window_when_sending_goes_back()
    {
        var options = new RaftOptions { InflightAppendsMax = 8 };
        var progress = Replicating(upTo: 100);
        for (var index = 101UL; index <= 108; index++) Send(progress, index);
        Assert.True(progress.OnRejected(new LogIndex(107), agreeing: new LogIndex(106), showsGap: true));
        var again = 0;
        while (progress.MaySend(options)) Send(progress, 107UL + (ulong)again++);
        Assert.Equal(2, again); // 101 to 106 are in its memory, and no answer has said that they are durable.
    }

    [Fact]
    public void What_was_said_again_and_lost_once_more_is_said_a_third_time()
    {
        var progress = Replicating(upTo: 100);
        for (var index = 101UL; index <= 103; index++) Send(progress, index);
        Assert.True(progress.OnRejected(new LogIndex(101), agreeing: new LogIndex(100), showsGap: true));
        for (var index = 101UL; index <= 103; index++) Send(progress, index);
        Assert.False(progress.OnRejected(new LogIndex(101), agreeing: new LogIndex(100), showsGap: true)); // Too soon to tell it from the first pile.
        progress.OnAnswer(Instant.Zero + TimeSpan.FromMilliseconds(50), new AppendReply(new Term(1), false, new LogIndex(103), default, 0, SupportEpoch.None, true)); // A heartbeat's.
        Assert.True(progress.OnRejected(new LogIndex(103), agreeing: new LogIndex(100), showsGap: true));
        Assert.Equal((ProgressState.Replicate, new LogIndex(101)), (progress.State, progress.Next));
    }

    [Fact] // (S8)
    public void A_follower_that_lost_what_it_had_acknowledged_is_probed_whatever_its_hint()
    {
        var progress = Replicating(upTo: 100);
        Send(progress, 101);
        progress.OnAnswer(Instant.Zero, new AppendReply(new Term(1), false, new LogIndex(100), default, 0, SupportEpoch.None, IsWhole: false));
        Assert.True(progress.OnRejected(new LogIndex(100), agreeing: new LogIndex(60), showsGap: true));
        Assert.Equal((ProgressState.Probe, LogIndex.Zero, new LogIndex(61)), (progress.State, progress.Match, progress.Next));
    }

    private static Progress Replicating(ulong upTo)
    {
        var progress = new Progress(new NodeId(2), new LogIndex(upTo + 1), TimeSpan.FromMilliseconds(100), Instant.Zero);
        progress.OnAccepted(new LogIndex(upTo), LogIndex.Zero);
        return progress;
    }

    private static void Send(Progress progress, ulong index) =>
        progress.OnSent(Instant.Zero, new AppendHeader(new Term(1), new LogPosition(new Term(1), new LogIndex(index - 1)), new LogIndex(100), 0), new LogIndex(index), 16);

    [Fact]
    public void A_lagging_follower_catches_up_while_commits_go_on() // (R1.10, third row)
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        for (var i = 0; i < 500; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        Assert.Equal(500, leader.Applied.Count(command => command[0] == 'c'));
        cluster.Heal();
        cluster.RunUntil(() => cluster[3].Applied.Contains("c499"), "the follower catches up");
        Assert.Equal(leader.Applied, cluster[3].Applied);
    }

    [Fact]
    public void Appends_in_flight_are_bounded_in_number_and_bytes()
    {
        var options = new RaftOptions { InflightAppendsMax = 4, AppendBytesMax = 100 };
        var cluster = new RaftCluster(3, options);
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(200));
        cluster[2].IsPaused = cluster[3].IsPaused = true;
        for (var i = 0; i < 100; i++) leader.Propose(new string('x', 80));
        var before = cluster.Transcript.Count;
        cluster.Settle();
        var appends = cluster.Transcript.Skip(before).Count(line => line.StartsWith("1->2", StringComparison.Ordinal) && line.Contains("entries=1", StringComparison.Ordinal));
        Assert.Equal(4, appends);
        cluster[2].IsPaused = cluster[3].IsPaused = false;
        cluster.Heal();
        cluster.RunUntil(() => leader.Applied.Count(command => command[0] == 'x') == 100, "all are committed");
    }

    [Fact] // A follower back from a snapshot was sent 8 MiB in one turn, and two loops stood still for 100 ms.
    public void One_flush_sends_a_follower_a_bounded_piece_of_what_it_lacks_and_its_answers_bring_the_rest()
    {
        var start = new RaftStart { Self = LoneReplica.Peer(1), Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = LoneReplica.Voters(3) };
        var replica = new LoneReplica(start, new RaftOptions { AppendBytesMax = 1, FlushBytesMax = 40 });
        replica.Lead(2);
        replica.Turn();
        replica.Acknowledge(2, 1);
        for (var i = 0; i < 30; i++) replica.Node.Propose(replica.Now, [1]);
        var through = 1UL;
        for (var turns = 0; through < 31; turns++)
        {
            Assert.InRange(turns, 0, 30);
            var sent = replica.Turn().Appends.Items.ToArray().Where(append => append.To == LoneReplica.Peer(2) && append.Message.Count > 0).Select(append => append.Message).ToList();
            Assert.InRange(sent.Count, 0, 3); // Each entry counts 17 bytes.
            if (sent.Count > 0) through = sent[^1].First.Value;
            replica.Acknowledge(2, Math.Max(through - 1, 1));
        }
    }

    [Fact]
    public void Too_much_uncommitted_and_too_large_entries_are_refused()
    {
        var cluster = new RaftCluster(3, new RaftOptions { UncommittedBytesMax = 1000, EntryBytesMax = 600 });
        var leader = cluster.Elect(1);
        cluster.Isolate(1);
        Assert.Equal(ProposeStatus.TooLarge, leader.Propose(new string('x', 601)).Status);
        Assert.Equal(ProposeStatus.Accepted, leader.Propose(new string('x', 600)).Status);
        Assert.Equal(ProposeStatus.Busy, leader.Propose(new string('x', 600)).Status);
    }

    [Fact]
    public void A_group_at_rest_is_silent()
    {
        var cluster = new RaftCluster(3);
        cluster.ProposeAndSettle(cluster.ElectLeader(), "a");
        cluster.Run(TimeSpan.FromSeconds(1));
        var before = cluster.Transcript.Count;
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(before, cluster.Transcript.Count); // Quiescence: the node pairs' beats speak for it.
    }

    [Fact]
    public void A_quiet_group_notices_a_dead_leader_by_the_node_pairs_silence()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.ElectLeader();
        cluster.Run(TimeSpan.FromSeconds(5));
        leader.IsUp = false;
        var died = cluster.Now;
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true } next && next != leader, "a successor");
        Assert.True(cluster.Now - died < TimeSpan.FromMilliseconds(600), $"took {cluster.Now - died}");
    }

    [Fact] // (S8)
    public void A_damaged_replica_neither_votes_nor_counts_until_its_leader_has_repaired_it()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        for (var i = 0; i < 10; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        cluster.Crash(2);
        var found = cluster[2].Recovered();
        cluster[2].IsUp = false;
        cluster.Restart(2, found with { Entries = [.. found.Entries.Take(4)], DamagedUpTo = new LogIndex(11) });
        Assert.False(cluster[2].Node.IsWhole);
        cluster.RunUntil(() => cluster[2].Node.IsWhole, "the log is repaired");
        Assert.Contains("c9", cluster[2].Applied);
    }

    [Fact] // (S8)
    public void Without_its_damaged_member_a_majority_is_not_made_up_by_it()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.ProposeAndSettle(leader, "committed by 1 and 2");
        leader.IsUp = false;
        cluster.Crash(2);
        var found = cluster[2].Recovered();
        cluster.Restart(2, found with { Entries = [.. found.Entries.Take(1)], DamagedUpTo = new LogIndex(2) });
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.Null(cluster.Leader); // 2 cannot vouch, 1 is down: waiting is right, electing 3 alone with 2 could lose the entry.
    }

    [Fact]
    public void A_restarted_replica_applies_nothing_twice()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        for (var i = 0; i < 20; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        cluster[3].Compact();
        cluster.Crash(3);
        cluster.Restart(3);
        cluster.ProposeAndSettle(leader, "after");
        cluster.RunUntil(() => cluster[3].Applied.Contains("after"), "it catches up");
        Assert.Equal(leader.Applied, cluster[3].Applied);
    }

    [Fact]
    public void Entries_with_absurd_counts_or_lengths_are_refused_before_anything_is_taken()
    {
        Span<byte> absurd = stackalloc byte[32];
        absurd.Fill(0xFF);
        var reader = new Wire.SpanReader(absurd);
        Assert.False(EntryBatch.TryDecode(ref reader, out _));
    }

    private static bool LearnsOfTheLastCommit(PlantedBug bug)
    {
        var cluster = new RaftCluster(3, new RaftOptions { Bug = bug });
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromSeconds(1));
        leader.Propose("last");
        leader.Turn(cluster.Now);
        cluster.DeliverOnce(); // The entry, to both.
        foreach (var id in new[] { 2, 3, 2, 3 }) cluster[id].Turn(cluster.Now);
        cluster.DeliverOnce(); // Both have it on their disks, and say so.
        cluster.CutOneWay(1, 3);
        cluster.Settle();
        cluster.MendOneWay(1, 3);
        Assert.Contains("last", cluster[2].Applied);
        Assert.DoesNotContain("last", cluster[3].Applied);
        cluster.Run(TimeSpan.FromSeconds(2));
        return cluster[3].Applied.Contains("last");
    }
}
