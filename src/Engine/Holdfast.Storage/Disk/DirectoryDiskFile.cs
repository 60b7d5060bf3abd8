using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage;

/// <summary>A file that is written through the page cache and made durable by fdatasync.</summary>
internal sealed class DirectoryDiskFile : IDiskFile
{
    private readonly string path;
    private readonly SafeFileHandle handle;

    public DirectoryDiskFile(string path, bool isPrivate = false, bool isReadOnly = false)
    {
        this.path = path;
        if (isReadOnly)
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return;
        }

        var isNew = isPrivate && !OperatingSystem.IsWindows() && !File.Exists(path);
        handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (isNew && !OperatingSystem.IsWindows()) File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>For system calls that .NET does not offer; valid until the file is disposed.</summary>
    public int Descriptor => (int)handle.DangerousGetHandle();

    public long Length => RandomAccess.GetLength(handle);

    public int Read(long offset, Span<byte> target)
    {
        var total = 0;
        while (total < target.Length)
        {
            var count = RandomAccess.Read(handle, target[total..], offset + total);
            if (count == 0) break;
            total += count;
        }

        return total;
    }

    public int ReadUncached(long offset, Span<byte> target)
    {
        if (!OperatingSystem.IsLinux()) return Read(offset, target);
        using var direct = new DirectReader(path);
        if (direct.IsDirect) return direct.Read(offset, target);
        _ = Libc.Advise((int)handle.DangerousGetHandle(), 0, 0, Libc.AdviceDontNeed);
        return Read(offset, target);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            RandomAccess.Write(handle, source, offset);
        }
        catch (IOException failure) when ((failure.HResult & 0xFFFF) is Libc.ErrorNoSpace or Libc.ErrorQuota)
        {
            throw DirectoryDisk.Failure("write", path, Libc.ErrorNoSpace);
        }
    }

    public void Sync()
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(handle);
            return;
        }

        // Not retried when it fails: the kernel may have dropped the pages and would call the second try a success (S7).
        if (Libc.SyncData(Descriptor) != 0) throw DirectoryDisk.Failure("sync", path, Marshal.GetLastPInvokeError());
    }

    public void Allocate(long length)
    {
        if (length <= Length) return;
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.SetLength(handle, length);
            return;
        }

        var error = Libc.Allocate(Descriptor, 0, length);
        if (error != 0) throw DirectoryDisk.Failure("reserve space in", path, error);
    }

    public void Dispose() => handle.Dispose();
}
