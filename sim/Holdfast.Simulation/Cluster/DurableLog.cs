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
        if (!path.StartsWith("wal/", StringComparison.Ordinal)) return;
        var bytes = file.Platter(sector, count);
        for (var at = 0; at + WalRecordHeader.Size <= bytes.Length;)
        {
            if (WalRecordHeader.TryRead(bytes[at..], out var header) && at + header.TotalBytes <= bytes.Length)
            {
                var body = bytes.Slice(at + WalRecordHeader.Size, (int)header.BodyLength);
                if (header.Kind == WalRecordKind.Truncation) LastTruncation = (path, sector + at / SimFile.SectorBytes);
                if (Crc32C.Of(body) == header.BodyCrc && header.Group != WriteAheadLog.LogItself) Of(header.Group).Take(header, body);
                at += header.TotalBytes;
            }
            else
            {
                at = (at / SimFile.SectorBytes + 1) * SimFile.SectorBytes;
            }
        }
    }

    public DurableGroup Of(GroupId group)
    {
        if (groups.TryGetValue(group, out var found)) return found;
        return groups[group] = new DurableGroup();
    }
}

/// <summary>One group in a disk's log.</summary>
internal sealed class DurableGroup
{
    private readonly Dictionary<ulong, Term> entries = [];
    private ulong last;

    public int Truncations { get; private set; }

    public Term Term { get; private set; }

    public NodeId Vote { get; private set; }

    /// <summary>The group's tombstone is on the disk.</summary>
    public bool IsBuried { get; private set; }

    /// <summary>Up to here a durable snapshot stands for the entries.</summary>
    public LogIndex Base { get; private set; }

    public bool Holds(LogIndex index) => index <= Base || entries.ContainsKey(index.Value);

    public bool Holds(LogPosition position) => position.Index <= Base || (entries.TryGetValue(position.Index.Value, out var term) && term == position.Term);

    public void Take(in WalRecordHeader header, ReadOnlySpan<byte> body)
    {
        switch (header.Kind)
        {
            case WalRecordKind.Entry:
            case WalRecordKind.Copied when (header.Flags & WalRecordHeader.VoidFlag) == 0:
                entries[header.Index] = header.Term;
                last = Math.Max(last, header.Index);
                break;
            case WalRecordKind.HardState:
                (Term, Vote) = (header.Term, new NodeId(header.Index));
                break;
            case WalRecordKind.Truncation:
                Truncations++;
                CutFrom(header.Index);
                break;
            case WalRecordKind.Compaction:
                Base = LogIndex.Max(Base, new LogIndex(header.Index));
                if ((header.Flags & WalRecordHeader.DropsSuffixFlag) != 0) CutFrom(header.Index + 1);
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

    private void CutFrom(ulong index)
    {
        for (var at = index; at <= last; at++) entries.Remove(at);
        last = Math.Min(last, index - 1);
    }
}
