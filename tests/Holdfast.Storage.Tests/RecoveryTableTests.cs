using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

/// <summary>A test per row of <see cref="RecoveryTable"/>, each on a real log that was damaged in that way.</summary>
public sealed class RecoveryTableTests
{
    private static readonly GroupId A = LogFixture.A;
    private static readonly GroupId B = LogFixture.B;

    [Fact]
    public void Table_has_a_row_for_every_symptom()
    {
        var reached = new HashSet<string>();
        for (var bits = 0; bits < 64; bits++)
        {
            bool Bit(int at) => (bits & (1 << at)) != 0;
            reached.Add(RecoveryTable.Judge(new WalSymptom(Bit(0) ? WalDamage.Body : WalDamage.Unknown, Bit(1), Bit(2), Bit(3), Bit(4), Bit(5))).Name);
        }

        Assert.Equal(RecoveryTable.Rows.Length, reached.Count);
    }

    /// <summary>A row without a test of its own, or a test of a row that is gone, is found here (S8).</summary>
    [Fact]
    public void Every_row_has_its_test()
    {
        var tested = typeof(RecoveryTableTests).GetMethods().SelectMany(method => method.GetCustomAttributes(false).OfType<RowAttribute>()).Select(row => row.Name);
        Assert.Equal(RecoveryTable.Rows.Select(row => row.Name).Order(), tested.Distinct().Order());
    }

