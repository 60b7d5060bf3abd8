using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

public sealed class ClusterWorldTests
{
    [Fact]
    public void Whole_nodes_hold_in_the_first_seeds_and_run_the_same_twice()
    {
        for (ulong seed = 11; seed <= 14; seed++)
        {
            var result = SimWorld.Of("cluster").Twice(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts.Acknowledged > 0, $"seed {seed} did nothing");
        }
    }

    /// <summary>
    /// The folder of the log, and that of snapshots, were created and never made durable in the folder above: a power loss could take an acknowledged log
    /// by its name (S1, S7).
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void A_power_loss_does_not_take_the_logs_folder(int seed) => Holds(seed);

    /// <summary>A session that was evicted between a command's execution at append and its commit: the leader had executed, the others refused to (S11, S15).</summary>
    [Theory]
    [InlineData(7)]
    public void Effects_are_applied_whatever_became_of_their_session(int seed) => Holds(seed);

    /// <summary>A leader whose executed command was refused, and could not be undone, rebuilt its state and executed upon it before it had applied its log again (S15, S20).</summary>
    [Theory]
    [InlineData(72)]
    public void A_leader_that_rebuilds_executes_nothing_before_it_is_at_its_logs_end(int seed) => Holds(seed);

    /// <summary>What a lost truncation may have replaced is not believed by recovery (S8).</summary>
    [Theory]
    [InlineData(1)]
    public void A_repaired_log_holds_no_entry_of_a_history_that_was_given_up(int seed) => Holds(seed);

    /// <summary>A snapshot that everybody had pruned was asked for for ever, and the follower never came back.</summary>
    [Theory]
    [InlineData(4)]
    public void A_follower_whose_snapshot_was_pruned_everywhere_comes_back(int seed) => Holds(seed);

    /// <summary>A stream whose only watch was compacted away was told the progress that its client had asked for before, beyond changes that were never told.</summary>
    [Theory]
    [InlineData(205)]
    public void Nobody_is_told_of_progress_over_changes_that_a_compaction_took(int seed) => Holds(seed);

    /// <summary>A leader counts the word of a node whose disk held the entry and was harmed since; the check did not (S8).</summary>
    [Theory]
    [InlineData(26)]
    public void A_commit_may_count_a_word_that_was_durable_when_it_was_given(int seed) => Holds(seed);

    /// <summary>A node outside of a group parked its clients' proposals and never looked at the time again, so that they were answered never.</summary>
    [Theory]
    [InlineData(55)]
    public void Clients_of_a_node_outside_of_a_group_are_answered(int seed) => Holds(seed);

    /// <summary>The administrator gave up an attempt to grant a role; it came through after he had repeated it, and taken the role away again. The check believed what he was told last.</summary>
    [Theory]
    [InlineData(22)]
    public void A_change_of_permissions_that_was_given_up_may_come_through_late(int seed) => Holds(seed);

    /// <summary>A nearly full disk: the first piece of a snapshot could not be written, those after it could, and it was committed without its beginning. Whoever fetched it could not restore it, and asked again for ever.</summary>
    [Theory]
    [InlineData(2)]
    public void A_snapshot_with_a_piece_that_was_not_written_is_not_committed(int seed) => Holds(seed);

    /// <summary>One bad stretch of the log took the end of a segment's restatement and the commit behind it, in which a later term stood; the first had another copy, and recovery took both for healed (S8).</summary>
    [Theory]
    [InlineData(70228)]
    public void A_commit_that_was_lost_together_with_a_restatement_is_known_to_be_lost(int seed) => Holds(seed);

    private static void Holds(int seed)
    {
        var result = ClusterRun.Once((ulong)seed, ClusterMutation.None);
        Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
    }
}
