using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>One segment of an archived log, read whole.</summary>
internal sealed class ArchivedSegment
{
    private readonly byte[] bytes;
    private readonly List<(int At, int Length)> blocks = [];

    private ArchivedSegment(ulong number, byte[] bytes) => (Number, this.bytes) = (number, bytes);

    public ulong Number { get; }

    public long Length => bytes.Length;

    /// <summary>The position after which it goes on.</summary>
    public LogPosition Previous { get; private set; }

    /// <summary>The last entry in its whole blocks.</summary>
    public LogPosition Last { get; private set; }

    /// <summary>Whether something follows the last whole block.</summary>
    public bool HasTail { get; private set; }

    /// <summary>Reads a segment; null when its header is not whole, or it is another group's or cluster's.</summary>
    public static ArchivedSegment? Read(IDisk disk, ClusterId cluster, GroupId group, ulong number)
    {
        if (!disk.Exists(ArchivedLog.PathOf(group, number))) return null; // Forgotten in the moment of reading.
        using var file = disk.Open(ArchivedLog.PathOf(group, number));
        if (file.Length > ArchivedLog.SegmentBytes + (2 * ArchivedLog.BlockBytesMax)) return null;
        var bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length) return null;
        var reader = new SpanReader(bytes);
        if (reader.ReadUInt32() != ArchivedLog.SegmentMagic) return null;
        if (reader.ReadByte() is var version && version > ArchivedLog.Version)
            throw new DataDirectoryUnusableException($"{ArchivedLog.PathOf(group, number)} is of version {version}, this program knows {ArchivedLog.Version}: use the program that wrote it, or a newer one");
        if (reader.ReadUInt64() != cluster.Value || reader.ReadUInt64() != group.Value) return null;
        var segment = new ArchivedSegment(number, bytes) { Previous = MessageCodec.ReadPosition(ref reader) };
        var checksum = reader.ReadUInt32();
        if (!reader.IsWhole || checksum != Crc32C.Of(bytes.AsSpan(0, ArchivedLog.HeaderBytes - 4))) return null;
        segment.Walk();
        return segment;
    }

    /// <summary>The entries and marks of the whole blocks, in order; an entry's payload lies in the segment.</summary>
    public IEnumerable<(Entry? Entry, ArchiveMark? Mark)> Items()
    {
        foreach (var (at, length) in blocks)
        {
            if (bytes[at] == ArchivedLog.MarkBlock) yield return (null, ReadMark(bytes.AsSpan(at + 1, length - 1)));
            else foreach (var entry in ReadEntries(at + 1, length - 1)) yield return (entry, null);
        }
    }

    private void Walk()
    {
        Last = Previous;
        var at = ArchivedLog.HeaderBytes;
        while (ArchivedLog.EndOfBlock(bytes, at) is { } end)
        {
            var body = at + ArchivedLog.BlockHeaderBytes;
            at = end;
            if (end == body || bytes[body] is not (ArchivedLog.EntriesBlock or ArchivedLog.MarkBlock)) continue;
            if (bytes[body] == ArchivedLog.EntriesBlock && !Continues(body + 1, end - body - 1)) break;
            blocks.Add((body, end - body));
        }

        HasTail = at < bytes.Length;
    }

    /// <summary>Whether a block's entries follow those before them without a gap.</summary>
    private bool Continues(int at, int length)
    {
        var last = Last;
        foreach (var entry in ReadEntries(at, length))
        {
            if (entry.Position.Index != last.Index.Next || entry.Position.Term < last.Term) return false;
            last = entry.Position;
        }

        Last = last;
        return true;
    }

    private List<Entry> ReadEntries(int at, int length)
    {
        var entries = new List<Entry>();
        var reader = new SpanReader(bytes.AsSpan(at, length));
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var position = MessageCodec.ReadPosition(ref reader);
            var kind = (EntryKind)reader.ReadByte();
            var payload = (int)reader.ReadUInt32();
            var from = at + length - reader.Rest.Length;
            reader.Take(payload);
            if (reader.IsWhole) entries.Add(new Entry(position, kind, bytes.AsMemory(from, payload)));
        }

        return entries;
    }

    private static ArchiveMark ReadMark(ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        var (position, covered, hash) = (MessageCodec.ReadPosition(ref reader), (long)reader.ReadUInt64(), reader.ReadUInt64());
        return new ArchiveMark(position, covered, hash == 0 ? null : hash);
    }
}
