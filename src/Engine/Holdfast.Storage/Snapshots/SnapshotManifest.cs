using System.Buffers.Binary;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>A chunk's length and CRC-32C.</summary>
public readonly record struct SnapshotChunk(int Bytes, uint Crc);

/// <summary>
/// What a snapshot consists of. It is sent before the chunks, so that each chunk can be checked on its own, from whichever replica it comes.
/// Encoded: version, cluster, group, position, feature level, state hash, configuration, chunks, and a CRC-32C over all of it.
/// </summary>
public sealed class SnapshotManifest
{
    /// <summary>The largest chunk that is accepted; views write about 256 KiB.</summary>
    public const int ChunkBytesMax = 4 * 1024 * 1024;

    /// <summary>The most chunks that are accepted: 256 GiB at 256 KiB.</summary>
    public const int ChunksMax = 1 << 20;

    private const ushort Version = 1;

    private readonly SnapshotChunk[] chunks;
    private readonly long[] offsets;

    /// <summary>A manifest of the given chunks, in their order.</summary>
    public SnapshotManifest(SnapshotChunk[] chunks)
    {
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

    /// <summary>The chunks.</summary>
    public ReadOnlySpan<SnapshotChunk> Chunks => chunks;

    /// <summary>Bytes of all chunks.</summary>
    public long TotalBytes { get; }

    /// <summary>Where a chunk lies in the chunk file.</summary>
    public long OffsetOf(int chunk) => offsets[chunk];

    /// <summary>The manifest as bytes.</summary>
    public byte[] Encode()
    {
        var buffer = new ByteBuffer(128 + (chunks.Length * 8));
        var writer = new SpanWriter(buffer);
        writer.WriteUInt16(Version);
        writer.WriteUInt64(Cluster.Value);
        writer.WriteUInt64(Group.Value);
        writer.WriteUInt64(Position.Term.Value);
        writer.WriteUInt64(Position.Index.Value);
        writer.WriteUInt32(FeatureLevel);
        writer.WriteUInt64(StateHash);
        Configuration.Encode(buffer);
        writer.WriteUInt32((uint)chunks.Length);
        foreach (var chunk in chunks)
        {
            writer.WriteUInt32((uint)chunk.Bytes);
            writer.WriteUInt32(chunk.Crc);
        }

        writer.WriteUInt32(Crc32C.Of(buffer.Written));
        return buffer.Written.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; null when the bytes are not a whole manifest of a version this program knows.</summary>
    public static SnapshotManifest? TryDecode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) != Crc32C.Of(bytes[..^4])) return null;
        var reader = new SpanReader(bytes[..^4]);
        if (reader.ReadUInt16() != Version) return null;
        var cluster = new ClusterId(reader.ReadUInt64());
        var group = new GroupId(reader.ReadUInt64());
        var position = new LogPosition(new Term(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()));
        var featureLevel = reader.ReadUInt32();
        var stateHash = reader.ReadUInt64();
        if (!Configuration.TryDecode(ref reader, out var configuration)) return null;
        var count = reader.ReadUInt32();
        if (count > ChunksMax || reader.Rest.Length != count * 8) return null;
        var chunks = new SnapshotChunk[count];
        for (var i = 0; i < chunks.Length; i++)
        {
            var length = reader.ReadUInt32();
            if (length > ChunkBytesMax) return null;
            chunks[i] = new SnapshotChunk((int)length, reader.ReadUInt32());
        }

        return new SnapshotManifest(chunks)
        {
            Cluster = cluster,
            Group = group,
            Position = position,
            Configuration = configuration,
            FeatureLevel = featureLevel,
            StateHash = stateHash,
        };
    }
}
