using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Files;

/// <summary>
/// A sealed segment's graph as a file: links, codes and which rows they are of (<see cref="RowPrint"/>), behind them what they were built with and a checksum of every piece. Derived state: a file that is damaged, or was
/// built with other settings, is not used, and the graph is built again.
/// </summary>
internal static unsafe class GraphFile
{
    private const ushort Version = 2;

    /// <summary>The format that did not say which rows a graph is of: it is read beside its rows' file, and no other replica can use it.</summary>
    private const ushort VersionWithoutPrints = 1;

    private const int TailBytes = 16;
    private const int PieceBytes = 1 << 20;

    /// <summary>"HFSEGGRF".</summary>
    private const ulong Kind = 0x4652474745534648;

    /// <summary>Writes the graph of a segment's first rows. On a thread that may wait for the disk, while nobody changes it.</summary>
    public static FileHash Write(StateFiles files, VectorIndex index, Segment segment, int column, int rows)
    {
        using var file = files.Begin();
        var sums = new List<uint>();
        foreach (var (at, bytes) in PartsOf(index.Links, index.Codes, rows))
            for (long done = 0; done < bytes; done += PieceBytes) Append(new ReadOnlySpan<byte>((byte*)at + done, (int)Math.Min(PieceBytes, bytes - done)));
        var prints = RowPrint.OfAll(segment, column, rows);
        for (var row = 0; row < rows; row += PieceBytes / sizeof(ulong)) Append(MemoryMarshal.AsBytes(prints.AsSpan(row, Math.Min(PieceBytes / sizeof(ulong), rows - row))));
        GC.KeepAlive(index);
        var table = Table(index, rows, sums);
        file.Append(table.Written);
        Span<byte> tail = stackalloc byte[TailBytes];
        BinaryPrimitives.WriteInt32LittleEndian(tail, table.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(tail[4..], Crc32C.Of(table.Written));
        BinaryPrimitives.WriteUInt64LittleEndian(tail[8..], Kind);
        file.Append(tail);
        return file.Seal();

        void Append(ReadOnlySpan<byte> piece)
        {
            sums.Add(Crc32C.Of(piece));
            file.Append(piece);
        }
    }

    /// <summary>Reads a graph; null when the file is damaged, or was not built as the column wants it now.</summary>
    public static VectorIndex? Read(StateFiles files, FileHash hash, VectorColumn column) =>
        Parts(files, hash, column.Params, column.Rows.RowsMax, isLent: false) is { } parts ? new VectorIndex(column.Params, column.Rows, parts.Codec, parts.Links, parts.Codes, parts.Rows) { Origin = GraphOrigin.Read } : null;

    /// <summary>Reads what another replica's graph is between, without its codes; null when the file is damaged, was not built as the column wants it now, or does not say which rows it is of.</summary>
    public static LentGraph? ReadLent(StateFiles files, FileHash hash, VectorParams column, int rows) =>
        Parts(files, hash, column, rows, isLent: true) is { } parts ? new LentGraph(parts.Links, parts.Codec, parts.Prints!) : null;

    private static FileParts? Parts(StateFiles files, FileHash hash, VectorParams column, int rows, bool isLent)
    {
        try
        {
            using var file = files.Open(hash);
            return Parts(file, column, rows, isLent);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static FileParts? Parts(IDiskFile file, VectorParams column, int rowsWanted, bool isLent)
    {
        var length = file.Length;
        Span<byte> tail = stackalloc byte[TailBytes];
        if (length < TailBytes || file.Read(length - TailBytes, tail) != TailBytes || BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]) != Kind) return null;
        var bytes = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (bytes < 0 || bytes > length - TailBytes) return null;
        var table = new byte[bytes];
        if (file.Read(length - TailBytes - bytes, table) != bytes || Crc32C.Of(table) != BinaryPrimitives.ReadUInt32LittleEndian(tail[4..])) return null;
        var reader = new SpanReader(table);
        var settings = new ByteBuffer();
        WriteSettings(new SpanWriter(settings), column);
        var version = reader.ReadUInt16();
        if (version is not (VersionWithoutPrints or Version) || (isLent && version == VersionWithoutPrints) || !reader.ReadBlock().SequenceEqual(settings.Written)) return null;
        var rows = (int)reader.ReadUInt32();
        var (entryRow, entryLevel, upper) = ((int)reader.ReadUInt32(), (int)reader.ReadUInt32(), (int)reader.ReadUInt32());
        if (!reader.IsWhole || rows != rowsWanted || upper < 0 || (long)upper * column.Graph.M * sizeof(int) > length) return null;
        var hasCodes = reader.ReadByte() != 0;
        var codec = hasCodes ? RowCodec.Read(column.Quantization, column.Distance, column.Size, ref reader) : null;
        if (!reader.IsWhole || hasCodes != codec is not null) return null;
        var mapped = column.Graph.IsOnDisk && !isLent ? ReservedMemory.OfFile(file) : null;
        var links = mapped is null ? new LinkTable(column.Graph, rows, Math.Max(1, upper)) : new LinkTable(column.Graph, rows, upper, mapped);
        links.Entry = (entryRow, entryLevel);
        var codes = codec is null ? null : new RowMemory(codec.RowBytes, rows, isPadded: false);
        long offset = 0;
        var sum = 0;
        var sums = MemoryMarshal.Cast<byte, uint>(reader.ReadBlock()).ToArray();
        if (!isLent) codes?.AskForLargePages();
        foreach (var (at, partBytes) in PartsOf(links, codes, rows, upper))
        {
            for (long done = 0; done < partBytes; done += PieceBytes)
            {
                var count = (int)Math.Min(PieceBytes, partBytes - done);
                if (mapped is null || at == (nint)(codes is null ? null : codes.Base)) ReservedMemory.Fill(file, offset + done, (byte*)at + done, count);
                if (sum == sums.Length || Crc32C.Of(new ReadOnlySpan<byte>((byte*)at + done, count)) != sums[sum++]) return null;
            }

            offset += partBytes;
        }

        if (!links.LeadsOnlyTo(rows)) return null;
        mapped?.ExpectScatteredReads(0, offset);
        if (!isLent) return new FileParts(codec, links, codes, rows, null);
        GC.KeepAlive(codes);
        return ReadPrints(file, offset, rows, sums.AsSpan(sum)) is { } prints ? new FileParts(codec, links, null, rows, prints) : null;
    }

    private static ulong[]? ReadPrints(IDiskFile file, long offset, int rows, ReadOnlySpan<uint> sums)
    {
        var prints = new ulong[rows];
        var bytes = MemoryMarshal.AsBytes(prints.AsSpan());
        for (var piece = 0; piece * PieceBytes < bytes.Length; piece++)
        {
            var part = bytes.Slice(piece * PieceBytes, Math.Min(PieceBytes, bytes.Length - (piece * PieceBytes)));
            if (piece == sums.Length || file.Read(offset + ((long)piece * PieceBytes), part) != part.Length || Crc32C.Of(part) != sums[piece]) return null;
        }

        return prints;
    }

    private static ByteBuffer Table(VectorIndex index, int rows, List<uint> sums)
    {
        var table = new ByteBuffer();
        var writer = new SpanWriter(table);
        writer.WriteUInt16(Version);
        var settings = new ByteBuffer();
        WriteSettings(new SpanWriter(settings), index.Column);
        writer.WriteBlock(settings.Written);
        writer.WriteUInt32((uint)rows);
        writer.WriteUInt32((uint)index.Links.Entry.Row);
        writer.WriteUInt32((uint)index.Links.Entry.Level);
        writer.WriteUInt32((uint)index.Links.UpperUsed);
        writer.WriteByte(index.Codec is null ? (byte)0 : (byte)1);
        index.Codec?.Write(writer);
        writer.WriteBlock(MemoryMarshal.AsBytes(sums.ToArray().AsSpan()));
        return table;
    }

    /// <summary>What a graph cannot be used without.</summary>
    private static void WriteSettings(SpanWriter writer, VectorParams column)
    {
        writer.WriteUInt32((uint)column.Size);
        writer.WriteByte((byte)column.Distance);
        writer.WriteByte((byte)column.Datatype);
        writer.WriteUInt16((ushort)column.Graph.M);
        writer.WriteByte((byte)RowCodec.EncodingOf(column.Quantization, column.Distance));
        writer.WriteByte((byte)(column.Quantization.Encoding == GraphEncoding.Turned ? column.Quantization.Bits : 0));
        writer.WriteByte((byte)(column.Quantization.Encoding == GraphEncoding.Product ? column.Quantization.Compression : 0));
    }

    private static List<(nint At, long Bytes)> PartsOf(LinkTable links, RowMemory? codes, int rows, int upper = -1)
    {
        List<(nint At, long Bytes)> parts = [.. links.Parts(rows)];
        if (upper == 0) parts[2] = (parts[2].At, 0);
        if (codes is not null) parts.Add(((nint)codes.Base, (long)rows * codes.RowBytes));
        return parts;
    }

    private sealed record FileParts(RowCodec? Codec, LinkTable Links, RowMemory? Codes, int Rows, ulong[]? Prints);
}
