namespace Holdfast.Storage;

/// <summary>
/// A node's data directory, as the storage engine sees it. Two implementations: the real one, and the simulator's, which loses un-synced writes,
/// tears sectors, rots, fills and fails. Paths are relative, with '/'. Calls block; only storage threads make them.
/// </summary>
public interface IDisk
{
    /// <summary>Opens a file for reading and writing, creating it when it is not there.</summary>
    IDiskFile Open(string path);

    /// <summary>Whether the file exists.</summary>
    bool Exists(string path);

    /// <summary>The names of the files and folders directly inside a folder, sorted; empty when there is no such folder.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Creates a folder and those above it.</summary>
    void CreateFolder(string folder);

    /// <summary>Deletes a file, or a folder with everything in it; nothing when it is not there.</summary>
    void Delete(string path);

    /// <summary>Renames atomically, replacing the target.</summary>
    void Rename(string from, string to);

    /// <summary>Makes creations, renames and deletions inside a folder durable.</summary>
    void SyncFolder(string folder);

    /// <summary>Bytes that can still be written.</summary>
    long FreeBytes { get; }
}

/// <summary>An open file.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>The file's length in bytes.</summary>
    long Length { get; }

    /// <summary>For mapping the file into memory; valid until it is disposed. -1 where that is not possible.</summary>
    int Descriptor => -1;

    /// <summary>Reads into <paramref name="target"/>; fewer bytes than asked for only at the end of the file.</summary>
    int Read(long offset, Span<byte> target);

    /// <summary>
    /// Reads what is on the medium, not what the page cache holds: after a failed fsync the two differ, and the cache calls its pages clean (S7). Where a file system
    /// offers no such read, it drops the cached pages first as well as it can.
    /// </summary>
    int ReadUncached(long offset, Span<byte> target) => Read(offset, target);

    /// <summary>Writes all of <paramref name="source"/>; durable only after <see cref="Sync"/>.</summary>
    /// <exception cref="DiskFullException">No space is left; nothing may be assumed about the range.</exception>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Makes everything written so far durable (fdatasync).</summary>
    /// <exception cref="IOException">The disk failed: what was written is lost or not, and a second try proves nothing (S7).</exception>
    void Sync();

    /// <summary>Reserves space so that later writes inside it do not change the file's metadata.</summary>
    void Allocate(long length);
}

/// <summary>The disk has no space left.</summary>
public sealed class DiskFullException(string message) : IOException(message);
