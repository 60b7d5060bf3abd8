using System.Runtime.InteropServices;

namespace Holdfast.Storage;

/// <summary>
/// A file whose aligned writes bypass the page cache (O_DIRECT), so that <see cref="Sync"/> only has to empty the disk's own cache. Unaligned writes take the
/// buffered way. Where it is faster than buffered writes is measured at start-up (<see cref="WriteProbe"/>).
/// </summary>
/// <remarks>
/// Space that was reserved and never written is filled with zeros first, some megabytes ahead: to a file system a first write is a change of metadata, for which fdatasync waits for
/// a commit of its journal. Measured on ext4 with two writes and one fdatasync (a commit of the log), medians: 4 to 8 ms into reserved space, 0.11 ms into written space;
/// O_DSYNC instead of the one fdatasync: 0.16 ms, because each write then empties the disk's cache. <c>bench/core.sh</c> shows what it is worth to a group.
/// </remarks>
internal sealed unsafe class DirectDiskFile : IDiskFile
{
    private const int Alignment = 4096;

    /// <summary>Zeros written ahead at once: some milliseconds of a disk's time, once in about a thousand small commits, and never again once segments are reused.</summary>
    private const int FillBytes = 4 << 20;

    private readonly string path;
    private readonly DirectoryDiskFile buffered;
    private readonly int descriptor;
    private long reservedTo;
    private long writtenTo;
    private bool dirty = true;

    public DirectDiskFile(string path)
    {
        this.path = path;
        buffered = new DirectoryDiskFile(path);
        descriptor = Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenCloseOnExec | Libc.OpenDirect);
        reservedTo = writtenTo = buffered.Length;
        if (IsDirect) FindHole();
    }

    /// <summary>False where the file system refuses O_DIRECT: everything then takes the buffered way.</summary>
    public bool IsDirect => descriptor >= 0;

    public long Length => buffered.Length;

    public int Read(long offset, Span<byte> target) => buffered.Read(offset, target);

    public int ReadUncached(long offset, Span<byte> target) => buffered.ReadUncached(offset, target);

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        dirty = true;
        if (IsDirect && offset + source.Length > writtenTo && writtenTo < reservedTo) FillAhead(offset + source.Length);
        fixed (byte* start = source)
        {
            if (!IsDirect || offset % Alignment != 0 || (nuint)start % Alignment != 0 || source.Length % Alignment != 0) buffered.Write(offset, source);
            else WriteAligned(offset, start, source.Length);
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
        var isReservedToTheEnd = reservedTo >= buffered.Length;
        buffered.Allocate(length);
        if (isReservedToTheEnd) reservedTo = Math.Max(reservedTo, length);
        dirty = true;
    }

    public void Dispose()
    {
        if (IsDirect) _ = Libc.Close(descriptor);
        buffered.Dispose();
    }

    private void WriteAligned(long offset, byte* start, int length)
    {
        for (var done = 0; done < length;)
        {
            var count = Libc.Write(descriptor, start + done, (nuint)(length - done), offset + done);
            if (count < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == Libc.ErrorInterrupted) continue;
                throw DirectoryDisk.Failure("write", path, error);
            }

            done += (int)count;
            if (done >= length || done % Alignment == 0) continue;
            buffered.Write(offset + done, new ReadOnlySpan<byte>(start + done, length - done));
            return;
        }
    }

    /// <summary>Writes zeros from where the written space ends to beyond <paramref name="end"/>, as far as space is reserved. Nothing that was ever written is touched.</summary>
    private void FillAhead(long end)
    {
        const int PieceBytes = 256 * 1024;
        var until = Math.Min(reservedTo, (end + FillBytes) & -Alignment);
        var zeros = (byte*)NativeMemory.AlignedAlloc(PieceBytes, Alignment);
        try
        {
            NativeMemory.Clear(zeros, PieceBytes);
            for (; writtenTo < until; writtenTo += PieceBytes) WriteAligned(writtenTo, zeros, (int)Math.Min(PieceBytes, until - writtenTo) & -Alignment);
        }
        finally
        {
            NativeMemory.AlignedFree(zeros);
        }

        writtenTo = until;
    }

    /// <summary>Finds the first space that was reserved and never written, which counts as a hole, and where data begin again. Where the system cannot tell, nothing is filled.</summary>
    private void FindHole()
    {
        var hole = Libc.Seek(descriptor, 0, Libc.SeekHole);
        if (hole < 0 || hole >= reservedTo) return;
        writtenTo = hole & -Alignment;
        var data = Libc.Seek(descriptor, hole, Libc.SeekData);
        if (data >= 0) reservedTo = data & -Alignment;
    }
}
