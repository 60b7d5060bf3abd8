using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>
/// What a log of another make remembers (<see cref="INodeLog"/>). It keeps the bytes of batches (<see cref="WalBatch.Encoded"/>) wherever it likes and gives them here when it is opened again, in the order of their submission. The
/// rules are the write-ahead log's own; where its bytes end, and that they are whole, the other log knows itself: what it gives is believed.
/// </summary>
public sealed class RecordReplay
{
    private readonly SortedDictionary<GroupId, ReplayGroup> groups = [];
    private readonly List<ReadOnlyMemory<byte>> taken = [];

    /// <summary>Takes the bytes of one batch. They must not change any more: entries lie in them.</summary>
    /// <exception cref="WalRefusedException">They are not the whole records of a batch.</exception>
    public void Take(ReadOnlyMemory<byte> records)
    {
        for (var offset = 0; offset < records.Length;)
        {
            if (!TryReadAt(records.Span[offset..], out var record, out var body))
                throw new WalRefusedException($"Batch {taken.Count} of the log is not what was written: the record at byte {offset} is cut short or changed.");
            var group = GroupOf(record.Group);
            group.Apply(record with { Flags = FlagsOf(group.Track, record) }, body, (ulong)taken.Count, offset + WalRecordHeader.Size);
            offset += record.TotalBytes;
        }

        taken.Add(records);
    }

    /// <summary>What the log held. Once, at the end.</summary>
    public WalRecovery Finish()
    {
        var findings = new List<string>();
        var recovered = new List<RecoveredGroup>();
        foreach (var group in groups.Values)
        {
            Entry[] entries = [.. group.Finish(findings).Select(each => new Entry(new LogPosition(each.Entry.Term, each.Index), each.Entry.Kind, taken[(int)each.Entry.Generation].Slice((int)each.Entry.BodyOffset, each.Entry.Bytes)))];
            recovered.Add(RecoveredGroup.Of(group.Track, entries));
        }

        return new WalRecovery { Groups = recovered, Findings = findings };
    }

    /// <summary>The same in as few records as possible: what a log may keep in place of all that it was given, so that it does not grow for ever. Before anything of the recovery was handed over.</summary>
    public static WalBatch Restate(WalRecovery recovery)
    {
        var batch = new WalBatch(0);
        foreach (var group in recovery.Groups)
        {
            Invariant.Holds(group.DamagedUpTo == LogIndex.Zero, "a damaged log was restated as if it were whole");
            batch.AppendGroupCreated(group.Group, group.Configuration, group.FeatureLevel);
            batch.AppendHardState(group.Group, group.HardState);
            if (group.Snapshot != default) batch.AppendCompaction(group.Group, group.Snapshot, group.Configuration, group.FeatureLevel);
            foreach (var entry in group.Entries) batch.AppendEntry(group.Group, entry);
            if (group.IsTombstoned) batch.AppendTombstone(group.Group);
        }

        return batch;
    }

    private static bool TryReadAt(ReadOnlySpan<byte> source, out WalRecordHeader record, out ReadOnlySpan<byte> body)
    {
        record = default;
        body = default;
        if (source.Length < WalRecordHeader.Size) return false;
        record = WalRecordHeader.Read(source);
        if (record.Kind is < WalRecordKind.Entry or > WalRecordKind.Copied || record.BodyLength > WalRecordHeader.BodyBytesMax || record.TotalBytes > source.Length) return false;
        body = source.Slice(WalRecordHeader.Size, (int)record.BodyLength);
        return Crc32C.Of(body) == record.BodyCrc;
    }

    /// <summary>What the write-ahead log finds out as it writes a record: whether a copy still says anything, and whether a snapshot contradicts what stands behind it.</summary>
    private static ushort FlagsOf(GroupTrack track, in WalRecordHeader record)
    {
        var at = new LogPosition(record.Term, new LogIndex(record.Index));
        return record.Kind switch
        {
            WalRecordKind.Copied when track.TermAt(at.Index) != at.Term => WalRecordHeader.VoidFlag,
            WalRecordKind.Compaction when track.ContradictsSuffix(at) => WalRecordHeader.DropsSuffixFlag,
            _ => 0,
        };
    }

    private ReplayGroup GroupOf(GroupId id)
    {
        if (!groups.TryGetValue(id, out var group)) groups.Add(id, group = new ReplayGroup(id));
        return group;
    }
}
