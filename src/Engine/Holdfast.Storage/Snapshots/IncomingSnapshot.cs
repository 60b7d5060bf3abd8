using System.Collections;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// A snapshot that is being fetched from other replicas, chunk by chunk in any order; of the state files that it names only what is not here, or is rotten here. It survives a restart: beginning it again with the same manifest finds
/// which chunks are whole on disk by their checksums. Disposing it keeps what is there.
/// </summary>
public sealed class IncomingSnapshot : IDisposable
{
    private static readonly Mark Shared = new("storage: a state file of a fetched snapshot was here already");
    private static readonly Mark Rotten = new("storage: a state file of a fetched snapshot was here, rotten, and is fetched again");
    private static readonly Mark Resumed = new("storage: a half-fetched snapshot was resumed");

    private readonly IDisk disk;
    private readonly SnapshotFiles files;
    private readonly IDiskFile file;
    private readonly StateFiles stateFiles;
    private readonly Dictionary<FileHash, IDiskFile> parts = [];
    private readonly BitArray present;
    private readonly bool isPublished;
    private int missing;
    private int firstMissing;
    private long unsynced;

    internal IncomingSnapshot(IDisk disk, SnapshotFiles files, SnapshotManifest manifest, StateFiles stateFiles, IncomingStart start)
    {
        this.stateFiles = stateFiles;
        this.disk = disk;
        this.files = files;
        Manifest = manifest;
        file = disk.Open(files.Chunks);
        present = new BitArray(manifest.Chunks.Length);
        missing = manifest.Chunks.Length;
        isPublished = start == IncomingStart.Published;
        if (start != IncomingStart.Empty) FindWholeChunks(0, manifest.OwnChunks, file);
        foreach (var named in manifest.Files) BeginFile(named);
        if (missing < present.Length) Resumed.Hit();
    }

    /// <summary>What is being fetched.</summary>
    public SnapshotManifest Manifest { get; }

    /// <summary>How many chunks are still to come.</summary>
    public int MissingCount => missing;

    /// <summary>Whether the chunk is whole on disk.</summary>
    public bool Has(int chunk) => present[chunk];

    /// <summary>The first chunk that is still to come, or the number of chunks when none is.</summary>
    public int FirstMissing
    {
        get
        {
            while (firstMissing < present.Length && present[firstMissing]) firstMissing++;
            return firstMissing;
        }
    }

    /// <summary>Writes a chunk if it is what the manifest says; false when it is not, or when there is no such chunk.</summary>
    public bool AcceptChunk(int chunk, ReadOnlySpan<byte> bytes)
    {
        if ((uint)chunk >= (uint)Manifest.Chunks.Length) return false;
        if (Manifest.Chunks[chunk] != new SnapshotChunk(bytes.Length, Crc32C.Of(bytes))) return false;
        if (present[chunk]) return true;
        var target = Manifest.FileOf(chunk) is { } named ? parts[named.Hash] : file;
        target.Write(Manifest.OffsetOf(chunk), bytes);
        unsynced += bytes.Length;
        if (unsynced >= SnapshotStore.SyncEveryBytes)
        {
            target.Sync(); // Chunks come in their order, so most of what is dirty is in the same file.
            unsynced = 0;
        }

        present[chunk] = true;
        missing--;
        return true;
    }

    /// <summary>All chunks are there: makes the snapshot durable in the order of S10, its files first.</summary>
    /// <exception cref="SnapshotDamagedException">A file is not the one that its name says, although its pieces are what the manifest says: its source is not to be trusted.</exception>
    public SnapshotManifest Commit()
    {
        Invariant.Holds(missing == 0, "a fetched snapshot was committed with chunks missing");
        foreach (var named in Manifest.Files)
            if (parts.TryGetValue(named.Hash, out var part)) stateFiles.Publish(named.Hash, part, Manifest.Chunks.Slice(named.FirstChunk, named.ChunkCount));
        file.Sync();
        if (isPublished) return Manifest;
        SnapshotStore.PublishManifest(disk, files);
        return Manifest;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in parts.Values) part.Dispose();
        file.Dispose();
    }

    private void BeginFile(in SnapshotFile named)
    {
        if (stateFiles.Has(named.Hash))
        {
            var before = missing;
            using (var whole = stateFiles.Open(named.Hash)) FindWholeChunks(named.FirstChunk, named.ChunkCount, whole);
            if (before - missing == named.ChunkCount)
            {
                Shared.Hit();
                return;
            }

            // What is good of it is not copied over: rot on a disk is rare, and one file from elsewhere is sure.
            Rotten.Hit();
            for (var i = named.FirstChunk; i < named.FirstChunk + named.ChunkCount; i++) present[i] = false;
            missing = before;
        }

        if (parts.ContainsKey(named.Hash)) return; // Named twice; a manifest of ours never does.
        var part = parts[named.Hash] = stateFiles.OpenPart(named.Hash);
        FindWholeChunks(named.FirstChunk, named.ChunkCount, part);
    }

    private void FindWholeChunks(int first, int count, IDiskFile file)
    {
        if (file.Length == 0) return;
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        for (var i = first; i < first + count; i++)
        {
            var expected = Manifest.Chunks[i];
            var bytes = buffer.AsSpan(0, expected.Bytes);
            if (file.Read(Manifest.OffsetOf(i), bytes) != expected.Bytes || Crc32C.Of(bytes) != expected.Crc) continue;
            present[i] = true;
            missing--;
        }
    }
}

/// <summary>What is on disk when a fetch begins.</summary>
internal enum IncomingStart : byte
{
    /// <summary>Nothing.</summary>
    Empty,

    /// <summary>Some chunks.</summary>
    Resumed,

    /// <summary>The whole snapshot, under its final name; chunks that rotted since are fetched again.</summary>
    Published,
}
