using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

/// <summary>What a log of another make remembers is what the write-ahead log would have remembered (R1.7): the one is the other's oracle.</summary>
public sealed class RecordReplayTests
{
    private static readonly GroupId A = LogFixture.A;
    private static readonly GroupId B = LogFixture.B;
    private static readonly Configuration Two = Configuration.OfVoters(new NodeId(1), new NodeId(2));

    private readonly List<byte[]> kept = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Replayed_batches_say_what_the_write_ahead_log_says(int seed)
    {
        var dice = new SeededRandom((ulong)seed);
        var fixture = new LogFixture(segmentBytes: 1 << 16);
        var histories = new Dictionary<GroupId, History> { [A] = new(A), [B] = new(B) };
        Commit(fixture, batch =>
        {
            batch.AppendGroupCreated(A, LogFixture.Three, 1);
            batch.AppendGroupCreated(B, LogFixture.Three, 1);
        });
        for (var step = 0; step < 300; step++) Commit(fixture, batch => histories[dice.Next(2) == 0 ? A : B].Step(dice, batch));
        AssertSame(fixture);

        // And when it has been put together, and went on from there.
        PutTogether();
        AssertSame(fixture);
        for (var step = 0; step < 100; step++) Commit(fixture, batch => histories[dice.Next(2) == 0 ? A : B].Step(dice, batch));
        Commit(fixture, batch => batch.AppendTombstone(B));
        AssertSame(fixture);
        PutTogether();
        AssertSame(fixture);
    }

    [Fact]
    public void Bytes_that_are_not_what_was_written_are_refused()
    {
        var batch = new WalBatch(0);
        batch.AppendEntry(A, LogFixture.EntryOf(1, 1));
        var whole = batch.Encoded.ToArray();
        Assert.Throws<WalRefusedException>(() => new RecordReplay().Take(whole.AsMemory(0, whole.Length - 1)));
        Assert.Throws<WalRefusedException>(() => new RecordReplay().Take(whole.AsMemory(0, 10)));
        Assert.Throws<WalRefusedException>(() => new RecordReplay().Take(new byte[200]));
        whole[^10] ^= 1;
        Assert.Throws<WalRefusedException>(() => new RecordReplay().Take(whole));
    }

    private void Commit(LogFixture fixture, Action<WalBatch> fill) => fixture.Commit(batch =>
    {
        fill(batch);
        kept.Add(batch.Encoded.ToArray());
    });

    private void PutTogether()
    {
        var restated = RecordReplay.Restate(Replay()).Encoded.ToArray();
        kept.Clear();
        kept.Add(restated);
    }

    private WalRecovery Replay()
    {
        var replay = new RecordReplay();
        foreach (var batch in kept) replay.Take(batch);
        return replay.Finish();
    }

    private void AssertSame(LogFixture fixture)
    {
        fixture.Reopen();
        var other = Replay();
        Assert.Empty(other.Findings);
        Assert.Equal(fixture.Recovery.Groups.Count, other.Groups.Count);
        foreach (var group in fixture.Recovery.Groups)
        {
            var same = other.Find(group.Group)!;
            Assert.Equal(
                (group.HardState, group.FeatureLevel, group.DamagedUpTo, group.IsTombstoned, group.Configuration),
                (same.HardState, same.FeatureLevel, same.DamagedUpTo, same.IsTombstoned, same.Configuration));
            if (!group.IsTombstoned) Assert.Equal(group.Snapshot, same.Snapshot);
            Assert.Equal(
                group.Entries.Select(entry => (entry.Position, entry.Kind, Convert.ToHexString(entry.Payload.Span))),
                same.Entries.Select(entry => (entry.Position, entry.Kind, Convert.ToHexString(entry.Payload.Span))));
        }
    }

    /// <summary>What a group may say next, by the rules that the log's owner keeps.</summary>
    private sealed class History(GroupId group)
    {
        private readonly List<Entry> entries = [];
        private LogPosition snapshot;
        private ulong term = 1;

        private LogPosition Last => entries.Count > 0 ? entries[^1].Position : snapshot;

        public void Step(SeededRandom dice, WalBatch batch)
        {
            switch (dice.Next(10))
            {
                case 0:
                    batch.AppendHardState(group, new HardState(new Term(++term), new NodeId((ulong)dice.Next(3) + 1)));
                    break;
                case 1 when entries.Count > 0:
                    var from = dice.Next(entries.Count);
                    batch.AppendTruncation(group, entries[from].Position.Index);
                    entries.RemoveRange(from, entries.Count - from);
                    term++;
                    break;
                case 2 when entries.Count > 0:
                    var through = dice.Next(entries.Count);
                    snapshot = entries[through].Position;
                    batch.AppendCompaction(group, snapshot, Two, 2);
                    entries.RemoveRange(0, through + 1);
                    break;
                case 3 when dice.Next(5) == 0:
                    // Somebody else's snapshot, of another history than what stands behind it, or beyond the log's end.
                    snapshot = new LogPosition(new Term(++term), Last.Index + (ulong)dice.Next(2));
                    if (entries.Count > 1 && dice.Next(2) == 0) snapshot = snapshot with { Index = entries[0].Position.Index };
                    if (snapshot.Index == LogIndex.Zero) return;
                    batch.AppendCompaction(group, snapshot, LogFixture.Three, 3);
                    entries.Clear();
                    break;
                case 4 when entries.Count > 0:
                    batch.AppendCopied(group, entries[dice.Next(entries.Count)]);
                    batch.AppendCopied(group, LogFixture.EntryOf(term + 7, Last.Index.Value)); // Says nothing: it is not what stands.
                    break;
                default:
                    var entry = LogFixture.EntryOf(term, Last.Index.Value + 1, 40);
                    batch.AppendEntry(group, entry);
                    entries.Add(entry);
                    break;
            }
        }
    }
}
