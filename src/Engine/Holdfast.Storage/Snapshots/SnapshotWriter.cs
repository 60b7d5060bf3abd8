using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>A snapshot of this node's own state on its way to disk. Disposing it without <see cref="Commit"/> throws it away.</summary>
public sealed class SnapshotWriter : IDisposable
{
    private readonly IDisk disk;
    private readonly SnapshotFiles files;
    private readonly ClusterId cluster;
    private readonly Configuration configuration;
    private readonly uint featureLevel;
    private readonly List<SnapshotChunk> chunks = [];
    private readonly List<SnapshotFile> named = [];
    private readonly StateFiles stateFiles;
    private readonly IDiskFile file;
    private long length;
    private long synced;
    private bool committed;

    internal SnapshotWriter(IDisk disk, SnapshotFiles files, ClusterId cluster, Configuration configuration, uint featureLevel, StateFiles stateFiles)
    {
        this.stateFiles = stateFiles;
        this.disk = disk;
        this.files = files;
        this.cluster = cluster;
        this.configuration = configuration;
        this.featureLevel = featureLevel;
        disk.Delete(files.Folder);
        disk.CreateFolder(files.Folder);
        file = disk.Open(files.Chunks);
    }

    /// <summary>The last entry that the snapshot covers.</summary>
    public LogPosition Position => files.Position;

    /// <summary>Writes the next chunk.</summary>
    public void AppendChunk(ReadOnlySpan<byte> chunk)
    {
        Invariant.Holds(named.Count == 0, "a snapshot's own chunks come before its files");
        Invariant.Holds(chunk.Length <= SnapshotManifest.ChunkBytesMax, "a snapshot chunk is larger than a chunk may be");
        file.Write(length, chunk);
        length += chunk.Length;
        chunks.Add(new SnapshotChunk(chunk.Length, Crc32C.Of(chunk)));
        if (length - synced < SnapshotStore.SyncEveryBytes) return;
        file.Sync();
        synced = length;
    }

    /// <summary>Names a state file as part of the snapshot, after all chunks. It is not read: its pieces are known since it was sealed.</summary>
    /// <exception cref="SnapshotDamagedException">The file is not here.</exception>
    public void AddFile(FileHash hash)
    {
        var pieces = stateFiles.Has(hash) ? stateFiles.PiecesOf(hash) : throw new SnapshotDamagedException($"The state file {hash} is not here: a view must hold what it names.");
        named.Add(new SnapshotFile(hash, chunks.Count, pieces.Length));
        chunks.AddRange(pieces);
    }

    /// <summary>Makes the snapshot durable: chunks, then manifest, then folder (S10). Only afterwards may a compaction record name it.</summary>
    public SnapshotManifest Commit(ulong stateHash)
    {
        var manifest = new SnapshotManifest([.. chunks], [.. named])
        {
            Cluster = cluster,
            Group = files.Group,
            Position = files.Position,
            Configuration = configuration,
            FeatureLevel = featureLevel,
            StateHash = stateHash,
        };
        file.Sync();
        SnapshotStore.WriteManifest(disk, files, manifest.Encode());
        SnapshotStore.PublishManifest(disk, files);
        committed = true;
        return manifest;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        if (!committed) disk.Delete(files.Folder);
    }
}
