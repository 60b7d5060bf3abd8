using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Simulation.Cluster;

/// <summary>The process died at this very place. Nothing of the production code catches it.</summary>
internal sealed class ProcessDiedException(bool losesPower) : Exception("the process died here")
{
    public bool LosesPower { get; } = losesPower;
}

/// <summary>What may happen to a process at the boundary of an effect.</summary>
internal interface IDiskFate
{
    /// <summary>Throws <see cref="ProcessDiedException"/> when the process dies here.</summary>
    void Pass(string effect);

    /// <summary>Whether this sync fails.</summary>
    bool SyncFails();
}

/// <summary>One process's use of its machine's disk. Each call is an effect before and after which the process may die; then the mount is dead and does nothing.</summary>
internal sealed class SimMount : IDisk
{
    private static readonly Mark Full = new("sim: a write met a full disk");
    private static readonly Mark SyncFailed = new("sim: a sync failed with clean pages");

    private readonly SimDisk disk;
    private readonly IDiskFate fate;
    private readonly SeededRandom dice;
    private bool isDead;

    public SimMount(SimDisk disk, IDiskFate fate, SeededRandom dice) => (this.disk, this.fate, this.dice) = (disk, fate, dice);

    public long FreeBytes => Math.Max(0, disk.BytesMax - disk.BytesUsed);

    /// <summary>The bug that is planted in the use of the disk.</summary>
    public ClusterMutation Mutation { get; init; }

    public void Die() => isDead = true;

    public bool Exists(string path) => !isDead && disk.Exists(path);

    public IReadOnlyList<string> List(string folder) => isDead ? [] : disk.List(folder);

    public IDiskFile Open(string path) => new Handle(this, path, isDead ? new SimFile() : disk.Open(path));

    public void CreateFolder(string folder) => Do("create folder", () => disk.CreateFolder(folder));

    public void Delete(string path) => Do("delete", () => disk.Delete(path));

    public void Rename(string from, string to) => Do("rename", () => disk.Rename(from, to));

    public void SyncFolder(string folder)
    {
        if (Mutation != ClusterMutation.FolderSyncForgotten) Do("sync folder", () => disk.SyncFolder(folder));
    }

    private void Do(string what, Action effect)
    {
        if (isDead) return;
        fate.Pass(what);
        effect();
        fate.Pass(what);
    }

    private void Need(SimFile file, long length)
    {
        var more = length - file.Length;
        if (more <= 0 || disk.BytesUsed + more <= disk.BytesMax) return;
        Full.Hit();
        throw new DiskFullException("No space is left on the simulated disk.");
    }

    private sealed class Handle(SimMount mount, string path, SimFile file) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> target) => file.Read(offset, target);

        public int ReadUncached(long offset, Span<byte> target) => file.ReadUncached(offset, target);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (mount.isDead) return;
            mount.fate.Pass("write");
            mount.Need(file, offset + source.Length);
            mount.disk.Write(file, offset, source);
            mount.fate.Pass("write");
        }

        public void Sync()
        {
            if (mount.isDead) return;
            mount.fate.Pass("sync");
            if (mount.Mutation == ClusterMutation.SnapshotFilesNotSynced && path.StartsWith("snapshots/", StringComparison.Ordinal)) return;
            if (mount.fate.SyncFails())
            {
                SyncFailed.Hit();
                file.FailSync(mount.dice);
                if (mount.Mutation == ClusterMutation.FailedSyncTriedAgain) return;
                throw new IOException("the simulated disk failed to sync");
            }

            mount.disk.Sync(path, file);
            mount.fate.Pass("sync");
        }

        public void Allocate(long length)
        {
            if (mount.isDead) return;
            mount.Need(file, length);
            file.Extend(length);
        }

        public void Dispose()
        {
        }
    }
}