    [Fact]
    [Row("torn tail")]
    public void Torn_tail_is_truncated()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 20, sync: false);
        var payload = fixture.FindPayload(LogFixture.EntryOf(1, 14)) / 512;

        // The batch header did not reach the disk, and of the body only what lies before one sector and some of what lies after it.
        var segment = fixture.NewestSegment;
        fixture.Disk.LosePower((path, sector) => path == segment && sector >= 17 && sector != payload && sector != payload + 1);
        fixture.Reopen();
        Assert.Empty(fixture.Recovery.Findings);
        Assert.Equal(LogIndex.Zero, fixture.Group(A).DamagedUpTo);
        Assert.InRange(fixture.Group(A).Entries.Count, 10, 14);
        AssertStable(fixture);
    }

    [Fact]
    public void Torn_tail_stays_cut_after_further_restarts()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 20, sync: false);
        var segment = fixture.NewestSegment;
        fixture.Disk.LosePower((path, sector) => path == segment && sector >= 17 && sector % 3 != 0);
        fixture.Reopen();
        var last = (ulong)fixture.Group(A).Entries.Count;
        fixture.CommitEntries(A, 2, last + 1, last + 5);
        fixture.Reopen();
        fixture.AssertWhole(A, last + 5);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    [Row("maybe acknowledged, known group")]
    public void Last_commit_with_header_and_without_body_is_maybe_and_harms_its_group()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 20);
        fixture.Disk.Rot(fixture.NewestSegment, fixture.FindPayload(LogFixture.EntryOf(1, 15)));
        fixture.Reopen();
        Assert.Equal(new LogIndex(20), fixture.Group(A).DamagedUpTo);
        fixture.AssertLast(A, 14);
        fixture.AssertWhole(B, 10);
        Assert.Contains(fixture.Recovery.Findings, finding => finding.Contains("maybe acknowledged, known group", StringComparison.Ordinal));
        AssertStable(fixture);
    }

    [Fact]
    [Row("maybe acknowledged, unknown group")]
    public void Last_commit_of_which_only_the_batch_header_is_left_harms_every_group()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 12, sync: false);
        var segment = fixture.NewestSegment;
        fixture.Disk.LosePower((path, sector) => path == segment && sector < 17);
        fixture.Reopen();
        Assert.Contains(fixture.Recovery.Findings, finding => finding.Contains("maybe acknowledged, unknown group", StringComparison.Ordinal));
        Assert.True(fixture.Group(A).DamagedUpTo >= new LogIndex(12));
        Assert.NotEqual(LogIndex.Zero, fixture.Group(B).DamagedUpTo);
        AssertStable(fixture);
    }

    [Fact]
    [Row("rot in a record of a known group")]
    public void Rot_before_the_last_commit_is_never_truncated_silently()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 20);
        fixture.CommitEntries(A, 1, 21, 22);
        fixture.Disk.Rot(fixture.NewestSegment, fixture.FindPayload(LogFixture.EntryOf(1, 15)));
        fixture.Reopen();
        Assert.Contains(fixture.Recovery.Findings, finding => finding.Contains("rot in a record of a known group", StringComparison.Ordinal));
        Assert.Equal(new LogIndex(22), fixture.Group(A).DamagedUpTo);
        fixture.AssertLast(A, 14);
        fixture.AssertWhole(B, 10);
        AssertStable(fixture);
    }

    [Fact]
    [Row("rot in a record of an unknown group")]
    public void Rot_in_a_record_of_an_unknown_group_counts_against_every_group_S8()
    {
        var fixture = Filled();
        fixture.Commit(batch => batch.AppendHardState(B, new HardState(new Term(3), new NodeId(0x1122334455667788))));
        fixture.CommitEntries(A, 1, 11, 12);
        fixture.Disk.Rot(fixture.NewestSegment, fixture.Find([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]));
        fixture.Reopen();
        Assert.Contains(fixture.Recovery.Findings, finding => finding.Contains("rot in a record of an unknown group", StringComparison.Ordinal));
        Assert.NotEqual(LogIndex.Zero, fixture.Group(A).DamagedUpTo);
        Assert.NotEqual(LogIndex.Zero, fixture.Group(B).DamagedUpTo);
        Assert.NotEqual(0, fixture.Recovery.GroupsLost);
        AssertStable(fixture);
    }

    [Fact]
    [Row("restatement whose other copy is whole")]
    public void Rotten_marks_are_healed_from_their_other_copy()
    {
        var fixture = Filled();
        fixture.Reopen();
        var marks = (1 + SegmentLayout.RingSlots) * fixture.Options.BlockBytes;
        fixture.Disk.Rot(fixture.NewestSegment, marks + 100);
        fixture.Reopen();
        fixture.AssertWhole(A, 10);
        fixture.AssertWhole(B, 10);
        Assert.Empty(fixture.Recovery.Findings);
    }

    /// <summary>One bad stretch took the end of the second copy and the commit behind it: the first copy stands for the one, and nothing for the other.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_commit_that_was_lost_together_with_the_restatement_before_it_is_not_healed_S8(int blocksBefore)
    {
        var fixture = Filled();
        fixture.Reopen();
        fixture.Commit(batch => batch.AppendHardState(B, new HardState(new Term(3), new NodeId(0x1122334455667788))));
        fixture.CommitEntries(A, 1, 11, 12);
        var (blockBytes, place) = (fixture.Options.BlockBytes, fixture.Find([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]));
        fixture.Disk.Rot(fixture.NewestSegment, (place / blockBytes * blockBytes) - (blocksBefore * blockBytes), (blocksBefore + 1) * blockBytes);
        fixture.Reopen();
        Assert.NotEqual(LogIndex.Zero, fixture.Group(B).DamagedUpTo);
        Assert.NotEqual(0, fixture.Recovery.GroupsLost);
        AssertStable(fixture);
    }

    [Fact]
    [Row("restatement rotten in both copies")]
    public void Marks_rotten_in_both_copies_lose_the_identity_of_groups()
    {
        var fixture = new LogFixture(segmentBytes: 64 * 1024);
        fixture.Create(A, B);
        for (ulong round = 0; round < 12; round++)
        {
            fixture.CommitEntries(A, 1, (round * 50) + 1, (round + 1) * 50);
            fixture.Commit(batch => batch.AppendCompaction(A, new LogPosition(new Term(1), new LogIndex((round + 1) * 50)), LogFixture.Three, 1));
        }

        Assert.Equal(1, fixture.Log.SegmentCount);
        var start = SegmentLayout.DataStart(512);
        fixture.Disk.Rot(fixture.NewestSegment, start, 512);
        fixture.Disk.Rot(fixture.NewestSegment, start + 512, 512);
        fixture.Reopen();
        Assert.NotEqual(0, fixture.Recovery.GroupsLost);
        fixture.Reopen();
        Assert.NotEqual(0, fixture.Recovery.GroupsLost);
    }

    [Fact]
    public void Recovery_that_was_interrupted_begins_anew()
    {
        for (var keep = 0; keep < 40; keep++)
        {
            var fixture = Filled();
            fixture.CommitEntries(A, 1, 11, 20, sync: false);
            var kept = keep;

            // The process dies, recovery reads the unsynced commit, and power is lost while it writes: the first sectors of its segment are there.
            fixture.Disk.LoseSyncsAfter(1);
            fixture.Log.Dispose();
            WriteAheadLog.Open(fixture.Disk, fixture.Options, out _).Dispose();
            fixture.Disk.LosePower((path, sector) => path.EndsWith("2.seg", StringComparison.Ordinal) && sector < kept);
            fixture.Reopen();
            Assert.Equal(LogIndex.Zero, fixture.Group(A).DamagedUpTo);
            Assert.InRange(fixture.Group(A).Entries.Count, 10, 20);
            Assert.Empty(fixture.Recovery.Findings);
            fixture.CommitEntries(B, 1, 11, 11);
            fixture.Reopen();
            fixture.AssertWhole(B, 11);
            Assert.Empty(fixture.Recovery.Findings);
        }
    }

    [Fact]
    [Row("commit that the next segment states again")]
    public void Commit_that_the_next_segment_states_again_may_vanish()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 20, sync: false);
        fixture.Reopen();
        fixture.Disk.LosePower();
        fixture.Reopen();
        fixture.AssertWhole(A, 20);
        Assert.Empty(fixture.Recovery.Findings);
    }

    [Fact]
    public void Damage_is_forgotten_once_the_lost_entries_are_written_again()
    {
        var fixture = Filled();
        fixture.CommitEntries(A, 1, 11, 20);
        fixture.CommitEntries(A, 1, 21, 22);
        fixture.Disk.Rot(fixture.NewestSegment, fixture.FindPayload(LogFixture.EntryOf(1, 15)));
        fixture.Reopen();
        fixture.CommitEntries(A, 1, 15, 21);
        fixture.Reopen();
        Assert.Equal(new LogIndex(22), fixture.Group(A).DamagedUpTo);
        fixture.CommitEntries(A, 1, 22, 22);
        fixture.Reopen();
        fixture.AssertWhole(A, 22);
    }

    [Fact]
    public void Every_rotten_byte_of_the_last_commits_is_noticed_or_harmless()
    {
        var dice = new SeededRandom(7);
        for (var round = 0; round < 150; round++)
        {
            var fixture = Filled();
            fixture.CommitEntries(A, 2, 11, 13);
            fixture.Commit(batch => batch.AppendHardState(B, new HardState(new Term(4), new NodeId(2))));
            fixture.CommitEntries(B, 4, 11, 12);
            var start = SegmentLayout.DataStart(512);
            fixture.Disk.Rot(fixture.NewestSegment, dice.Next(start, start + (12 * 512)), dice.Next(1, 64));
            fixture.Reopen();
            foreach (var (group, last) in new[] { (A, 13ul), (B, 12ul) })
            {
                if (fixture.Recovery.Find(group) is not { } found)
                {
                    Assert.NotEqual(0, fixture.Recovery.GroupsLost);
                    continue;
                }

                if (found.DamagedUpTo == LogIndex.Zero) fixture.AssertWhole(group, last);
                if (group == B && found.DamagedUpTo == LogIndex.Zero) Assert.Equal(new HardState(new Term(4), new NodeId(2)), found.HardState);
            }
        }
    }

    /// <summary>A second and third recovery come to the same judgement as the first.</summary>
    private static void AssertStable(LogFixture fixture)
    {
        for (var i = 0; i < 2; i++)
        {
            var before = fixture.Recovery;
            fixture.Reopen();
            foreach (var group in before.Groups)
            {
                Assert.Equal(group.DamagedUpTo, fixture.Group(group.Group).DamagedUpTo);
                Assert.Equal(group.Entries.Count, fixture.Group(group.Group).Entries.Count);
                Assert.Equal(group.HardState, fixture.Group(group.Group).HardState);
            }
        }
    }

    /// <summary>
    /// The lost commit took entry 9's place, and what stands there is of a history that was given up. The leader finds its own entry 10 beyond it and would never
    /// look at 9 again (the simulator's cluster seed 1: a replica applied it).
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_lost_commit_may_have_replaced_is_not_believed_S8(bool isRestated)
    {
        var fixture = Filled();
        fixture.Commit(batch =>
        {
            batch.AppendTruncation(A, new LogIndex(9));
            batch.AppendEntry(A, LogFixture.EntryOf(2, 9));
        });
        var lost = fixture.FindPayload(LogFixture.EntryOf(2, 9)) / 512 * 512;
        var segment = fixture.NewestSegment;
        fixture.CommitEntries(A, 2, 10, 12);
        if (isRestated) fixture.Reopen(); // The next segment's marks say again how far the log goes.
        fixture.Disk.Rot(segment, lost, 512);
        fixture.Reopen();
        Assert.InRange(fixture.Group(A).Entries.Count, 0, 8);
        Assert.True(fixture.Group(A).DamagedUpTo >= new LogIndex(12));
    }

    private static LogFixture Filled()
    {
        var fixture = new LogFixture();
        fixture.Create(A, B);
        fixture.CommitEntries(A, 1, 1, 10);
        fixture.CommitEntries(B, 1, 1, 10);
        return fixture;
    }
}

/// <summary>Names the row of <see cref="RecoveryTable"/> that a test is for.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class RowAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}
