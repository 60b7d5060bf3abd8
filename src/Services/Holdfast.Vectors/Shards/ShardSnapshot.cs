using System.Buffers;
using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>The parts of a snapshot: a chunk holds pieces of one and begins with its number. Part of the format: never renumber.</summary>
internal enum ShardSnapshotPart : byte
{
    /// <summary>Format version, index, hash, configuration, payload indexes.</summary>
    Head = 1,

    /// <summary>Points: how many, and each whole, behind the entry that wrote it.</summary>
    Points = 2,

    /// <summary>Nothing more comes.</summary>
    End = 3,

    /// <summary>Rows of a segment that is kept in files: which files, which rows, who of them lives, and payloads that are newer than the file.</summary>
    Rows = 4,

    /// <summary>The locks that the shard knows, with their tokens.</summary>
    Fences = 5,
}

/// <summary>A shard after one entry, walked while later entries are applied. Points of segments that are kept in files are not copied: the files are named.</summary>
internal sealed class ShardSnapshot(ShardState? state, byte[] fences, ulong hash, LogIndex index) : ISnapshotView
{
    /// <summary>The format of a shard that was written under locks; all older ones are read as well. The first had no files.</summary>
    public const ushort FormatVersion = 4;

    /// <summary>The format of a shard that was part of a split, and never written under a lock.</summary>
    public const ushort SplitFormatVersion = 3;

    /// <summary>The format of a shard that was never part of a split: older programs read it.</summary>
    public const ushort WholeFormatVersion = 2;

    /// <summary>Rows of a segment in files that one chunk speaks of: restoring them is about a millisecond's work.</summary>
    public const int RowsPerChunk = 4096;

    private const int ChunkBytes = 192 * 1024;

    private readonly StoreView? points = state?.Store.Capture(index);
    private ShardSnapshotPart part = ShardSnapshotPart.Head;

    /// <inheritdoc/>
    public IReadOnlyList<FileHash> Files => points is null ? [] : [.. points.Files.Distinct()];

    /// <inheritdoc/>
    public bool WriteNext(IBufferWriter<byte> chunk)
    {
        var writer = new SpanWriter(chunk);
        if (part == ShardSnapshotPart.Head)
        {
            writer.WriteByte((byte)part);
            WriteHead(writer);
            part = points is null ? ShardSnapshotPart.End : fences.Length > 0 ? ShardSnapshotPart.Fences : ShardSnapshotPart.Points;
            return true;
        }

        if (part == ShardSnapshotPart.Fences)
        {
            writer.WriteByte((byte)part);
            writer.WriteBytes(fences);
            part = ShardSnapshotPart.Points;
            return true;
        }

        if (part == ShardSnapshotPart.End || points!.Place is not { } place)
        {
            writer.WriteByte((byte)ShardSnapshotPart.End);
            part = ShardSnapshotPart.End;
            return false;
        }

        if (place.Files is { } files) WriteRows(writer, place.Segment, files, place.Row, place.Count);
        else WritePoints(writer);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => points?.Dispose();

    private void WriteHead(SpanWriter writer)
    {
        var hold = state?.Hold ?? default;
        writer.WriteUInt16(fences.Length > 0 ? FormatVersion : hold.IsWhole ? WholeFormatVersion : SplitFormatVersion);
        writer.WriteUInt64(index.Value);
        writer.WriteUInt64(hash);
        writer.WriteText(state?.Config.Json ?? "");
        writer.WriteUInt32((uint)(state?.Indexes.Count ?? 0));
        foreach (var (key, schema) in state?.Indexes ?? ImmutableSortedDictionary<string, string>.Empty)
        {
            writer.WriteText(key);
            writer.WriteText(schema);
        }

        if (fences.Length > 0 || !hold.IsWhole) hold.Write(writer);
    }

    private void WritePoints(SpanWriter writer)
    {
        var bytes = new ByteBuffer(ChunkBytes + 4096);
        var count = 0u;
        var pieces = new SpanWriter(bytes);
        while (bytes.Length < ChunkBytes && points!.Place is { Files: null } place)
        {
            if (!points.PassRow(out var row, out var content, out _)) continue;
            WritePoint(pieces, place.Segment, row, content);
            count++;
        }

        writer.WriteByte((byte)ShardSnapshotPart.Points);
        writer.WriteUInt32(count);
        writer.WriteBytes(bytes.Written);
    }

    private void WriteRows(SpanWriter writer, Segment segment, SegmentFiles files, int from, int rows)
    {
        var newer = new ByteBuffer();
        var pieces = new SpanWriter(newer);
        var alive = new byte[(RowsPerChunk + 7) / 8];
        var (count, changed) = (0, 0u);
        for (; from + count < rows && count < RowsPerChunk && newer.Length < ChunkBytes; count++)
        {
            if (!points!.PassRow(out var row, out var content, out var isAsWritten)) continue;
            alive[count >> 3] |= (byte)(1 << (count & 7));
            if (isAsWritten) continue;
            pieces.WriteUInt32((uint)row);
            pieces.WriteUInt64(content.Version);
            pieces.WriteBlock(content.Payload.Json);
            changed++;
        }

        writer.WriteByte((byte)ShardSnapshotPart.Rows);
        WriteFile(writer, files.Rows);
        writer.WriteByte((byte)files.Graphs.Length);
        foreach (var graph in files.Graphs)
        {
            writer.WriteByte(graph is null ? (byte)0 : (byte)1);
            if (graph is { } there) WriteFile(writer, there);
        }

        writer.WriteUInt32((uint)from);
        writer.WriteUInt32((uint)count);
        writer.WriteBytes(alive.AsSpan(0, (count + 7) / 8));
        writer.WriteUInt32(changed);
        writer.WriteBytes(newer.Written);
    }

    private static void WriteFile(SpanWriter writer, in FileHash file)
    {
        Span<byte> bytes = stackalloc byte[FileHash.Size];
        file.CopyTo(bytes);
        writer.WriteBytes(bytes);
    }

    private void WritePoint(SpanWriter writer, Segment segment, int row, in KeptRow content)
    {
        writer.WriteUInt64(content.Version);
        var config = state!.Config;
        var vectors = new List<NamedVector>();
        for (var column = 0; column < config.Columns.Count; column++)
            if (!config.Columns[column].IsGone && (segment.Head(row).Has & (1UL << column)) != 0) vectors.Add(segment.Columns[column].ReadWhole(row) with { Name = config.Columns[column].Name });
        ShardCommand.WritePoint(writer, segment.IdOf(row), content.Payload, vectors, config.ColumnOf);
    }
}
