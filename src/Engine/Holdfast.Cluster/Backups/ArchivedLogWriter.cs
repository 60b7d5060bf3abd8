using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>Adds to a group's archived log. Its calls block; what was appended is durable after <see cref="Sync"/>. After a failure it is thrown away and begun anew: it reads back what is there.</summary>
internal sealed class ArchivedLogWriter : IDisposable
{
    private static readonly Mark TornTail = new("cluster: an archived log that ended in the middle of a block was continued in a new segment", elsewhere: "BackupTests: nobody archives a simulated cluster");

    private readonly IDisk disk;
    private readonly ClusterId cluster;
    private readonly GroupId group;
    private readonly ByteBuffer body = new();
    private readonly ByteBuffer block = new();
    private IDiskFile? file;
    private ulong number;
    private long length;

    /// <summary>Goes on after what is there; with nothing there, <see cref="BeginAfter"/> comes first.</summary>
    public ArchivedLogWriter(IDisk disk, ClusterId cluster, GroupId group, PlantedBackupBug bug = default)
    {
        (this.disk, this.cluster, this.group) = (disk, cluster, group);
        var numbers = ArchivedLog.Segments(disk, group);
        for (var i = numbers.Count - 1; i >= 0; i--)
        {
            number = Math.Max(number, numbers[i]);
            if (ArchivedSegment.Read(disk, cluster, group, numbers[i]) is not { } newest) continue;
            if (newest.HasTail) TornTail.Hit();
            Last = newest.Last;
            if (bug != PlantedBackupBug.TornTailAppendedTo) return;
            file = disk.Open(ArchivedLog.PathOf(group, numbers[i]));
            length = file.Length;
            return;
        }
    }

    /// <summary>The last entry in the archive; null while there is no log.</summary>
    public LogPosition? Last { get; private set; }

    /// <summary>Begins a segment that goes on after a position: a base's, or where the last one ended.</summary>
    public void BeginAfter(LogPosition previous)
    {
        file?.Dispose();
        disk.CreateFolder(ArchivedLog.FolderOf(group));
        file = disk.Open(ArchivedLog.PathOf(group, ++number));
        body.Clear();
        ArchivedLog.WriteHeader(body, cluster, group, previous);
        file.Write(0, body.Written);
        file.Sync();
        length = body.Length;
        disk.SyncFolder(ArchivedLog.FolderOf(group));
        disk.SyncFolder("log");
        disk.SyncFolder("");
        Last = previous;
    }

    /// <summary>Appends entries that follow the last one.</summary>
    public void Append(IReadOnlyList<Entry> entries)
    {
        if (entries.Count == 0) return;
        Invariant.Holds(Last is { } before && entries[0].Position.Index == before.Index.Next, "an archived log was to be given entries with a gap");
        body.Clear();
        var writer = new SpanWriter(body);
        writer.WriteByte(ArchivedLog.EntriesBlock);
        writer.WriteUInt32((uint)entries.Count);
        foreach (var entry in entries)
        {
            MessageCodec.WritePosition(writer, entry.Position);
            writer.WriteByte((byte)entry.Kind);
            writer.WriteBlock(entry.Payload.Span);
        }

        Write();
        Last = entries[^1].Position;
    }

    /// <summary>Appends a mark.</summary>
    public void Append(in ArchiveMark mark)
    {
        body.Clear();
        var writer = new SpanWriter(body);
        writer.WriteByte(ArchivedLog.MarkBlock);
        MessageCodec.WritePosition(writer, mark.Position);
        writer.WriteUInt64((ulong)mark.CoveredMicros);
        writer.WriteUInt64(mark.StateHash ?? 0);
        Write();
    }

    /// <summary>Makes everything appended durable.</summary>
    public void Sync() => file?.Sync();

    public void Dispose() => file?.Dispose();

    private void Write()
    {
        if (file is null || length >= ArchivedLog.SegmentBytes)
        {
            // The mark or the entries wait in the body while the header is written.
            var kept = body.Written.ToArray();
            file?.Sync();
            BeginAfter(Last ?? LogPosition.Zero);
            body.Clear();
            new SpanWriter(body).WriteBytes(kept);
        }

        block.Clear();
        ArchivedLog.WriteBlock(block, body.Written);
        file!.Write(length, block.Written);
        length += block.Length;
    }
}
