using System.Runtime.InteropServices;

namespace Holdfast.Storage;

/// <summary>A folder of the real file system. Production is Linux; elsewhere the runtime's own flush stands in, for development.</summary>
public sealed class DirectoryDisk : IDisk
{
    private readonly string root;

    /// <summary>The disk below a folder, which must exist.</summary>
    public DirectoryDisk(string root) => this.root = Path.GetFullPath(root);

    /// <summary>The folder of the log, whose files are written in the log's own way (reserved space filled ahead); null for none.</summary>
    public string? LogFolder { get; init; }

    /// <summary>Whether the log's aligned writes go past the page cache. See <see cref="WriteProbe"/>.</summary>
    public bool PrefersDirect { get; init; }

    /// <summary>Whether what is made here is for this user alone: files 0600, folders 0700, whatever the process's mask says.</summary>
    public bool IsPrivate { get; init; }

    /// <summary>Whether files are only read: a disk that is mounted so, or belongs to somebody else, will do then, and nothing is made or deleted on it.</summary>
    public bool IsReadOnly { get; init; }

    /// <inheritdoc/>
    public long FreeBytes => new DriveInfo(root).AvailableFreeSpace;

    /// <inheritdoc/>
    public IDiskFile Open(string path)
    {
        var full = FullPath(path);
        return LogFolder is { } folder && path.StartsWith(folder + "/", StringComparison.Ordinal) && OperatingSystem.IsLinux()
            ? new LogDiskFile(full, PrefersDirect || SegmentSpares.IsBeingFilled(path))
            : new DirectoryDiskFile(full, IsPrivate, IsReadOnly);
    }

    /// <inheritdoc/>
    public bool Exists(string path) => Path.Exists(FullPath(path));

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string folder)
    {
        var full = FullPath(folder);
        if (!Directory.Exists(full)) return [];
        var names = new List<string>();
        foreach (var entry in Directory.EnumerateFileSystemEntries(full)) names.Add(Path.GetFileName(entry));
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <inheritdoc/>
    public void CreateFolder(string folder)
    {
        var full = FullPath(folder);
        if (IsPrivate && !OperatingSystem.IsWindows()) CreatePrivate(full);
        else Directory.CreateDirectory(full);
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        if (IsReadOnly) return;
        var full = FullPath(path);
        if (Directory.Exists(full)) Directory.Delete(full, recursive: true);
        else if (File.Exists(full)) File.Delete(full); // File.Delete alone throws when the folder above is not there.
    }

    /// <inheritdoc/>
    public void Rename(string from, string to) => File.Move(FullPath(from), FullPath(to), overwrite: true);

    /// <inheritdoc/>
    public void SyncFolder(string folder)
    {
        if (!OperatingSystem.IsLinux()) return;
        var descriptor = Libc.Open(FullPath(folder), Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        if (descriptor < 0) throw new IOException($"Cannot open the folder {folder} to sync it: {Marshal.GetLastPInvokeErrorMessage()}.");
        try
        {
            if (Libc.Sync(descriptor) != 0) throw new IOException($"Cannot sync the folder {folder}: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    internal static IOException Failure(string what, string path, int error) => error is Libc.ErrorNoSpace or Libc.ErrorQuota
        ? new DiskFullException($"No space is left on the disk that holds {path}. Free some, or move the data directory, and start the node again.")
        : new IOException($"Cannot {what} {path}: {Marshal.GetPInvokeErrorMessage(error)}.");

    /// <summary>One after another: the system gives its own mode to folders above the one that is asked for.</summary>
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void CreatePrivate(string full)
    {
        if (Directory.Exists(full)) return;
        if (Path.GetDirectoryName(full) is { Length: > 0 } above) CreatePrivate(above);
        Directory.CreateDirectory(full, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string FullPath(string path) => path.Length == 0 ? root : Path.Combine(root, path);
}
