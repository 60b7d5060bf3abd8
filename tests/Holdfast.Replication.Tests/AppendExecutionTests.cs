using System.Globalization;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

public sealed class AppendExecutionTests
{
    [Fact]
    public void The_leader_executes_once_and_the_others_apply_its_effects()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        for (var i = 1; i <= 10; i++) Assert.Equal($"{i}", cluster.Apply(cluster.Leader, "add n").Reply);
        Assert.Equal("10", cluster.Apply(cluster.Leader, "get n").Reply);
        cluster.UntilEqual();
        Assert.Equal(10, cluster.Nodes.Sum(node => ((ToyExecutor)node.Machine).Executed));
        Assert.All(cluster.Nodes, node => Assert.Equal("10", node.Machine.Map["n"]));
    }

    [Fact]
    public void An_async_reply_leaves_at_once_and_a_quorum_reply_waits()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        var async = cluster.Leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
        var quorum = cluster.Leader.Propose("add n");
        Assert.Equal("1", async.Outcome!.Value.Reply);
        Assert.Null(quorum.Outcome);
        cluster.Until(() => quorum.Outcome is not null, "the quorum's reply");
        Assert.Equal("2", quorum.Outcome!.Value.Reply);
    }

    /// <summary>Turns whose entries nobody waits for share a batch of the log; one that somebody waits for takes them all along at once.</summary>
    [Fact]
    public void What_nobody_waits_for_lingers_before_the_disk()
    {
        var cluster = new TestCluster(1, atAppend: true);
        cluster.UntilLed();
        cluster.Run(TimeSpan.FromMilliseconds(50));
        var leader = cluster.Leader;
        var before = leader.Submitted;
        for (var turn = 0; turn < 20; turn++)
        {
            leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
            leader.Loop.Turn(cluster.Now);
        }

        Assert.Equal(before, leader.Submitted);
        var quorum = leader.Propose("add n");
        leader.Loop.Turn(cluster.Now);
        Assert.Equal(before + 1, leader.Submitted);
        cluster.Until(() => quorum.Outcome is not null, "the quorum's reply");
        Assert.Equal("21", quorum.Outcome!.Value.Reply);

        var last = leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
        cluster.Until(() => leader.Group.Status.Commit >= last.Outcome!.Value.Position.Index, "the commit of what lingered");
    }

    /// <summary>A reply that waits for its commit, though its command changed nothing, does not wait for what lingers before it.</summary>
    [Fact]
    public void A_read_that_waits_for_what_lingers_hurries_it()
    {
        var cluster = new TestCluster(1, atAppend: true);
        cluster.UntilLed();
        cluster.Run(TimeSpan.FromMilliseconds(50));
        var leader = cluster.Leader;
        var before = leader.Submitted;
        leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
        leader.Loop.Turn(cluster.Now);
        Assert.Equal(before, leader.Submitted);
        var read = leader.Propose("get n");
        leader.Loop.Turn(cluster.Now);
        Assert.Equal(before + 1, leader.Submitted);
        cluster.Until(() => read.Outcome is not null, "the read's reply");
        Assert.Equal("1", read.Outcome!.Value.Reply);
    }

    /// <summary>Clients that wait for no disk are answered while a snapshot is due and the disk is stuck. The snapshot shows what was executed when it was captured, and is written once that is committed.</summary>
    [Fact]
    public void A_snapshot_waits_for_its_commit_and_nobody_waits_for_the_snapshot_S10()
    {
        var cluster = new TestCluster(1, new GroupOptions { SnapshotLogBytes = 2000 }, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        leader.IsDiskStuck = true;
        var jobsBefore = leader.JobsCarried;
        for (var i = 1; i <= 400; i++)
        {
            Assert.Equal($"{i}", leader.Propose("add n", new ProposeOptions { Durability = Durability.Async }).Outcome?.Reply);
            if (i % 20 == 0) cluster.Run(TimeSpan.FromMilliseconds(1));
        }

        Assert.False(leader.Group.Replica.Taking.IsIdle, "no view was captured");
        Assert.InRange(leader.JobsCarried, jobsBefore, jobsBefore + 1); // Feeding rests; nothing of the snapshot is written.
        leader.IsDiskStuck = false;
        cluster.Until(() => leader.Group.Meters.SnapshotsTaken.Value > 0 && leader.Group.Replica.Execution!.IsSettled, "the snapshot");
        var (hash, last) = (leader.Machine.StateHash, leader.Group.Status.Applied);
        leader.Kill();
        leader.Start();
        cluster.Until(() => leader.Group.Status.Applied >= last, "the state after a restart");
        Assert.Equal("400", leader.Machine.Map["n"]);
        Assert.True(leader.Recovery.Find(cluster.GroupIds[0])!.Snapshot.Index > LogIndex.Zero, "the log does not continue a snapshot");
        Assert.Equal(hash, leader.Machine.StateHash);
    }

    [Theory]
    [InlineData(nameof(PlantedReplicaBug.None))]
    [InlineData(nameof(PlantedReplicaBug.TakenBackStateInSnapshot))]
    public void A_snapshot_of_what_is_taken_back_is_thrown_away_S10(string bug)
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000, Bug = Enum.Parse<PlantedReplicaBug>(bug) }, atAppend: true);
        cluster.UntilLed();
        var old = cluster.Leader;
        cluster.Apply(old, "add n");
        cluster.Isolate(old);
        Assert.NotNull(old.Propose("fill lost 2500", new ProposeOptions { Durability = Durability.Async }).Outcome);
        cluster.Run(TimeSpan.FromMilliseconds(5));
        Assert.False(old.Group.Replica.Taking.IsIdle, "no view was captured");
        cluster.Until(() => cluster.Nodes.Any(node => node != old && node.Group.Status.IsServingLeader), "a new leader");
        var leader = cluster.Nodes.Single(node => node != old && node.Group.Status.IsServingLeader);
        for (var i = 2; i <= 4; i++) Assert.Equal($"{i}", cluster.Apply(leader, "add n").Reply);
        cluster.Cut.Clear();
        cluster.Until(() => old.Group.Replica.Taking.IsIdle && old.Group.Status.Applied == leader.Group.Status.Applied, "the old leader's catching up");
        old.Kill();
        old.Start();
        cluster.Until(() => old.Machine.Map.GetValueOrDefault("n") == "4", "the state after a restart");
        Assert.Equal(bug != nameof(PlantedReplicaBug.None), old.Machine.Map.ContainsKey("lost"));
    }

    /// <summary>A backup keeps the state's hash beside the position that it read. What was executed ahead of its commit is in the state already, so such a hash would be of no position, and a restored state would never equal it.</summary>
    [Fact]
    public async Task A_reading_of_the_log_has_no_hash_while_something_executed_waits_for_its_commit_S10()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        cluster.Apply(cluster.Leader, "add n");
        cluster.UntilEqual();
        var leader = cluster.Leader;
        var settled = await ReadAsync();
        cluster.Isolate(leader);
        leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
        var ahead = await ReadAsync();
        Assert.Equal(settled.Applied, ahead.Applied);
        Assert.NotNull(settled.StateHash);
        Assert.Null(ahead.StateHash);

        async Task<LogReading> ReadAsync()
        {
            var reading = leader.Group.ReadLogAsync(LogIndex.Zero);
            leader.Loop.Turn(cluster.Now);
            return await reading;
        }
    }

    /// <summary>The class decides when a reply leaves, never what counts as committed (S18): the quorum's reply waits for the async entry before it too.</summary>
    [Fact]
    public void The_class_of_a_reply_changes_nothing_about_what_is_committed()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        var before = leader.Group.Status.Commit;
        cluster.Isolate(leader);
        var async = leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
        var quorum = leader.Propose("get n");
        Assert.Equal("1", async.Outcome!.Value.Reply);
        cluster.Run(TimeSpan.FromMilliseconds(100));
        Assert.Null(quorum.Outcome);
        Assert.Equal(before, leader.Group.Status.Commit);
        cluster.Until(() => quorum.Outcome is not null, "the end of what was never confirmed");
        Assert.Equal(ProposalStatus.Unknown, quorum.Outcome!.Value.Status);
    }

    [Fact]
    public void A_truncated_tail_is_undone_and_its_replies_are_unknown_S15_S19()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        var old = cluster.Leader;
        Assert.Equal("1", cluster.Apply(old, "add n").Reply);
        cluster.Isolate(old);
        var lost = old.Propose("add n");
        cluster.Until(() => cluster.Nodes.Any(node => node != old && node.Group.Status.IsServingLeader), "a new leader");
        cluster.Until(() => lost.Outcome is not null, "the end of the lost proposal");
        Assert.Equal(ProposalStatus.Unknown, lost.Outcome!.Value.Status);
        cluster.Cut.Clear();
        cluster.Until(() => old.Machine.Map["n"] == "1", "the undoing");
        Assert.Equal(1, ((ToyExecutor)old.Machine).Undone);
        Assert.Equal("2", cluster.Apply(cluster.Leader, "add n").Reply);
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map["n"] == "2"), "the same everywhere");
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(500)]
    public void A_tail_that_cannot_be_undone_is_rebuilt_from_snapshot_and_log_S20(long snapshotLogBytes)
    {
        var cluster = CannotUndo(snapshotLogBytes, out var old);
        cluster.Cut.Clear();
        cluster.Until(() => old.Machine.Map["n"] == "40" && old.Group.Status.IsRestored, "the rebuilt state");
        Assert.Equal("41", cluster.Apply(cluster.Leader, "add n").Reply);
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map["n"] == "41"), "the same everywhere");
        cluster.UntilEqual();

        // It leads and executes again, although its log is shorter than what it once had executed.
        Assert.Equal(ChangeVerdict.Begun, cluster.Leader.Group.TransferLeadership(cluster.Now, old.Id));
        cluster.Until(() => old.Group.Status.IsServingLeader, "the former leader's leading again");
        Assert.Equal("42", cluster.Apply(old, "add n").Reply);
    }

    /// <summary>The former leader applies from the log what it had executed itself, in slices: an entry that it has begun is not taken for one that it holds already.</summary>
    [Theory]
    [InlineData(1_000_000)]
    [InlineData(500)]
    public void A_machine_that_applies_in_slices_is_rebuilt_and_executes_again_S15_S20(long snapshotLogBytes)
    {
        var cluster = CannotUndo(snapshotLogBytes, out var old, "slow");
        cluster.Cut.Clear();
        cluster.Until(() => old.Machine.Map.GetValueOrDefault("slow") == "40" && old.Group.Status.IsRestored, "the rebuilt state");
        Assert.Equal("41", cluster.Apply(cluster.Leader, "add slow").Reply);
        cluster.UntilEqual();
        Assert.Equal(ChangeVerdict.Begun, cluster.Leader.Group.TransferLeadership(cluster.Now, old.Id));
        cluster.Until(() => old.Group.Status.IsServingLeader, "the former leader's leading again");
        Assert.Equal("42", cluster.Apply(old, "add slow").Reply);
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map["slow"] == "42"), "the same everywhere");
        cluster.UntilEqual();
    }

    /// <summary>
    /// A command that is executed and then too large to be appended cannot be undone here, so the leader rebuilds from a snapshot of its own term. Nothing waits for
    /// its commit then; all the same it executes nothing upon that older state (the simulator's cluster seed 72: it did, and replicas parted).
    /// </summary>
    [Fact]
    public void A_leader_that_rebuilds_after_a_refused_command_executes_nothing_before_it_is_at_its_logs_end_S15_S20()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 500, CommandBytesMax = 400 }, machineOf: _ => new ToyExecutor(canUndo: false));
        cluster.UntilLed();
        var leader = cluster.Leader;
        for (var i = 1; i <= 40; i++) Assert.Equal($"{i}", cluster.Apply(leader, "add slow").Reply);
        cluster.UntilEqual();
        Assert.True(leader.Group.Status.Snapshot.Index.Value > 0, "a snapshot of its own term");

        Assert.Equal(ProposalStatus.TooLarge, cluster.Apply(leader, "fill k 500").Status);
        var asked = new List<Completion>();
        for (var i = 0; i < 60; i++)
        {
            asked.Add(leader.Propose("add slow"));
            cluster.Run(TimeSpan.FromMilliseconds(2));
        }

        cluster.Until(() => asked.TrueForAll(each => each.Outcome is not null), "the fate of all");
        // Those that had to wait are executed after some that came later; each once, and upon all before it.
        Assert.Equal(Enumerable.Range(41, 60), asked.Select(each => int.Parse((string)each.Outcome!.Value.Reply!, CultureInfo.InvariantCulture)).Order());
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal("100", node.Machine.Map["slow"]));
    }

    /// <summary>
    /// A snapshot is on its way to the disk when a refused command makes the leader build its state again from what was there before: the log is shortened before the state has come as far (the simulator's cluster world: "an entry was asked for that
    /// the log has already forgotten").
    /// </summary>
    [Fact]
    public void A_state_that_is_rebuilt_while_a_newer_snapshot_is_recorded_is_built_again_from_that_S10_S20()
    {
        var cluster = new TestCluster(3, new GroupOptions { CommandBytesMax = 400 }, machineOf: _ => new ToyExecutor(canUndo: false));
        cluster.UntilLed();
        var leader = cluster.Leader;
        for (var i = 1; i <= 20; i++) Assert.Equal($"{i}", cluster.Apply(leader, "add slow").Reply);
        cluster.UntilEqual();
        leader.IsDiskStuck = true;
        leader.Group.TakeSnapshot();
        cluster.Run(TimeSpan.FromMilliseconds(20));
        Assert.Equal(0UL, leader.Group.Status.Snapshot.Index.Value);

        leader.LookCost = TimeSpan.FromMilliseconds(1); // What is applied again goes on in slices.
        var refused = leader.Propose("fill k 500");
        cluster.Until(() => refused.Outcome is not null, "the fate of what is too large");
        Assert.Equal(ProposalStatus.TooLarge, refused.Outcome!.Value.Status);
        cluster.Run(TimeSpan.FromMilliseconds(1));
        Assert.True(leader.Group.Status.Applied.Value < 10, $"the state has come as far as {leader.Group.Status.Applied}");
        leader.IsDiskStuck = false;
        cluster.Until(() => leader.Group.Status.Snapshot.Index.Value > 0, "the log is shortened");
        leader.LookCost = TimeSpan.Zero;
        cluster.UntilLed();
        Assert.Equal("21", cluster.Apply(cluster.Leader, "add slow").Reply);
        cluster.UntilEqual();
    }

    /// <summary>
    /// The session is evicted by an entry between the command's execution at append and its commit: the leader has executed, so the others apply
    /// (the simulator's cluster seed 7: they refused, and replicas parted).
    /// </summary>
    [Fact]
    public void Effects_are_applied_by_all_whatever_became_of_their_session_S11_S15()
    {
        var cluster = new TestCluster(3, new GroupOptions { SessionsMax = 1 }, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        var first = OpenSession(leader);
        cluster.Until(() => first.Outcome is not null, "a session");
        var second = OpenSession(leader);
        var add = leader.Propose("add n", new ProposeOptions { Session = (ulong)first.Outcome!.Value.Reply!, Sequence = 1 });
        cluster.Until(() => add.Outcome is not null && second.Outcome is not null, "the fate of both");
        Assert.Equal("1", add.Outcome!.Value.Reply);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal("1", node.Machine.Map.GetValueOrDefault("n")));

        // Asked again under its number it is refused, not executed: the session is gone.
        var again = cluster.Apply(leader, "add n", new ProposeOptions { Session = (ulong)first.Outcome.Value.Reply, Sequence = 1 });
        Assert.Equal(ProposalStatus.SessionEvicted, again.Status);
        Assert.Equal("1", leader.Machine.Map["n"]);
    }

    /// <summary>The core accepts the place before the command executes: a refusal leaves nothing to be taken back.</summary>
    [Fact]
    public void A_command_for_which_the_log_has_no_room_is_not_executed_S16()
    {
        var cluster = new TestCluster(3, new GroupOptions { Raft = new RaftOptions { UncommittedBytesMax = 1000 } }, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        var executor = (ToyExecutor)leader.Machine;
        cluster.Isolate(leader);
        var async = new ProposeOptions { Durability = Durability.Async };

        // Effects are not known before: what was admitted below the bound may exceed it, by one entry.
        Assert.True(leader.Propose("fill a 900", async).Outcome!.Value.IsApplied);
        Assert.True(leader.Propose("fill b 900", async).Outcome!.Value.IsApplied);
        Assert.Equal(ProposalStatus.Busy, leader.Propose("fill c 900", async).Outcome!.Value.Status);
        Assert.Equal((2, 0), (executor.Executed, executor.Undone));
        Assert.False(leader.Machine.Map.ContainsKey("c"));

        // There is room again when it is committed.
        cluster.Cut.Clear();
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map.ContainsKey("b")), "the commit of both");
        Assert.True(cluster.Apply(cluster.Leader, "fill c 900").IsApplied);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Effects_that_are_larger_than_a_command_may_be_are_taken_back_and_nothing_is_executed_upon_half_a_state_S15_S16(bool canUndo)
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 500, CommandBytesMax = 1024 * 1024 }, machineOf: _ => new ToyExecutor(canUndo));
        cluster.UntilLed();
        var leader = cluster.Leader;
        for (var i = 1; i <= 40; i++) Assert.Equal($"{i}", cluster.Apply(leader, "add n").Reply);
        Assert.Equal(ProposalStatus.TooLarge, leader.Propose("fill n 2000000").Outcome!.Value.Status);
        Assert.Equal(canUndo ? 1 : 0, ((ToyExecutor)leader.Machine).Undone);
        var next = leader.Propose("add n"); // Where the state is rebuilt it waits.
        cluster.Until(() => next.Outcome is not null, "the next command's fate");
        Assert.Equal("41", next.Outcome!.Value.Reply);
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map.GetValueOrDefault("n") == "41"), "the same everywhere");
    }

    [Fact]
    public void A_rebuilding_replica_acknowledges_and_refuses_reads_and_does_not_stand_S15_S20()
    {
        var cluster = CannotUndo(500, out var old);
        var leader = cluster.Leader;
        old.IsWorkerStuck = true;
        cluster.Cut.Clear();
        cluster.Until(() => !old.Group.Status.IsRestored, "the loss of the state");
        cluster.Except(old, leader).Kill();

        Assert.Equal("41", cluster.Apply(leader, "add n").Reply);
        Assert.False(old.Group.Status.IsRestored);
        Assert.False(old.Read(ReadConsistency.Local).Grant!.Value.IsGranted);
        Assert.False(old.Read().Grant!.Value.IsGranted);

        var third = cluster.Except(old, leader);
        third.Start();
        cluster.Until(() => third.Group.Status.Last == leader.Group.Status.Last, "a third that can lead");
        leader.Kill();
        cluster.UntilLed();
        Assert.Same(third, cluster.Leader);
        old.IsWorkerStuck = false;
        cluster.UntilEqual();
        Assert.Equal("41", old.Machine.Map["n"]);
    }

    [Fact]
    public void A_former_leader_shows_nothing_that_may_yet_be_taken_back_S15_S18()
    {
        var cluster = new TestCluster(3, new GroupOptions { ReadTimeout = TimeSpan.FromSeconds(1) }, atAppend: true);
        cluster.UntilLed();
        var old = cluster.Leader;
        Assert.Equal("1", cluster.Apply(old, "add n").Reply);
        cluster.Isolate(old);
        old.Propose("add n");
        Assert.Equal("2", old.Machine.Map["n"]);
        var read = old.Read(ReadConsistency.Local);
        Assert.Null(read.Grant);
        cluster.Until(() => read.Grant is not null, "the refusal");
        Assert.False(read.Grant!.Value.IsGranted);
    }

    /// <summary>A leader under its lease grants the read, for after its own tail; then it turns out that this tail is never committed.</summary>
    [Fact]
    public void A_read_whose_index_is_never_applied_is_refused_in_time_S17()
    {
        var cluster = new TestCluster(3, new GroupOptions { ReadTimeout = TimeSpan.FromSeconds(1) }, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        cluster.Run(TimeSpan.FromMilliseconds(200));
        Assert.True(leader.Group.Status.HoldsLease);
        cluster.Isolate(leader);
        leader.Propose("add n");
        var read = leader.Read();
        cluster.Run(TimeSpan.FromMilliseconds(10));
        Assert.Null(read.Grant);
        cluster.Run(TimeSpan.FromSeconds(2));
        Assert.False(read.Grant!.Value.IsGranted);
        Assert.Equal(RaftRole.Follower, leader.Group.Status.Role == RaftRole.PreCandidate ? RaftRole.Follower : leader.Group.Status.Role);
    }

    /// <summary>Commands without effects take no room in the log, so their held replies need a bound of their own.</summary>
    [Fact]
    public void Held_replies_are_bounded_S18()
    {
        var cluster = new TestCluster(3, new GroupOptions { PendingProposalsMax = 10 }, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        cluster.Isolate(leader);
        leader.Propose("add n");
        for (var i = 0; i < 9; i++) Assert.Null(leader.Propose("get n").Outcome);
        Assert.Equal(ProposalStatus.Busy, leader.Propose("get n").Outcome!.Value.Status);
        Assert.Equal(ProposalStatus.Busy, leader.Propose("add n").Outcome!.Value.Status);
        Assert.Equal(1, ((ToyExecutor)leader.Machine).Executed);
    }

    [Fact]
    public void Effects_larger_than_an_entry_are_applied_elsewhere_as_one()
    {
        var cluster = new TestCluster(3, new GroupOptions { ChunkBytes = 64 }, atAppend: true);
        cluster.UntilLed();
        var before = cluster.Leader.Group.Status.Last.Index.Value;
        var key = new string('k', 300);
        Assert.Equal("1", cluster.Apply(cluster.Leader, $"add {key}").Reply);
        Assert.Equal("2", cluster.Apply(cluster.Leader, $"add {key}").Reply);
        Assert.Equal(before + 10, cluster.Leader.Group.Status.Last.Index.Value);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal("2", node.Machine.Map[key]));
        Assert.Equal(2, cluster.Nodes.Sum(node => ((ToyExecutor)node.Machine).Executed));
    }

    /// <summary>The followers got the first entries of a command and not its last: nobody applies it, and its leader takes all of it back (S10, S20).</summary>
    [Fact]
    public void A_command_whose_last_entry_is_lost_is_taken_back_as_a_whole_S20()
    {
        var cluster = new TestCluster(3, new GroupOptions { ChunkBytes = 64, Raft = new RaftOptions { AppendBytesMax = 100, InflightAppendsMax = 1 } }, atAppend: true);
        cluster.UntilLed();
        var old = cluster.Leader;
        var key = new string('k', 300);
        Assert.Equal("1", cluster.Apply(old, $"add {key}").Reply);
        var first = old.Group.Status.Last.Index.Value + 1;
        var lost = old.Propose($"add {key}");
        cluster.Until(() => cluster.Nodes.Any(node => node != old && node.Group.Status.Last.Index.Value >= first), "a part of the command elsewhere");
        var part = cluster.Nodes.Where(node => node != old).Max(node => node.Group.Status.Last.Index.Value);
        Assert.True(part < old.Group.Status.Last.Index.Value, "the whole command was sent at once: the test proves nothing");
        cluster.Isolate(old);
        cluster.Until(() => cluster.Nodes.Any(node => node != old && node.Group.Status.IsServingLeader), "a new leader");
        cluster.Until(() => lost.Outcome is not null, "the end of the lost proposal");
        cluster.Cut.Clear();
        cluster.Until(() => old.Machine.Map[key] == "1", "the undoing");
        Assert.Equal("2", cluster.Apply(cluster.Leader, $"add {key}").Reply);
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map.GetValueOrDefault(key) == "2"), "the same everywhere");
    }

    [Fact]
    public void A_leader_learns_what_will_not_be_taken_back_any_more()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        var leader = cluster.Leader;
        var machine = (ToyExecutor)leader.Machine;
        var position = cluster.Apply(leader, "add n").Position;
        Assert.Equal(position.Index, machine.CommittedTo);
        cluster.Isolate(leader);
        leader.Propose("add n");
        cluster.Run(TimeSpan.FromMilliseconds(50));
        Assert.Equal(position.Index, machine.CommittedTo);
    }

    private static Completion OpenSession(TestNode node)
    {
        var completion = new Completion();
        node.Group.OpenSession(completion);
        return completion;
    }

    /// <summary>Forty additions are confirmed; the leader executes twenty more while it is cut off, another leads, and only then the cut is healed by the test.</summary>
    private static TestCluster CannotUndo(long snapshotLogBytes, out TestNode old, string key = "n")
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = snapshotLogBytes }, machineOf: _ => new ToyExecutor(canUndo: false));
        cluster.UntilLed();
        var former = old = cluster.Leader;
        for (var i = 1; i <= 40; i++) Assert.Equal($"{i}", cluster.Apply(former, $"add {key}").Reply);
        cluster.UntilEqual();
        cluster.Isolate(former);
        for (var i = 0; i < 20; i++) former.Propose($"add {key}");
        Assert.Equal("60", former.Machine.Map[key]);
        cluster.Until(() => cluster.Nodes.Any(node => node != former && node.Group.Status.IsServingLeader), "a new leader");
        cluster.Until(() => former.Group.Status.Role != RaftRole.Leader, "the former leader's stepping down");
        return cluster;
    }
}
