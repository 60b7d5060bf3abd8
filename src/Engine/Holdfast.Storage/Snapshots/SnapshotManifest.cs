using System.Buffers.Binary;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>A chunk's length and CRC-32C.</summary>
public readonly record struct SnapshotChunk(int Bytes, uint Crc);

/// <summary>A state file that a snapshot names, and which of the manifest's chunks are its pieces.</summary>
public readonly record struct SnapshotFile(FileHash Hash, int FirstChunk, int ChunkCount);

/// <summary>
/// What a snapshot consists of: chunks of its own, and state files by their hash, whose pieces are chunks too. It is sent before the chunks, so that each chunk can be checked on its own, from whichever replica it comes.
/// Encoded: version, cluster, group, position, feature level, state hash, configuration, in version 2 the files, chunks, and a CRC-32C over all of it. A snapshot
/// without files is written as version 1, which older programs read. Every version begins with its number and ends with the CRC, so that a newer one is told from a damaged one.
/// </summary>
public sealed class SnapshotManifest
{
    /// <summary>The largest chunk that is accepted; views write about 256 KiB.</summary>
    public const int ChunkBytesMax = 4 * 1024 * 1024;

    /// <summary>The most chunks that are accepted: 256 GiB at 256 KiB.</summary>
    public const int ChunksMax = 1 << 20;

    /// <summary>The newest version that this program knows.</summary>
    public const ushort VersionKnown = VersionWithFiles;

    private const ushort VersionWithoutFiles = 1;
    private const ushort VersionWithFiles = 2;
    private const int FileBytes = FileHash.Size + 4;

    private readonly SnapshotChunk[] chunks;
    private readonly long[] offsets;
    private readonly SnapshotFile[] files;

    /// <summary>A manifest of the given chunks, in their order.</summary>
    /// <param name="chunks">The snapshot's own chunks, then the pieces of its files.</param>
    /// <param name="files">The files, in the order of their pieces.</param>
    public SnapshotManifest(SnapshotChunk[] chunks, params SnapshotFile[] files)
    {
        this.files = files;
        OwnChunks = files.Length == 0 ? chunks.Length : files[0].FirstChunk;
        Invariant.Holds(chunks.Length <= ChunksMax, "a snapshot has more chunks than a manifest holds");
        this.chunks = chunks;
        offsets = new long[chunks.Length];
        for (var i = 0; i < chunks.Length; i++)
        {
            offsets[i] = TotalBytes;
            TotalBytes += chunks[i].Bytes;
        }
    }

    /// <summary>The cluster.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>The group whose state it is.</summary>
    public required GroupId Group { get; init; }

    /// <summary>The last entry that the state contains.</summary>
    public required LogPosition Position { get; init; }

    /// <summary>The configuration at <see cref="Position"/>.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>The group's feature level at <see cref="Position"/>.</summary>
    public required uint FeatureLevel { get; init; }

    /// <summary>The state machine's hash at <see cref="Position"/>.</summary>
    public required ulong StateHash { get; init; }

    /// <summary>The chunks: the snapshot's own, then the pieces of its files.</summary>
    public ReadOnlySpan<SnapshotChunk> Chunks => chunks;

    /// <summary>How many chunks, from the first on, are the snapshot's own.</summary>
    public int OwnChunks { get; }

    /// <summary>The state files.</summary>
    public ReadOnlySpan<SnapshotFile> Files => files;

    /// <summary>Bytes of all chunks.</summary>
    public long TotalBytes { get; }

    /// <summary>Where a chunk lies in the chunk file, or a piece in its state file.</summary>
    public long OffsetOf(int chunk) => FileOf(chunk) is { } file ? offsets[chunk] - offsets[file.FirstChunk] : offsets[chunk];

    /// <summary>The state file that a chunk is a piece of; null for the snapshot's own.</summary>
    public SnapshotFile? FileOf(int chunk)
    {
        if (chunk < OwnChunks) return null;
        var (from, through) = (0, files.Length - 1);
        while (from < through)
        {
            var middle = (from + through + 1) / 2;
            if (files[middle].FirstChunk <= chunk) from = middle;
            else through = middle - 1;
        }

        return files[from];
    }

