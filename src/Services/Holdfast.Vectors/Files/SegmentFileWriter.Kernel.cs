using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Files;

/// <summary>Writes rows of segments as a file that <see cref="SegmentFile"/> opens. On a thread that may wait for the disk.</summary>
internal sealed unsafe class SegmentFileWriter : IDisposable
{
    private const int RowsPerStep = 4096;

    private readonly StateFileWriter file;
    private readonly IReadOnlyList<VectorParams> columns;
    private readonly IReadOnlyList<(Segment Segment, int Row)> rows;
    private readonly List<(SegmentPart Part, int Column, long Offset, long Bytes)> table = [];
    private readonly ByteBuffer buffer = new(1 << 20);
    private readonly ulong known;
    private long length;

    /// <summary>Begins a file of these rows.</summary>
    public SegmentFileWriter(StateFiles files, IReadOnlyList<VectorParams> columns, IReadOnlyList<(Segment Segment, int Row)> rows)
    {
        (file, this.columns, this.rows) = (files.Begin(), columns, rows);
        for (var column = 0; column < columns.Count; column++)
            if (!columns[column].IsGone) known |= 1UL << column;
    }

    /// <summary>Writes it, a few thousand rows at each step.</summary>
    public IEnumerable<bool> Steps()
    {
        foreach (var step in Each(SegmentPart.Ids, 0, WriteId)) yield return step;
        foreach (var step in Each(SegmentPart.Heads, 0, WriteHead)) yield return step;
        foreach (var step in WithBounds(SegmentPart.Payloads, SegmentPart.PayloadBounds, 0, WritePayload)) yield return step;
        for (var column = 0; column < columns.Count; column++)
        {
            var number = column;
            if (columns[column].IsGone) continue;
            var steps = columns[column].Kind == VectorKind.Dense
                ? Each(SegmentPart.Vectors, number, (segment, row) => WriteVector(segment, row, number))
                : WithBounds(SegmentPart.Vectors, SegmentPart.VectorBounds, number, (segment, row) => WriteBlob(segment, row, number));
            foreach (var step in steps) yield return step;
        }
    }

    /// <summary>Makes it durable and says its name; it is held once.</summary>
    public FileHash Seal()
    {
        var written = new ByteBuffer();
        var writer = new SpanWriter(written);
        writer.WriteUInt16(SegmentFile.Version);
        writer.WriteUInt32((uint)rows.Count);
        writer.WriteUInt32((uint)table.Count);
        foreach (var (part, column, offset, bytes) in table)
        {
            writer.WriteByte((byte)part);
            writer.WriteByte((byte)column);
            writer.WriteUInt64((ulong)offset);
            writer.WriteUInt64((ulong)bytes);
        }

        file.Append(written.Written);
        Span<byte> tail = stackalloc byte[SegmentFile.TailBytes];
        BinaryPrimitives.WriteInt32LittleEndian(tail, written.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(tail[4..], Crc32C.Of(written.Written));
        BinaryPrimitives.WriteUInt64LittleEndian(tail[8..], SegmentFile.Kind);
        file.Append(tail);
        return file.Seal();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private IEnumerable<bool> Each(SegmentPart part, int column, Action<Segment, int> write)
    {
        var begun = length;
        for (var at = 0; at < rows.Count;)
        {
            for (var end = Math.Min(rows.Count, at + RowsPerStep); at < end; at++) write(rows[at].Segment, rows[at].Row);
            Flush();
            yield return true;
        }

        table.Add((part, column, begun, length - begun));
        Pad();
    }

    private IEnumerable<bool> WithBounds(SegmentPart part, SegmentPart bounds, int column, Action<Segment, int> write)
    {
        var begins = new ulong[rows.Count + 1];
        var begun = length;
        for (var at = 0; at < rows.Count;)
        {
            for (var end = Math.Min(rows.Count, at + RowsPerStep); at < end; at++)
            {
                write(rows[at].Segment, rows[at].Row);
                begins[at + 1] = (ulong)(length + buffer.Length - begun);
            }

            Flush();
            yield return true;
        }

        table.Add((part, column, begun, length - begun));
        Pad();
        begun = length;
        new SpanWriter(buffer).WriteBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(begins.AsSpan()));
        Flush();
        table.Add((bounds, column, begun, length - begun));
        Pad();
    }

    private void WriteId(Segment segment, int row)
    {
        var writer = new SpanWriter(buffer);
        var id = segment.IdOf(row);
        writer.WriteUInt64((ulong)id.Bits);
        writer.WriteUInt64((ulong)(id.Bits >> 64));
        writer.WriteUInt64(id.IsUuid ? 1UL : 0);
    }

    private void WriteHead(Segment segment, int row)
    {
        var head = segment.Head(row);
        head.DiedAt = 0;
        head.Has &= known;
        new SpanWriter(buffer).WriteBytes(new ReadOnlySpan<byte>(&head, sizeof(RowHead)));
        GC.KeepAlive(segment);
    }

    private void WritePayload(Segment segment, int row)
    {
        new SpanWriter(buffer).WriteBytes(segment.PayloadJson(row));
        GC.KeepAlive(segment);
    }

    private void WriteVector(Segment segment, int row, int column)
    {
        var rowBytes = columns[column].RowBytes;
        if ((segment.Head(row).Has & (1UL << column)) != 0) new SpanWriter(buffer).WriteBytes(segment.Columns[column].Rows.Span(row));
        else
        {
            buffer.GetSpan(rowBytes)[..rowBytes].Clear();
            buffer.Advance(rowBytes);
        }

        GC.KeepAlive(segment);
    }

    private void WriteBlob(Segment segment, int row, int column)
    {
        if ((segment.Head(row).Has & (1UL << column)) != 0) new SpanWriter(buffer).WriteBytes(segment.Columns[column].Blobs.Of(row));
        GC.KeepAlive(segment);
    }

    private void Flush()
    {
        file.Append(buffer.Written);
        length += buffer.Length;
        buffer.Clear();
    }

    /// <summary>Parts begin on the borders of pages, so that each can be read ahead or left alone.</summary>
    private void Pad()
    {
        var zeros = (int)((4096 - (length % 4096)) % 4096);
        if (zeros == 0) return;
        buffer.GetSpan(zeros)[..zeros].Clear();
        buffer.Advance(zeros);
        Flush();
    }
}
