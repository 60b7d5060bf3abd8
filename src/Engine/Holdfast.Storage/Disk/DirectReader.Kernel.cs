using System.Runtime.InteropServices;

namespace Holdfast.Storage;

/// <summary>Reads a file past the page cache (O_DIRECT), through an aligned buffer. The kernel writes back the range's dirty pages first.</summary>
internal sealed unsafe class DirectReader : IDisposable
{
    private const int Alignment = 4096;
    private const int BufferBytes = 1024 * 1024;

    private readonly string path;
    private readonly int descriptor;
    private readonly AlignedBuffer staging = new();

    public DirectReader(string path)
    {
        this.path = path;
        descriptor = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec | Libc.OpenDirect);
    }

    /// <summary>False where the file system refuses O_DIRECT.</summary>
    public bool IsDirect => descriptor >= 0;

    /// <summary>Reads into <paramref name="target"/>; fewer bytes than asked for only at the end of the file.</summary>
    public int Read(long offset, Span<byte> target)
    {
        var total = 0;
        while (total < target.Length)
        {
            var from = (offset + total) & -Alignment;
            var skip = (int)(offset + total - from);
            var buffer = staging.Take(BufferBytes);
            nint count;
            fixed (byte* start = buffer) count = Libc.Read(descriptor, start, BufferBytes, from);
            if (count < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == Libc.ErrorInterrupted) continue;
                throw DirectoryDisk.Failure("read", path, error);
            }

            var taken = Math.Min((int)count - skip, target.Length - total);
            if (taken <= 0) break;
            buffer.Slice(skip, taken).CopyTo(target[total..]);
            total += taken;
            if (count < BufferBytes) break; // The end of the file.
        }

        return total;
    }

    public void Dispose()
    {
        if (IsDirect) _ = Libc.Close(descriptor);
    }
}