    /// <summary>The manifest as bytes.</summary>
    public byte[] Encode()
    {
        var buffer = new ByteBuffer(128 + (chunks.Length * 8) + (files.Length * FileBytes));
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(files.Length == 0 ? VersionWithoutFiles : VersionWithFiles);
        writer.WriteUInt64(Cluster.Value);
        writer.WriteUInt64(Group.Value);
        writer.WriteUInt64(Position.Term.Value);
        writer.WriteUInt64(Position.Index.Value);
        writer.WriteUInt32(FeatureLevel);
        writer.WriteUInt64(StateHash);
        Configuration.Encode(buffer);
        if (files.Length > 0) WriteFiles(writer);
        writer.WriteUInt32((uint)chunks.Length);
        foreach (var chunk in chunks)
        {
            writer.WriteUInt32((uint)chunk.Bytes);
            writer.WriteUInt32(chunk.Crc);
        }

        writer.WriteUInt32(Crc32C.Of(buffer.Written));
        return buffer.Written.ToArray();
    }

    /// <summary>The version of a whole manifest, be it newer than this program; null when the bytes are damaged.</summary>
    public static ushort? VersionOf(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 6 && BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) == Crc32C.Of(bytes[..^4]) ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : null;

    /// <summary>Reads what <see cref="Encode"/> wrote; null when the bytes are not a whole manifest of a version this program knows.</summary>
    public static SnapshotManifest? TryDecode(ReadOnlySpan<byte> bytes)
    {
        if (VersionOf(bytes) is not (VersionWithoutFiles or VersionWithFiles)) return null;
        var reader = new SpanReader(bytes[..^4]);
        var version = reader.ReadUInt16();
        var cluster = new ClusterId(reader.ReadUInt64());
        var group = new GroupId(reader.ReadUInt64());
        var position = new LogPosition(new Term(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()));
        var featureLevel = reader.ReadUInt32();
        var stateHash = reader.ReadUInt64();
        if (!Configuration.TryDecode(ref reader, out var configuration)) return null;
        (FileHash Hash, int Pieces)[] named = [];
        if (version == VersionWithFiles && !TryReadFiles(ref reader, out named)) return null;
        var count = reader.ReadUInt32();
        if (count > ChunksMax || reader.Rest.Length != count * 8) return null;
        var chunks = new SnapshotChunk[count];
        for (var i = 0; i < chunks.Length; i++)
        {
            var length = reader.ReadUInt32();
            if (length > ChunkBytesMax) return null;
            chunks[i] = new SnapshotChunk((int)length, reader.ReadUInt32());
        }

        if (Placed(named, chunks.Length) is not { } files) return null;
        return new SnapshotManifest(chunks, files)
        {
            Cluster = cluster,
            Group = group,
            Position = position,
            Configuration = configuration,
            FeatureLevel = featureLevel,
            StateHash = stateHash,
        };
    }

    private void WriteFiles(SpanWriter writer)
    {
        Span<byte> hash = stackalloc byte[FileHash.Size];
        writer.WriteUInt32((uint)files.Length);
        foreach (var file in files)
        {
            file.Hash.CopyTo(hash);
            writer.WriteBytes(hash);
            writer.WriteUInt32((uint)file.ChunkCount);
        }
    }

    private static bool TryReadFiles(ref SpanReader reader, out (FileHash Hash, int Pieces)[] named)
    {
        named = [];
        var count = reader.ReadUInt32();
        if (count == 0 || reader.Rest.Length < count * (long)FileBytes) return false;
        named = new (FileHash, int)[count];
        for (var i = 0; i < named.Length; i++) named[i] = (new FileHash(reader.Take(FileHash.Size)), (int)Math.Min(reader.ReadUInt32(), ChunksMax + 1));
        return reader.IsWhole;
    }

    /// <summary>The files with the places of their pieces, which are the last of all chunks; null when the numbers do not add up.</summary>
    private static SnapshotFile[]? Placed((FileHash Hash, int Pieces)[] named, int chunkCount)
    {
        long pieces = 0;
        foreach (var file in named)
        {
            if (file.Pieces is 0 or > ChunksMax) return null;
            pieces += file.Pieces;
        }

        if (pieces > chunkCount) return null;
        var files = new SnapshotFile[named.Length];
        var next = chunkCount - (int)pieces;
        for (var i = 0; i < files.Length; i++)
        {
            files[i] = new SnapshotFile(named[i].Hash, next, named[i].Pieces);
            next += named[i].Pieces;
        }

        return files;
    }
}
