using System.Runtime.InteropServices;

namespace Holdfast.Storage;

/// <summary>
/// A file of the log. Space that was reserved and never written is filled with zeros first, a megabyte ahead (the log's first segment only: later ones are filled before they are used, <see cref="SegmentSpares"/>): to a file system a first write is a change of metadata, for which
/// fdatasync waits for its journal. Where <see cref="WriteProbe"/> found it faster, aligned writes bypass the page cache (O_DIRECT), so that <see cref="Sync"/> only empties the disk's own.
/// </summary>
/// <remarks>
/// Measured on ext4, a commit's two writes and one fdatasync, samples in turn on a busy machine: into reserved space median 0.77 ms, 99th of a hundred 64 ms; into written space 0.52 and
/// 7.2 ms buffered, 0.54 and 6.4 ms unbuffered. (etcd reserves too, but writes some ten entries into each page and so pays a tenth as often.) The benchmark is <c>bench/core.sh</c> with one proposer.
/// </remarks>
internal sealed unsafe class LogDiskFile : IDiskFile
{
    private const int Alignment = 4096;

    /// <summary>Zeros written ahead at once: a few milliseconds of a disk's time, once in about 250 small commits; four times as many held up a commit four times as long.</summary>
    private const int FillBytes = 1 << 20;

    private readonly string path;
    private readonly DirectoryDiskFile buffered;
    private readonly int descriptor;
    private long reservedTo;
    private long writtenTo;
    private bool dirty = true;

    public LogDiskFile(string path, bool prefersDirect)
    {
        this.path = path;
        buffered = new DirectoryDiskFile(path);
        descriptor = prefersDirect ? Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenCloseOnExec | Libc.OpenDirect) : -1;
        reservedTo = writtenTo = buffered.Length;
        FindHole();
    }

    /// <summary>False where it is not wanted, or the file system refuses it: everything then takes the buffered way.</summary>
    public bool IsDirect => descriptor >= 0;

    public long Length => buffered.Length;

    public int Read(long offset, Span<byte> target) => buffered.Read(offset, target);

    public int ReadUncached(long offset, Span<byte> target) => buffered.ReadUncached(offset, target);

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        dirty = true;
        if (offset + source.Length > writtenTo && writtenTo < reservedTo) FillAhead(offset + source.Length);
        fixed (byte* start = source) WriteThrough(offset, start, source.Length);
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

    private void WriteThrough(long offset, byte* start, int length)
    {
        var done = 0;
        var isAligned = offset % Alignment == 0 && (nuint)start % Alignment == 0 && length % Alignment == 0;
        while (IsDirect && isAligned && done < length)
        {
            var count = Libc.Write(descriptor, start + done, (nuint)(length - done), offset + done);
            if (count < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == Libc.ErrorInterrupted) continue;
                throw DirectoryDisk.Failure("write", path, error);
            }

            done += (int)count;
            isAligned = done % Alignment == 0;
        }

        if (done < length) buffered.Write(offset + done, new ReadOnlySpan<byte>(start + done, length - done));
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
            for (; writtenTo < until; writtenTo += PieceBytes) WriteThrough(writtenTo, zeros, (int)Math.Min(PieceBytes, until - writtenTo));
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
        var hole = Libc.Seek(buffered.Descriptor, 0, Libc.SeekHole);
        if (hole < 0 || hole >= reservedTo) return;
        writtenTo = hole & -Alignment;
        var data = Libc.Seek(buffered.Descriptor, hole, Libc.SeekData);
        if (data >= 0) reservedTo = data & -Alignment;
    }
}
