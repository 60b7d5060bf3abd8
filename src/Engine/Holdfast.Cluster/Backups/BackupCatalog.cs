using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>One node's archive, opened to be read; nothing in it is changed.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Identity">Whose it is.</param>
/// <param name="Disk">Its files.</param>
/// <param name="Store">Its bases.</param>
internal sealed record Archive(string Path, ArchiveIdentity Identity, IDisk Disk, SnapshotStore Store)
{
    /// <summary>The group's bases that can be opened, oldest first.</summary>
    public IReadOnlyList<ArchivedBase> BasesOf(GroupId group)
    {
        var bases = new List<ArchivedBase>();
        foreach (var position in Store.WholeSnapshots(group))
        {
            try
            {
                if (ArchivedBase.Read(Store, group, position) is { } found) bases.Add(found);
            }
            catch (SnapshotDamagedException)
            {
                // Another base, or another node's archive, is taken instead; verify says what is damaged.
            }
        }

        return bases;
    }
}

/// <summary>A line of what a backup directory holds.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="NodeName">The node whose archive it is.</param>
/// <param name="Group">The group.</param>
/// <param name="Bases">How many bases.</param>
/// <param name="FromMicros">The earliest moment that can be restored.</param>
/// <param name="ToMicros">The latest; everything acknowledged before it is there.</param>
/// <param name="Last">The last entry.</param>
/// <param name="Bytes">What bases and log take.</param>
/// <param name="Fault">What is missing or damaged; empty when nothing.</param>
public sealed record BackupLine(ClusterId Cluster, string NodeName, GroupId Group, int Bases, long FromMicros, long ToMicros, LogPosition Last, long Bytes, string Fault);

/// <summary>What a backup directory holds: the archives of one or more nodes, of one or more clusters.</summary>
public sealed class BackupCatalog
{
    private BackupCatalog(IReadOnlyList<Archive> archives) => Archives = archives;

    internal IReadOnlyList<Archive> Archives { get; }

    /// <summary>The clusters that it holds archives of.</summary>
    public IReadOnlyList<ClusterId> Clusters => [.. Archives.Select(archive => archive.Identity.Cluster).Distinct()];

    /// <summary>Opens a backup directory, or one archive in it.</summary>
    /// <param name="path">Where.</param>
    /// <param name="cluster">Only this cluster's archives; none for all.</param>
    /// <param name="key">The key of encrypted archives; null for archives that are not.</param>
    /// <exception cref="DataDirectoryUnusableException">There is no archive, one is damaged, or the key is not its own.</exception>
    public static BackupCatalog Open(string path, ClusterId cluster = default, BackupKey? key = null)
    {
        path = Path.GetFullPath(path);
        if (!Directory.Exists(path)) throw new DataDirectoryUnusableException($"{path} is not there: name the directory that nodes were given with --backup-dir");
        var archives = new List<Archive>();
        foreach (var folder in Candidates(path))
        {
            var bare = new DirectoryDisk(folder) { IsReadOnly = true };
            if (!bare.Exists(ArchiveIdentity.FileName)) continue;
            if (key is null && EncryptedDisk.KeyIdOf(bare, ArchiveIdentity.FileName) is { } keyId)
                throw new DataDirectoryUnusableException($"{folder} is encrypted with the key {keyId}: name its file with --key-file");
            IDisk disk = key is null ? bare : new EncryptedDisk(bare, key);
            if (ArchiveIdentity.Read(disk) is not { } identity) continue;
            if (cluster != ClusterId.None && identity.Cluster != cluster) continue;
            archives.Add(new Archive(folder, identity, disk, new SnapshotStore(disk, identity.Cluster)));
        }

        if (archives.Count == 0) throw new DataDirectoryUnusableException($"{path} holds no archive{(cluster == ClusterId.None ? "" : $" of cluster {cluster}")}: name the directory that nodes were given with --backup-dir");
        return new BackupCatalog(archives);
    }

    /// <summary>Reads all of it: a line per archive and group. With <paramref name="reads"/> every byte of the bases is read and checked too.</summary>
    /// <param name="reads">Whether bases are read through.</param>
    /// <param name="progress">Told how many bytes were read.</param>
    public IReadOnlyList<BackupLine> List(bool reads = false, Action<long>? progress = null)
    {
        var lines = new List<BackupLine>();
        foreach (var archive in Archives)
            foreach (var group in ArchivedLog.Groups(archive.Disk)) lines.Add(Line(archive, group, reads, progress));
        return lines;
    }

    private static BackupLine Line(Archive archive, GroupId group, bool reads, Action<long>? progress)
    {
        var faults = new List<string>();
        var bases = archive.BasesOf(group);
        if (archive.Store.WholeSnapshots(group).Count > bases.Count) faults.Add("a base is damaged, or a file that it names is missing");
        if (reads)
            foreach (var one in bases) faults.AddRange(Damage(archive, group, one, progress));
        if (bases.Count == 0) return new BackupLine(archive.Identity.Cluster, archive.Identity.NodeName, group, 0, 0, 0, LogPosition.Zero, 0, "there is no base: nothing can be restored from here");

        // From the newest base that the log leads to the end from; an older one may end at a gap.
        ChainEnd? end = null;
        for (var i = 0; i < bases.Count; i++)
        {
            end = ChainWalk.Run(archive, group, bases[i], null, progress: i == 0 ? progress : null);
            if (end.IsWhole) break;
            faults.Add(end.Fault(group));
        }

        return new BackupLine(archive.Identity.Cluster, archive.Identity.NodeName, group, bases.Count, bases[0].TimeMicros, Math.Max(end!.CoveredMicros, end.TimeMicros), end.Last, bases.Sum(one => one.Bytes) + LogBytes(archive, group), string.Join("; ", faults.Distinct()));
    }

    private static IEnumerable<string> Damage(Archive archive, GroupId group, ArchivedBase one, Action<long>? progress)
    {
        using var reader = archive.Store.Open(group, one.Position);
        if (reader is null) return [$"the base at {one.Position} is missing"];
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        try
        {
            for (var chunk = 0; chunk < reader.Manifest.Chunks.Length; chunk++) progress?.Invoke(reader.ReadChunk(chunk, buffer));
            return [];
        }
        catch (SnapshotDamagedException damaged)
        {
            return [damaged.Message];
        }
    }

    private static long LogBytes(Archive archive, GroupId group)
    {
        var bytes = 0L;
        foreach (var number in ArchivedLog.Segments(archive.Disk, group))
            using (var file = archive.Disk.Open(ArchivedLog.PathOf(group, number))) bytes += file.Length;
        return bytes;
    }

    private static IEnumerable<string> Candidates(string path)
    {
        yield return path;
        foreach (var below in Directory.GetDirectories(path).Order(StringComparer.Ordinal))
        {
            yield return below;
            foreach (var deeper in Directory.GetDirectories(below).Order(StringComparer.Ordinal)) yield return deeper;
        }
    }
}
