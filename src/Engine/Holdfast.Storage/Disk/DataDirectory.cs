using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// A node's data directory: private to its user, owned by one process at a time, and with an identity. A directory that is not this node's, is of a newer
/// program or is damaged is refused with a sentence that says what to do; nothing in it is changed then.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    private const string LockName = "lock";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream lockFile;
    private NodeIdentity identity;

    private DataDirectory(string path, FileStream lockFile, IDisk disk, NodeIdentity identity, bool isNew)
    {
        FullPath = path;
        this.lockFile = lockFile;
        Disk = disk;
        this.identity = identity;
        IsNew = isNew;
    }

    /// <summary>Where it is.</summary>
    public string FullPath { get; }

    /// <summary>The files in it.</summary>
    public IDisk Disk { get; }

    /// <summary>The node: drawn when the directory was created, so that a wiped node is another one (S4).</summary>
    public NodeId Node => identity.Node;

    /// <summary>The node's name.</summary>
    public string Name => identity.Name;

    /// <summary>The cluster; <see cref="ClusterId.None"/> until bootstrap or join.</summary>
    public ClusterId Cluster => identity.Cluster;

    /// <summary>How often a process has started on this directory, this one included; durable.</summary>
    public ulong BootCount => identity.BootCount;

    /// <summary>Whether this process created the directory's identity.</summary>
    public bool IsNew { get; }

    /// <summary>
    /// Opens the directory, creating it with mode 0700 when it is not there, takes its lock, and counts this start.
    /// </summary>
    /// <param name="path">Where.</param>
    /// <param name="name">The node's name; must be the one the directory was created with.</param>
    /// <param name="diskOf">Makes the disk of the folder; null for a plain <see cref="DirectoryDisk"/>.</param>
    /// <exception cref="DataDirectoryException">It cannot be used; the message says why and what to do.</exception>
    public static DataDirectory Open(string path, string name, Func<string, IDisk>? diskOf = null)
    {
        path = Path.GetFullPath(path);
        FileStream? held = null;
        try
        {
            CreatePrivate(path);
            held = TakeLock(path);
            var disk = diskOf?.Invoke(path) ?? new DirectoryDisk(path);
            var found = NodeIdentity.Read(disk, path);
            if (found is null && disk.List("wal").Count > 0)
                throw new DataDirectoryException($"{path} holds a write-ahead log but no identity file. Restore the file from a backup of this directory; or, if this node's data may be given up, move the directory away and let the node join anew.");
            if (found is { } known && known.Name != name)
                throw new DataDirectoryException($"{path} belongs to node '{known.Name}', not to '{name}'. Start with --name {known.Name}, or give --data another directory.");
            var identity = (found ?? NodeIdentity.Draw(name)).Booted();
            identity.Write(disk);
            return new DataDirectory(path, held, disk, identity, found is null);
        }
        catch (UnauthorizedAccessException failure)
        {
            held?.Dispose();
            throw new DataDirectoryException($"{path} cannot be used by this user: {failure.Message} Give the directory to the user that runs the node.");
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens a directory that is there, to look at it: takes its lock, so that no node runs on it meanwhile, and changes nothing.
    /// </summary>
    /// <exception cref="DataDirectoryException">It cannot be used; the message says why and what to do.</exception>
    public static DataDirectory Inspect(string path)
    {
        path = Path.GetFullPath(path);
        if (!Directory.Exists(path)) throw new DataDirectoryException($"{path} is not there. Name a node's data directory.");
        if (!File.Exists(Path.Combine(path, "identity"))) throw new DataDirectoryException($"{path} is no data directory: it holds no identity file. Name the directory that the node was started with.");
        var held = TakeLock(path);
        try
        {
            var disk = new DirectoryDisk(path);
            return new DataDirectory(path, held, disk, NodeIdentity.Read(disk, path)!, isNew: false);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>What other users may do with the directory and should not, in a sentence; null when nothing.</summary>
    public string? TooOpen()
    {
        if (OperatingSystem.IsWindows() || (File.GetUnixFileMode(FullPath) & ~Private) == 0) return null;
        return $"{FullPath} can be entered by other users of this machine (mode {Convert.ToString((int)File.GetUnixFileMode(FullPath), 8)}): chmod 700 {FullPath}";
    }

    /// <summary>Makes the node part of a cluster, durably; once.</summary>
    /// <exception cref="DataDirectoryException">It belongs to another already.</exception>
    public void JoinCluster(ClusterId cluster)
    {
        if (Cluster == cluster) return;
        if (Cluster != ClusterId.None)
            throw new DataDirectoryException($"{FullPath} belongs to cluster {Cluster}, not to {cluster}. Start the node in its own cluster, or give --data an empty directory.");
        identity = identity with { Cluster = cluster };
        identity.Write(Disk);
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => lockFile.Dispose();

    private static void CreatePrivate(string path)
    {
        if (Directory.Exists(path)) return;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, Private);
    }

    /// <summary>flock belongs to the open file, so it goes with the process, however that ends; the text in the file only tells who holds it.</summary>
    private static FileStream TakeLock(string path)
    {
        var name = Path.Combine(path, LockName);
        FileStream file;
        try
        {
            file = new FileStream(name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
        }
        catch (IOException)
        {
            // The runtime takes a shared lock of its own while it opens, and meets the owner's exclusive one.
            throw InUse(path, name);
        }

        if (OperatingSystem.IsLinux() && Libc.Lock((int)file.SafeFileHandle.DangerousGetHandle(), Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            file.Dispose();
            throw InUse(path, name);
        }

        file.SetLength(0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
        file.Flush();
        return file;
    }

    private static DataDirectoryException InUse(string path, string lockName)
    {
        var owner = OperatingSystem.IsLinux() ? Libc.ReadShortText(lockName) : "";
        return new DataDirectoryException($"{path} is in use by process {(owner.Length == 0 ? "(unknown)" : owner)}. Stop that process, or give --data another directory.");
    }
}

/// <summary>The data directory cannot be used; the message says why and what to do.</summary>
public sealed class DataDirectoryException(string message) : IOException(message);
