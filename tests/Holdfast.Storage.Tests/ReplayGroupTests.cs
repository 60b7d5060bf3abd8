using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage.Tests;

/// <summary>What is left of one group's log when records in the middle of it were lost: never entries of a history that was given up behind newer ones (S8).</summary>
public sealed class ReplayGroupTests
{
    /// <summary>`sim --seed 20 --world sessions`: an exiled leader's tail was truncated, the record of that rotted, and a snapshot of the new history came after it. The node could not start any more.</summary>
    [Fact]
    public void A_snapshot_of_a_newer_term_takes_older_entries_behind_it_away_when_their_truncation_is_lost_S8()
    {
        var group = new ReplayGroup(LogFixture.A);
        for (ulong index = 1; index <= 22; index++) Entry(group, 1, index);
        group.NoteLost(9);
        Compaction(group, 2, 5);
        Assert.Empty(group.Finish([]));
        Assert.Equal(new LogPosition(new Term(2), new LogIndex(5)), group.Track.Snapshot);
        Assert.True(group.Track.DamagedUpTo > new LogIndex(5));
    }

    [Fact]
    public void A_snapshot_at_whose_position_another_entry_stands_takes_what_is_behind_it_away_S8()
    {
        var group = new ReplayGroup(LogFixture.A);
        for (ulong index = 1; index <= 4; index++) Entry(group, 1, index);
        Entry(group, 3, 5);
        Entry(group, 3, 6);
        group.NoteLost(3);
        Compaction(group, 2, 5);
        Assert.Empty(group.Finish([]));
    }

    [Fact]
    public void A_snapshot_that_drops_nothing_leaves_what_goes_on_from_it()
    {
        var group = new ReplayGroup(LogFixture.A);
        for (ulong index = 1; index <= 6; index++) Entry(group, 1, index);
        Compaction(group, 1, 4);
        Assert.Equal([5UL, 6UL], group.Finish([]).Select(one => one.Index.Value));
        Assert.Equal(LogIndex.Zero, group.Track.DamagedUpTo);
    }

    /// <summary>Rot in two places: the entry whose place was taken, and the truncation before the one that took it.</summary>
    [Fact]
    public void An_older_entry_behind_a_newer_one_is_a_hole_S8()
    {
        var group = new ReplayGroup(LogFixture.A);
        Entry(group, 1, 1);
        group.NoteBadBody(Header(WalRecordKind.Entry, 1, 2));
        Entry(group, 1, 3);
        group.NoteBadBody(Header(WalRecordKind.Truncation, 0, 2));
        Entry(group, 2, 2);
        Assert.Equal([1UL, 2UL], group.Finish([]).Select(one => one.Index.Value));
        Assert.True(group.Track.DamagedUpTo >= new LogIndex(3));
    }

    private static void Entry(ReplayGroup group, ulong term, ulong index) => group.Apply(Header(WalRecordKind.Entry, term, index), default, 1, 0);

    private static void Compaction(ReplayGroup group, ulong term, ulong index)
    {
        var batch = new WalBatch(0);
        batch.AppendCompaction(LogFixture.A, new LogPosition(new Term(term), new LogIndex(index)), LogFixture.Three, 1);
        group.Apply(Header(WalRecordKind.Compaction, term, index), batch.Encoded[WalRecordHeader.Size..], 1, 0);
    }

    private static WalRecordHeader Header(WalRecordKind kind, ulong term, ulong index) => new() { Group = LogFixture.A, Kind = kind, Term = new Term(term), Index = index, EntryKind = (byte)EntryKind.Command };
}
