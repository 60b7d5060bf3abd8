using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// What one disk was made to hold of the write-ahead log, read from the sectors themselves when a sync has made them durable. It knows nothing of what the
/// node believes, and so can tell when the node says "durable" of something that is not.
/// </summary>
internal sealed class DurableLog
{
    private readonly Dictionary<GroupId, DurableGroup> groups = [];

    /// <summary>Truncations that the disk was told of.</summary>
    public int Truncations => groups.Values.Sum(group => group.Truncations);

    /// <summary>Where the newest truncation record lies.</summary>
    public (string Path, int Sector)? LastTruncation { get; private set; }

    /// <summary>A run of sectors of a file became durable.</summary>
    public void OnDurable(string path, SimFile file, int sector, int count)
    {
        if (!path.StartsWith("wal/", StringComparison.Ordinal) || !SegmentLayout.TryParse(path["wal/".Length..], out var generation)) return;
        var bytes = file.Platter(sector, count);
        for (var at = 0; at + WalRecordHeader.Size <= bytes.Length;)
        {
            // What the file was before it became this segment may lie in it still, and comes to the platter with it.
            if (WalRecordHeader.TryRead(bytes[at..], out var header) && header.Generation == generation && at + header.TotalBytes <= bytes.Length)
            {
                var body = bytes.Slice(at + WalRecordHeader.Size, (int)header.BodyLength);
                if (header.Kind == WalRecordKind.Truncation) LastTruncation = (path, sector + at / SimFile.SectorBytes);
                var place = new RecordPlace(path, sector + at / SimFile.SectorBytes, sector + (at + WalRecordHeader.Size - 1) / SimFile.SectorBytes);
                if (Crc32C.Of(body) == header.BodyCrc && header.Group != WriteAheadLog.LogItself) Of(header.Group).Take(header, body, place);
                at += header.TotalBytes;
            }
            else
            {
                at = (at / SimFile.SectorBytes + 1) * SimFile.SectorBytes;
            }
        }
    }

    /// <summary>A sector has rotted, or with none named a whole file is gone: what was taken back by a record there stands on this disk as before.</summary>
    public void OnLost(string path, int? sector = null)
    {
        foreach (var group in groups.Values) group.OnLost(path, sector);
    }

    public DurableGroup Of(GroupId group)
    {
        if (groups.TryGetValue(group, out var found)) return found;
        return groups[group] = new DurableGroup();
    }
}

/// <summary>Where a record's header lies.</summary>
internal readonly record struct RecordPlace(string Path, int First, int Last)
{
    public bool Holds(string path, int? sector) => path == Path && (sector is null || (sector >= First && sector <= Last));
}

/// <summary>One group in a disk's log.</summary>
internal sealed class DurableGroup
{
    private readonly Dictionary<ulong, Term> entries = [];
    private readonly List<(RecordPlace Record, ulong Index, Term Term)> takenBack = [];

    /// <summary>What stands again behind newer entries in the same places, of which nobody knows whether they can still be read.</summary>
    private readonly Dictionary<ulong, Term> behind = [];

    private ulong last;

    public int Truncations { get; private set; }

    public Term Term { get; private set; }

    public NodeId Vote { get; private set; }

    /// <summary>The group's tombstone is on the disk.</summary>
    public bool IsBuried { get; private set; }

    /// <summary>Up to here a durable snapshot stands for the entries.</summary>
    public LogIndex Base { get; private set; }

    public bool Holds(LogIndex index) => index <= Base || entries.ContainsKey(index.Value);

    public bool Holds(LogPosition position) =>
        position.Index <= Base || (entries.TryGetValue(position.Index.Value, out var term) && term == position.Term) || (behind.TryGetValue(position.Index.Value, out term) && term == position.Term);

    public void Take(in WalRecordHeader header, ReadOnlySpan<byte> body, RecordPlace place)
    {
        switch (header.Kind)
        {
            case WalRecordKind.Entry:
            case WalRecordKind.Copied when (header.Flags & WalRecordHeader.VoidFlag) == 0:
                entries[header.Index] = header.Term;
                behind.Remove(header.Index);
                last = Math.Max(last, header.Index);
                break;
            case WalRecordKind.HardState:
                (Term, Vote) = (header.Term, new NodeId(header.Index));
                break;
            case WalRecordKind.Truncation:
                Truncations++;
                CutFrom(header.Index, place);
                break;
            case WalRecordKind.Compaction:
                Base = LogIndex.Max(Base, new LogIndex(header.Index));
                if ((header.Flags & WalRecordHeader.DropsSuffixFlag) != 0) CutFrom(header.Index + 1, place);
                break;
            case WalRecordKind.Tombstone:
                IsBuried = true;
                break;
            case WalRecordKind.Marks:
                TakeMarks(body);
                break;
            default:
                break;
        }
    }

    private void TakeMarks(ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        reader.ReadByte();
        reader.ReadByte();
        (Term, Vote) = (new Term(reader.ReadUInt64()), new NodeId(reader.ReadUInt64()));
        reader.ReadUInt64();
        Base = new LogIndex(reader.ReadUInt64());
        var end = reader.ReadUInt64();
        if (reader.IsWhole) CutFrom(end + 1);
    }

    /// <summary>
    /// The record of a truncation is lost. Its entries lie in older sectors, and recovery finds them; it knows that something is missing behind them (S8). A leader whose log has the same entries then need not send them again.
    /// </summary>
    public void OnLost(string path, int? sector)
    {
        foreach (var (record, index, term) in takenBack)
        {
            if (!record.Holds(path, sector)) continue;
            if (!entries.TryAdd(index, term)) behind[index] = term;
            last = Math.Max(last, index);
        }

        takenBack.RemoveAll(each => each.Record.Holds(path, sector));
    }

    private void CutFrom(ulong index, RecordPlace? by = null)
    {
        for (var at = index; at <= last; at++)
        {
            behind.Remove(at);
            if (entries.Remove(at, out var term) && by is { } record) takenBack.Add((record, at, term));
        }

        last = Math.Min(last, index - 1);
    }
}
