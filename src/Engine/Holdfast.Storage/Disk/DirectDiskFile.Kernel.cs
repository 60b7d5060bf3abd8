using System.Runtime.InteropServices;

namespace Holdfast.Storage;

/// <summary>
/// A file whose aligned writes bypass the page cache and are durable when they return (O_DIRECT and O_DSYNC). Unaligned writes take the buffered way and make
/// the next <see cref="Sync"/> a real one. Where it is faster than fdatasync is measured at start-up (<see cref="WriteProbe"/>).
/// </summary>
internal sealed unsafe class DirectDiskFile : IDiskFile
{
    private const int Alignment = 4096;

    private readonly string path;
    private readonly DirectoryDiskFile buffered;
    private readonly int descriptor;
    private bool dirty = true;

    public DirectDiskFile(string path)
    {
        this.path = path;
        buffered = new DirectoryDiskFile(path);
        descriptor = Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenCloseOnExec | Libc.OpenDataSync | Libc.OpenDirect);
    }

    /// <summary>False where the file system refuses O_DIRECT: everything then takes the buffered way.</summary>
    public bool IsDirect => descriptor >= 0;

    public long Length => buffered.Length;

    public int Read(long offset, Span<byte> target) => buffered.Read(offset, target);

    public int ReadUncached(long offset, Span<byte> target) => buffered.ReadUncached(offset, target);

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        fixed (byte* start = source)
        {
            if (!IsDirect || offset % Alignment != 0 || (nuint)start % Alignment != 0 || source.Length % Alignment != 0)
            {
                buffered.Write(offset, source);
                dirty = true;
                return;
            }

            for (var done = 0; done < source.Length;)
            {
                var count = Libc.Write(descriptor, start + done, (nuint)(source.Length - done), offset + done);
                if (count < 0)
                {
                    var error = Marshal.GetLastPInvokeError();
                    if (error == Libc.ErrorInterrupted) continue;
                    throw DirectoryDisk.Failure("write", path, error);
                }

                done += (int)count;
                if (done >= source.Length || done % Alignment == 0) continue;
                buffered.Write(offset + done, source[done..]);
                dirty = true;
                return;
            }
        }
    }

    public void Sync()
    {
        if (!dirty) return;
        buffered.Sync();
        dirty = false;
    }

    public void Allocate(long length)
    {
        buffered.Allocate(length);
        dirty = true;
    }

    public void Dispose()
    {
        if (IsDirect) _ = Libc.Close(descriptor);
        buffered.Dispose();
    }
}
