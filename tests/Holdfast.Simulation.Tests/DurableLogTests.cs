using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Holdfast.Storage;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>The oracle of durability: it knows of each sector what a sync made of it, and so what recovery may hand over.</summary>
public sealed class DurableLogTests
{
    private static readonly GroupId Group = new(5);

    private readonly DurableLog known = new();
    private readonly SimDisk disk;
    private readonly WalOptions options = new() { Cluster = new ClusterId(77), BlockBytes = 512, SegmentBytes = 128 * 1024 };
    private WriteAheadLog log;

    public DurableLogTests()
    {
        disk = new SimDisk(new SeededRandom(3)) { OnDurable = known.OnDurable };
        log = WriteAheadLog.Open(Mount(), options, out _);
        Commit(batch => batch.AppendGroupCreated(Group, Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)), 1));
        Commit(batch =>
        {
            for (var index = 1UL; index <= 20; index++) batch.AppendEntry(Group, EntryOf(1, index));
        });
    }

    [Fact]
    public void What_was_taken_back_is_not_on_the_disk()
    {
        Commit(batch => batch.AppendTruncation(Group, new LogIndex(11)));
        Assert.True(known.Of(Group).Holds(new LogIndex(10)));
        Assert.False(known.Of(Group).Holds(new LogIndex(11)));
    }

    /// <summary>
    /// An exiled leader's tail is truncated, the record of that rots before anything follows, and the process ends: the tail is there again. A leader that has the same entries then need not send them, and the node
    /// acknowledges what the oracle took for gone.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void What_was_taken_back_by_a_record_that_rotted_is_on_the_disk_again(int followers)
    {
        Commit(batch =>
        {
            batch.AppendTruncation(Group, new LogIndex(11));
            for (var index = 11UL; index < 11UL + (ulong)followers; index++) batch.AppendEntry(Group, EntryOf(2, index));
        });
        var (path, sector) = known.LastTruncation!.Value;
        Assert.True(disk.Open(path).Rot(sector, new SeededRandom(9)));
        known.OnLost(path, sector);

        log.Dispose();
        log = WriteAheadLog.Open(Mount(), options, out var recovery);
        var found = recovery.Find(Group)!;
        Assert.NotEqual(LogIndex.Zero, found.DamagedUpTo);
        Assert.Equal(20, found.Entries.Count);
        Assert.All(found.Entries, entry => Assert.True(known.Of(Group).Holds(entry.Position), $"{entry.Position} was recovered"));
    }

    private static Entry EntryOf(ulong term, ulong index) => new(new LogPosition(new Term(term), new LogIndex(index)), EntryKind.Command, new byte[20]);

    private void Commit(Action<WalBatch> fill)
    {
        var batch = new WalBatch(0);
        fill(batch);
        log.Write([batch]);
        log.Sync();
    }

    private SimMount Mount() => new(disk, new Calm(), new SeededRandom(4));

    private sealed class Calm : IDiskFate
    {
        public void Pass(string effect)
        {
            // Nobody dies.
        }

        public bool SyncFails() => false;
    }
}
