using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

public sealed class WriteAheadLogTests
{
    private static readonly GroupId A = LogFixture.A;
    private static readonly GroupId B = LogFixture.B;

    [Fact]
    public void What_was_synced_is_there_after_power_loss()
    {
        var fixture = new LogFixture();
        fixture.Create(A, B);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.Commit(batch => batch.AppendHardState(B, new HardState(new Term(7), new NodeId(3))));
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 10);
        fixture.AssertWhole(B, 0);
        Assert.Equal(new HardState(new Term(7), new NodeId(3)), fixture.Group(B).HardState);
        Assert.Equal(LogFixture.Three, fixture.Group(A).Configuration);
        Assert.Equal(1u, fixture.Group(A).FeatureLevel);
        Assert.Empty(fixture.Recovery.Findings);
    }

    /// <summary>The folder's own name lies in the folder above (the simulator's cluster seed 1: a power loss took an acknowledged log by its name).</summary>
    [Fact]
    public void A_power_loss_does_not_take_the_logs_folder_S7()
    {
        var fixture = new LogFixture();
        fixture.Create(LogFixture.A);
        fixture.CommitEntries(LogFixture.A, 1, 1, 3);
        fixture.Disk.LosePower();
        Assert.True(WriteAheadLog.Exists(fixture.Disk), "the log is gone with its folder's name");
        fixture.Reopen();
        fixture.AssertWhole(LogFixture.A, 3);
    }

    [Fact]
    public void What_was_not_synced_may_be_gone_and_the_rest_is_whole()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 5);
        fixture.CommitEntries(A, 1, 6, 9, sync: false);
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 5);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    public void What_recovery_read_is_durable_before_anyone_is_told_S7()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 5);

        // The process dies with a commit in the page cache only; the next one reads it, acknowledges it, and then power is lost.
        fixture.CommitEntries(A, 1, 6, 9, sync: false);
        fixture.Reopen();
        fixture.AssertWhole(A, 9);
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 9);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    public void Truncation_voids_entries_and_others_take_their_place()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.Commit(batch =>
        {
            batch.AppendTruncation(A, new LogIndex(6));
            batch.AppendEntry(A, LogFixture.EntryOf(2, 6));
        });
        fixture.Reopen();
        fixture.AssertWhole(A, 6);
        Assert.Equal(new Term(2), fixture.Group(A).Entries[^1].Position.Term);
    }

    [Fact]
    public void Compaction_drops_the_entries_that_a_snapshot_covers()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.Commit(batch => batch.AppendCompaction(A, new LogPosition(new Term(1), new LogIndex(8)), LogFixture.Three, 4));
        fixture.Reopen();
        fixture.AssertWhole(A, 10);
        Assert.Equal(new LogIndex(8), fixture.Group(A).Snapshot.Index);
        Assert.Equal(2, fixture.Group(A).Entries.Count);
        Assert.Equal(4u, fixture.Group(A).FeatureLevel);
    }

    [Fact]
    public void Snapshot_of_another_history_drops_the_suffix_also_after_restart()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.Commit(batch => batch.AppendCompaction(A, new LogPosition(new Term(2), new LogIndex(8)), LogFixture.Three, 1));
        fixture.CommitEntries(A, 2, 9, 9);
        fixture.Reopen();
        fixture.AssertWhole(A, 9);
        Assert.Single(fixture.Group(A).Entries);
    }

    [Fact]
    public void Failed_sync_poisons_the_log_and_is_never_retried_S7()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.Disk.FailSyncs = true;
        Assert.Throws<WalPoisonedException>(() => fixture.CommitEntries(A, 1, 1, 1));
        fixture.Disk.FailSyncs = false;
        var syncs = fixture.Disk.Syncs;
        Assert.Throws<WalPoisonedException>(() => fixture.Log.Sync());
        Assert.Throws<WalPoisonedException>(() => fixture.CommitEntries(A, 1, 2, 2));
        Assert.Equal(syncs, fixture.Disk.Syncs);
    }

    /// <summary>The cache holds as clean what a failed fsync did not write: the next process reads the medium (S7), so it promises only what is there.</summary>
    [Fact]
    public void What_a_failed_sync_left_in_the_cache_is_not_believed_by_the_next_process()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 5);
        fixture.Disk.FailSyncs = true;
        Assert.Throws<WalPoisonedException>(() => fixture.CommitEntries(A, 1, 6, 9));
        fixture.Disk.FailSyncs = false;
        fixture.Reopen();
        fixture.AssertWhole(A, 5);
        fixture.CommitEntries(A, 2, 6, 6);
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 6);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    public void Full_disk_poisons_the_log_and_keeps_what_was_acknowledged()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 3);
        fixture.Disk.FreeBytes = 0;
        var failure = Assert.Throws<WalPoisonedException>(() => fixture.CommitEntries(A, 1, 4, 4));
        Assert.IsType<DiskFullException>(failure.InnerException);
        fixture.Disk.FreeBytes = long.MaxValue;
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 3);
    }

    [Fact]
    public void Vote_survives_the_release_of_the_segment_it_was_written_to_S9()
    {
        var fixture = new LogFixture(segmentBytes: 64 * 1024);
        fixture.Create(A, B);
        fixture.Commit(batch => batch.AppendHardState(B, new HardState(new Term(9), new NodeId(2))));
        FillAndCompact(fixture, A, rounds: 40);
        Assert.DoesNotContain(fixture.Disk.Paths, path => path.EndsWith("0000000000000001.seg", StringComparison.Ordinal));
        fixture.Disk.LosePower();
        fixture.Reopen();
        Assert.Equal(new HardState(new Term(9), new NodeId(2)), fixture.Group(B).HardState);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    public void Log_on_disk_stays_bounded_with_one_idle_group()
    {
        var fixture = new LogFixture(segmentBytes: 64 * 1024, segmentsMax: 3);
        fixture.Create(A, B);
        fixture.CommitEntries(B, 1, 1, 3);
        var most = 0;
        for (var round = 0; round < 100; round++)
        {
            FillAndCompact(fixture, A, rounds: 1, first: (ulong)round);
            foreach (var held in fixture.Log.HoldingBack)
            {
                Assert.Equal(B, held.Group);
                fixture.Commit(batch =>
                {
                    for (var index = held.From; index <= held.Through; index = index.Next) batch.AppendCopied(B, LogFixture.EntryOf(1, index.Value));
                });
            }

            Assert.Empty(fixture.Log.HoldingBack);
            most = Math.Max(most, fixture.Log.SegmentCount);
        }

        Assert.True(most <= 5, $"{most} segments");
        fixture.Reopen();
        fixture.AssertWhole(B, 3);
    }

    /// <summary>A copied record restates and shortens nothing (S9).</summary>
    [Fact]
    public void Copied_record_shortens_nothing_S9()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.Commit(batch => batch.AppendCopied(A, LogFixture.EntryOf(1, 3)));
        fixture.CommitEntries(A, 1, 11, 12);
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 12);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    public void Stale_copy_does_not_bring_back_what_was_truncated()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.Commit(batch => batch.AppendTruncation(A, new LogIndex(5)));
        fixture.Commit(batch => batch.AppendCopied(A, LogFixture.EntryOf(1, 7)));
        fixture.Commit(batch => batch.AppendEntry(A, LogFixture.EntryOf(2, 5)));
        fixture.Reopen();
        fixture.AssertWhole(A, 5);
    }

    [Fact]
    public void Recycled_segment_shows_no_old_records()
    {
        var fixture = new LogFixture(segmentBytes: 64 * 1024);
        fixture.Create(A);
        for (ulong round = 0; round < 60; round++)
        {
            FillAndCompact(fixture, A, rounds: 1, first: round);
            if (round % 7 == 3)
            {
                fixture.Disk.LosePower();
                fixture.Reopen();
                Assert.Empty(fixture.Recovery.Findings);
            }
        }

        fixture.Reopen();
        Assert.Equal(LogIndex.Zero, fixture.Group(A).DamagedUpTo);
        Assert.Equal(new LogIndex(60 * 50), fixture.Group(A).Snapshot.Index);
    }

    /// <summary>Ids are never used again (S6).</summary>
    [Fact]
    public void Deleted_group_is_remembered_and_refuses_records_S6()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 2);
        fixture.Commit(batch => batch.AppendTombstone(A));
        fixture.Reopen();
        fixture.Reopen();
        Assert.True(fixture.Group(A).IsTombstoned);
        Assert.Empty(fixture.Group(A).Entries);
        Assert.Throws<InvariantBrokenException>(() => fixture.CommitEntries(A, 1, 3, 3));
    }

    [Fact]
    public void Entry_that_does_not_follow_the_last_is_an_invariant_broken()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 2);
        Assert.Throws<InvariantBrokenException>(() => fixture.CommitEntries(A, 1, 4, 4));
        Assert.Throws<InvariantBrokenException>(() => fixture.CommitEntries(A, 1, 2, 2));
    }

    [Fact]
    public void Entry_of_the_largest_size_fits_and_a_commit_larger_than_a_segment_gets_a_larger_one()
    {
        var fixture = new LogFixture(segmentBytes: 64 * 1024);
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 3, bytes: 1024 * 1024 + 4096);
        fixture.Reopen();
        fixture.AssertWhole(A, 3);
    }

    [Fact]
    public void Log_of_another_cluster_is_refused()
    {
        var fixture = new LogFixture();
        fixture.Options = fixture.Options with { Cluster = new ClusterId(78) };
        var refusal = Assert.Throws<WalRefusedException>(fixture.Reopen);
        Assert.Contains("cluster 4d", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Restarting_again_and_again_keeps_the_log_bounded()
    {
        var fixture = new LogFixture();
        fixture.Create(A);
        fixture.CommitEntries(A, 1, 1, 4);
        for (var i = 0; i < 20; i++) fixture.Reopen();
        fixture.AssertWhole(A, 4);
        Assert.True(fixture.Log.SegmentCount <= 2);
        fixture.AssertWhole(A, 4);
    }

    private static void FillAndCompact(LogFixture fixture, GroupId group, int rounds, ulong first = 0)
    {
        for (var round = first; round < first + (ulong)rounds; round++)
        {
            fixture.CommitEntries(group, 1, (round * 50) + 1, (round + 1) * 50);
            fixture.Commit(batch => batch.AppendCompaction(group, new LogPosition(new Term(1), new LogIndex((round + 1) * 50)), LogFixture.Three, 1));
        }
    }
}
