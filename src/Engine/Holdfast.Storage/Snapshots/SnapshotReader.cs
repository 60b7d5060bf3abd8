using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>A whole snapshot, open for reading. It stays readable when the store forgets the snapshot meanwhile.</summary>
public sealed class SnapshotReader : IDisposable
{
    private readonly IDiskFile file;
    private readonly StateFiles files;
    private FileHash openHash;
    private IDiskFile? open;

    internal SnapshotReader(SnapshotManifest manifest, ReadOnlyMemory<byte> manifestBytes, IDiskFile file, StateFiles files)
    {
        this.files = files;
        Manifest = manifest;
        ManifestBytes = manifestBytes;
        this.file = file;
    }

    /// <summary>What the snapshot consists of.</summary>
    public SnapshotManifest Manifest { get; }

    /// <summary>The manifest as it is sent to a replica that fetches the snapshot.</summary>
    public ReadOnlyMemory<byte> ManifestBytes { get; }

    /// <summary>Reads a chunk, the snapshot's own or a piece of one of its files, and returns its length.</summary>
    /// <param name="chunk">Its number, from 0.</param>
    /// <param name="target">At least as long as the chunk.</param>
    /// <exception cref="SnapshotDamagedException">The chunk is not what was written: fetch it from another replica.</exception>
    public int ReadChunk(int chunk, Span<byte> target)
    {
        var expected = Manifest.Chunks[chunk];
        var bytes = target[..expected.Bytes];
        if (FileFor(chunk).Read(Manifest.OffsetOf(chunk), bytes) != expected.Bytes || Crc32C.Of(bytes) != expected.Crc)
            throw new SnapshotDamagedException($"Chunk {chunk} of the snapshot of group {Manifest.Group} at {Manifest.Position} is damaged on disk; another replica has it.");
        return expected.Bytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        open?.Dispose();
        file.Dispose();
    }

    private IDiskFile FileFor(int chunk)
    {
        if (Manifest.FileOf(chunk) is not { } named) return file;
        if (open is not null && openHash == named.Hash) return open;
        open?.Dispose();
        open = null;
        open = files.Open(named.Hash);
        openHash = named.Hash;
        return open;
    }
}

/// <summary>A snapshot's bytes are not those that were written.</summary>
public sealed class SnapshotDamagedException(string message) : IOException(message);
