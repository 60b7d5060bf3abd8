using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// The snapshots of all groups of a node. Its calls block; different groups may be worked on by different threads, one group by one at a time.
/// A snapshot exists once its manifest stands under its final name; everything else is unfinished and is either resumed or thrown away.
/// </summary>
public sealed class SnapshotStore(IDisk disk, ClusterId cluster, string root = "snapshots")
{
    private readonly Dictionary<GroupId, StateFiles> stateFiles = [];

    /// <summary>
    /// Chunk bytes between syncs, of a snapshot that is written and of one that is fetched: what is dirty when the log syncs is written before it, so a large flush
    /// would be a pause of every write on the node.
    /// </summary>
    internal const long SyncEveryBytes = 1024 * 1024;

    private const int ManifestBytesMax = 64 * 1024 * 1024;

    private static readonly Mark DamagedManifest = new("storage: a damaged snapshot manifest was passed over", elsewhere: "SnapshotStoreTests: simulated rot picks any sector of a snapshot, and a manifest is one of hundreds");

    /// <summary>The files by hash of a group's state. From any thread; the same object for the same group.</summary>
    public StateFiles FilesOf(GroupId group)
    {
        lock (stateFiles)
        {
            if (stateFiles.TryGetValue(group, out var files)) return files;
            return stateFiles[group] = new StateFiles(disk, SnapshotFiles.StateFilesFolderOf(root, group));
        }
    }

    /// <summary>Begins to write a snapshot of this node's own state. One at the same position, which no log continues from, is thrown away: whole or not, its compaction was never recorded.</summary>
    public SnapshotWriter Begin(GroupId group, LogPosition position, Configuration configuration, uint featureLevel)
    {
        var files = new SnapshotFiles(root, group, position);
        return new SnapshotWriter(disk, files, cluster, configuration, featureLevel, FilesOf(group));
    }

    /// <summary>Opens a whole snapshot; null when there is none at that position, its manifest is damaged, or a file that it names is missing.</summary>
    /// <param name="group">The group.</param>
    /// <param name="position">The snapshot's place in the log.</param>
    /// <param name="mayLackFiles">Whether a file that is missing is found out when it is read.</param>
    public SnapshotReader? Open(GroupId group, LogPosition position, bool mayLackFiles = false)
    {
        var files = new SnapshotFiles(root, group, position);
        if (ReadManifest(files.Manifest, out var bytes) is not { } manifest) return null;
        var named = FilesOf(group);
        foreach (var file in manifest.Files)
            if (!mayLackFiles && !named.Has(file.Hash)) return null;
        return new SnapshotReader(manifest, bytes, disk.Open(files.Chunks), named);
    }

    /// <summary>
    /// Refuses the snapshot that a group's log continues when a newer program wrote it. It is whole, this program cannot read it, and to take it for damaged would be to fetch an older state over it.
    /// </summary>
    /// <exception cref="DataDirectoryException">It is of a newer version; the message says what to do.</exception>
    public void RefuseNewer(GroupId group, LogPosition position)
    {
        var path = new SnapshotFiles(root, group, position).Manifest;
        if (ReadBytes(path) is { } bytes && SnapshotManifest.VersionOf(bytes) is > SnapshotManifest.VersionKnown and { } version)
            throw new DataDirectoryException($"{path} was written by a newer Holdfast (format {version}; this program knows {SnapshotManifest.VersionKnown}). Start the newer program on this data directory.");
    }

    /// <summary>
    /// Copies a snapshot of another store into this one, files by hash included: those that are here are not copied again. The copy is of this store's cluster. Durable when this returns.
    /// </summary>
    /// <param name="source">The snapshot.</param>
    /// <param name="copied">Told how many bytes were read, after each chunk.</param>
    /// <exception cref="SnapshotDamagedException">The source is not what was written.</exception>
    public SnapshotManifest Copy(SnapshotReader source, Action<long>? copied = null)
    {
        var manifest = source.Manifest;
        using var writer = Begin(manifest.Group, manifest.Position, manifest.Configuration, manifest.FeatureLevel);
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        var files = FilesOf(manifest.Group);
        var held = new List<FileHash>();
        try
        {
            for (var chunk = 0; chunk < manifest.OwnChunks; chunk++)
            {
                writer.AppendChunk(buffer.AsSpan(0, source.ReadChunk(chunk, buffer)));
                copied?.Invoke(manifest.Chunks[chunk].Bytes);
            }

            foreach (var file in manifest.Files)
            {
                if (files.Has(file.Hash)) files.Hold(file.Hash);
                else CopyFile(source, file, files, buffer, copied);
                held.Add(file.Hash);
            }

            foreach (var hash in held) writer.AddFile(hash);
            return writer.Commit(manifest.StateHash);
        }
        finally
        {
            foreach (var hash in held) files.Release(hash);
        }
    }

    /// <summary>The positions of the group's whole snapshots, oldest first.</summary>
    public IReadOnlyList<LogPosition> WholeSnapshots(GroupId group) =>
        [.. Positions(group).Where(position => ReadManifest(new SnapshotFiles(root, group, position).Manifest, out _) is not null).OrderBy(position => position.Index)];

