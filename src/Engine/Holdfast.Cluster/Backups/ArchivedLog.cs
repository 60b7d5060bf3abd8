using System.Buffers.Binary;
using System.Globalization;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// A group's log in an archive: <c>log/GROUP/NUMBER.log</c>, segments in the order of their numbers. A segment says in its header after which position it goes on, then come blocks that check
/// themselves: entries, or a mark. What follows a block that is not whole was being written when the writer died, and the next segment begins where the whole blocks end.
/// </summary>
internal static class ArchivedLog
{
    public const uint SegmentMagic = 0x474C4648; // "HFLG"
    public const uint BlockMagic = 0x4B424648; // "HFBK"
    public const byte Version = 1;
    public const int HeaderBytes = 4 + 1 + 8 + 8 + 8 + 8 + 4;
    public const int BlockHeaderBytes = 12;

    /// <summary>A block holds one reading's entries, which end with the first that is over 256 KiB; an entry is at most 1 MiB and its envelope.</summary>
    public const int BlockBytesMax = 4 * 1024 * 1024;

    /// <summary>A segment that has reached this is followed by another.</summary>
    public const long SegmentBytes = 32L * 1024 * 1024;

    public const byte EntriesBlock = 1;
    public const byte MarkBlock = 2;

    public static string FolderOf(GroupId group) => $"log/{group}";

    public static string PathOf(GroupId group, ulong number) => $"{FolderOf(group)}/{number.ToString("d10", CultureInfo.InvariantCulture)}.log";

    /// <summary>The segments' numbers, in order.</summary>
    public static IReadOnlyList<ulong> Segments(IDisk disk, GroupId group)
    {
        var found = new List<ulong>();
        foreach (var name in disk.List(FolderOf(group)))
            if (name.EndsWith(".log", StringComparison.Ordinal) && ulong.TryParse(name.AsSpan(0, name.Length - 4), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) found.Add(number);
        found.Sort();
        return found;
    }

    /// <summary>The groups that an archive has anything of.</summary>
    public static IReadOnlyList<GroupId> Groups(IDisk disk)
    {
        var found = new SortedSet<GroupId>();
        foreach (var folder in (string[])["log", "snapshots"])
            foreach (var name in disk.List(folder))
                if (ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var group)) found.Add(new GroupId(group));
        return [.. found];
    }

    public static void WriteHeader(ByteBuffer target, ClusterId cluster, GroupId group, LogPosition previous)
    {
        var writer = new SpanWriter(target);
        writer.WriteUInt32(SegmentMagic);
        writer.WriteByte(Version);
        writer.WriteUInt64(cluster.Value);
        writer.WriteUInt64(group.Value);
        MessageCodec.WritePosition(writer, previous);
        writer.WriteUInt32(Crc32C.Of(target.Written));
    }

    public static void WriteBlock(ByteBuffer target, ReadOnlySpan<byte> body)
    {
        var writer = new SpanWriter(target);
        writer.WriteUInt32(BlockMagic);
        writer.WriteUInt32((uint)body.Length);
        writer.WriteUInt32(Crc32C.Of(body));
        writer.WriteBytes(body);
    }

    /// <summary>Where a block ends that begins at <paramref name="at"/>; null when it is not whole.</summary>
    public static int? EndOfBlock(ReadOnlySpan<byte> segment, int at)
    {
        if (segment.Length - at < BlockHeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(segment[at..]) != BlockMagic) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(segment[(at + 4)..]);
        if (length > BlockBytesMax || segment.Length - at - BlockHeaderBytes < length) return null;
        var body = segment.Slice(at + BlockHeaderBytes, (int)length);
        return Crc32C.Of(body) == BinaryPrimitives.ReadUInt32LittleEndian(segment[(at + 8)..]) ? at + BlockHeaderBytes + (int)length : null;
    }
}
