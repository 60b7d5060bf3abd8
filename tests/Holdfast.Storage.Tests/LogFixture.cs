using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

/// <summary>A log on a disk in memory, with short words for what tests write into it.</summary>
internal sealed class LogFixture
{
    public static readonly GroupId A = new(5);
    public static readonly GroupId B = new(6);
    public static readonly Configuration Three = Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));

    private readonly WalBatch batch = new(0);

    public LogFixture(long segmentBytes = 1 << 20, int blockBytes = 512, int segmentsMax = 4)
    {
        Options = new WalOptions { Cluster = new ClusterId(77), SegmentBytes = segmentBytes, BlockBytes = blockBytes, SegmentsMax = segmentsMax };
        Reopen();
    }

    public WalOptions Options { get; set; }

    public MemoryDisk Disk { get; } = new();

    public WriteAheadLog Log { get; private set; } = null!;

    public WalRecovery Recovery { get; private set; } = null!;

    public string NewestSegment => Disk.Paths.Last(path => path.EndsWith(".seg", StringComparison.Ordinal));

    public static Entry EntryOf(ulong term, ulong index, int bytes = 100)
    {
        var payload = new byte[bytes];
        new SeededRandom(index * 31 + term).Fill(payload);
        return new Entry(new LogPosition(new Term(term), new LogIndex(index)), EntryKind.Command, payload);
    }

    public void Reopen()
    {
        Log?.Dispose();
        Log = WriteAheadLog.Open(Disk, Options, out var recovery);
        Recovery = recovery;
    }

    /// <summary>One commit.</summary>
    public void Commit(Action<WalBatch> fill, bool sync = true)
    {
        batch.Clear();
        fill(batch);
        Log.Write([batch]);
        if (sync) Log.Sync();
    }

    public void Create(params GroupId[] groups) => Commit(batch =>
    {
        foreach (var group in groups) batch.AppendGroupCreated(group, Three, 1);
    });

    public void CommitEntries(GroupId group, ulong term, ulong from, ulong through, bool sync = true, int bytes = 100) => Commit(
        batch =>
        {
            for (var index = from; index <= through; index++) batch.AppendEntry(group, EntryOf(term, index, bytes));
        },
        sync);

    /// <summary>Where in the newest segment an entry's payload begins.</summary>
    public long FindPayload(Entry entry) => Find(entry.Payload.Span);

    public long Find(ReadOnlySpan<byte> bytes)
    {
        var at = Disk.Content(NewestSegment).AsSpan().IndexOf(bytes);
        Assert.True(at >= 0);
        return at;
    }

    public RecoveredGroup Group(GroupId id) => Recovery.Find(id) ?? throw new InvalidOperationException($"group {id} was not recovered");

    public void AssertLast(GroupId group, ulong index) => Assert.Equal(index, (Group(group).Snapshot.Index + (ulong)Group(group).Entries.Count).Value);

    public void AssertWhole(GroupId group, ulong lastIndex)
    {
        var recovered = Group(group);
        Assert.Equal(LogIndex.Zero, recovered.DamagedUpTo);
        AssertLast(group, lastIndex);
        var expected = recovered.Snapshot.Index;
        foreach (var entry in recovered.Entries)
        {
            expected = expected.Next;
            Assert.Equal(expected, entry.Position.Index);
            Assert.Equal(EntryOf(entry.Position.Term.Value, expected.Value, entry.Payload.Length).Payload.ToArray(), entry.Payload.ToArray());
        }
    }
}

internal static class DiceExtensions
{
    public static void Fill(this SeededRandom dice, Span<byte> target)
    {
        foreach (ref var one in target) one = (byte)dice.NextUInt64();
    }
}