    /// <summary>The manifest of the group's newest whole snapshot; null without one.</summary>
    public SnapshotManifest? Latest(GroupId group)
    {
        SnapshotManifest? newest = null;
        foreach (var position in Positions(group))
        {
            if (newest is not null && position.Index <= newest.Position.Index) continue;
            var files = new SnapshotFiles(root, group, position);
            if (!disk.Exists(files.Manifest)) continue;
            if (ReadManifest(files.Manifest, out _) is { } manifest) newest = manifest;
            else DamagedManifest.Hit();
        }

        return newest;
    }

    /// <summary>
    /// Begins to fetch a snapshot, or goes on with it after a restart; one that is already whole has no chunk missing. Null when the bytes are not a manifest of this group and cluster.
    /// </summary>
    public IncomingSnapshot? BeginIncoming(GroupId group, ReadOnlySpan<byte> manifestBytes)
    {
        if (SnapshotManifest.TryDecode(manifestBytes) is not { } manifest) return null;
        if (manifest.Group != group || manifest.Cluster != cluster) return null;
        var files = new SnapshotFiles(root, group, manifest.Position);
        if (ReadManifest(files.Manifest, out var whole) is not null && whole.Span.SequenceEqual(manifestBytes)) return new IncomingSnapshot(disk, files, manifest, FilesOf(group), IncomingStart.Published);
        var resumes = ReadManifest(files.ManifestWanted, out var wanted) is not null && wanted.Span.SequenceEqual(manifestBytes);
        if (!resumes)
        {
            disk.Delete(files.Folder);
            disk.CreateFolder(files.Folder);
            WriteManifest(disk, files, manifestBytes);
            disk.SyncFolder(files.Folder);
            disk.SyncFolder(files.GroupFolder);
            disk.SyncFolder(root);
            disk.SyncFolder(Path.GetDirectoryName(root) ?? "");
        }

        return new IncomingSnapshot(disk, files, manifest, FilesOf(group), resumes ? IncomingStart.Resumed : IncomingStart.Empty);
    }

    /// <summary>Deletes the group's snapshots, finished or not, except the one at <paramref name="keep"/> and those after it, and the state files that nothing names or holds any more.</summary>
    public void Prune(GroupId group, LogPosition keep)
    {
        foreach (var position in Positions(group))
            if (position.Index < keep.Index) disk.Delete(new SnapshotFiles(root, group, position).Folder);
        var named = new HashSet<FileHash>();
        foreach (var position in Positions(group))
        {
            var files = new SnapshotFiles(root, group, position);
            if ((ReadManifest(files.Manifest, out _) ?? ReadManifest(files.ManifestWanted, out _)) is not { } manifest) continue;
            foreach (var file in manifest.Files) named.Add(file.Hash);
        }

        FilesOf(group).Sweep(named);
    }

    /// <summary>Deletes everything that the store has of a group. Only on proof that the group is gone (S6).</summary>
    public void DeleteGroup(GroupId group)
    {
        disk.Delete(SnapshotFiles.GroupFolderOf(root, group));
        if (disk.List(root).Count > 0) disk.SyncFolder(root);
    }

    internal static void WriteManifest(IDisk disk, in SnapshotFiles files, ReadOnlySpan<byte> bytes)
    {
        using var file = disk.Open(files.ManifestWanted);
        file.Write(0, bytes);
        file.Sync();
    }

    /// <summary>The chunks are durable and the manifest is written: the rename makes the snapshot exist, the folder syncs make it stay.</summary>
    internal static void PublishManifest(IDisk disk, in SnapshotFiles files)
    {
        disk.Rename(files.ManifestWanted, files.Manifest);
        disk.SyncFolder(files.Folder);
        disk.SyncFolder(files.GroupFolder);
        disk.SyncFolder(files.Root);
        disk.SyncFolder(Path.GetDirectoryName(files.Root) ?? "");
    }

    private static void CopyFile(SnapshotReader source, in SnapshotFile file, StateFiles files, byte[] buffer, Action<long>? copied)
    {
        using var writer = files.Begin();
        for (var piece = file.FirstChunk; piece < file.FirstChunk + file.ChunkCount; piece++)
        {
            writer.Append(buffer.AsSpan(0, source.ReadChunk(piece, buffer)));
            copied?.Invoke(source.Manifest.Chunks[piece].Bytes);
        }

        var hash = writer.Seal();
        if (hash == file.Hash) return;
        files.Release(hash);
        throw new SnapshotDamagedException($"The state file {file.Hash} of group {source.Manifest.Group} is another file on this disk.");
    }

    private SnapshotManifest? ReadManifest(string path, out ReadOnlyMemory<byte> bytes)
    {
        bytes = default;
        if (ReadBytes(path) is not { } content) return null;
        bytes = content;
        var manifest = SnapshotManifest.TryDecode(content);
        return manifest?.Cluster == cluster ? manifest : null;
    }

    private byte[]? ReadBytes(string path)
    {
        if (!disk.Exists(path)) return null;
        using var file = disk.Open(path);
        if (file.Length > ManifestBytesMax) return null;
        var content = new byte[file.Length];
        return file.Read(0, content) == content.Length ? content : null;
    }

    private List<LogPosition> Positions(GroupId group)
    {
        var positions = new List<LogPosition>();
        foreach (var name in disk.List(SnapshotFiles.GroupFolderOf(root, group)))
            if (SnapshotFiles.TryParse(name, out var position)) positions.Add(position);
        return positions;
    }
}
