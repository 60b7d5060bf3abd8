using System.Runtime.InteropServices;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Vectors.Memory;

/// <summary>
/// A run of zeroed memory at one address that never moves: its whole range is reserved at once, and the system gives pages only where something was written. So rows are found by a multiplication, are
/// appended without copying, and may be read by any thread while others append.
/// Given back when nobody refers to it any more: whoever reads by pointer keeps its owner alive.
/// </summary>
internal sealed unsafe partial class ReservedMemory
{
    private const int ProtectReadWrite = 3;
    private const int MapPrivateAnonymousNoReserve = 0x4022;
    private const int MapPrivate = 0x2;
    private const int AdviseRandom = 1;
    private const int AdviseWillNeed = 3;
    private const int AdviseHugePages = 14;

    private readonly nuint bytesMax;
    private readonly bool isMapped;

    /// <summary>Reserves a range.</summary>
    /// <param name="bytesMax">How far it may ever be written.</param>
    /// <exception cref="OutOfMemoryException">The system has no such range.</exception>
    public ReservedMemory(long bytesMax)
    {
        Invariant.Holds(bytesMax > 0, "memory of no length was reserved");
        this.bytesMax = (nuint)((bytesMax + 4095) / 4096 * 4096);
        isMapped = OperatingSystem.IsLinux();
        if (isMapped)
        {
            Base = (byte*)Map(0, this.bytesMax, ProtectReadWrite, MapPrivateAnonymousNoReserve, -1, 0);
            if ((nint)Base == -1) throw new OutOfMemoryException($"the system refused to reserve {this.bytesMax} bytes of address space (errno {Marshal.GetLastSystemError()})");
        }
        else
        {
            Base = (byte*)NativeMemory.AlignedAlloc(this.bytesMax, 4096);
            NativeMemory.Clear(Base, this.bytesMax);
        }
    }

    private ReservedMemory(byte* start, nuint bytes)
    {
        Base = start;
        (bytesMax, isMapped) = (bytes, true);
    }

    /// <summary>
    /// A whole file, mapped: pages are read when they are touched, given up when memory is short, and what is written here stays here. Where files cannot be mapped, its content.
    /// </summary>
    /// <exception cref="IOException">It could not be read whole.</exception>
    public static ReservedMemory OfFile(IDiskFile file)
    {
        var bytes = (nuint)file.Length;
        if (file.Descriptor >= 0 && OperatingSystem.IsLinux())
        {
            var start = Map(0, bytes, ProtectReadWrite, MapPrivate, file.Descriptor, 0);
            if (start != -1) return new ReservedMemory((byte*)start, bytes);
        }

        var copy = new ReservedMemory((long)bytes);
        Fill(file, 0, copy.Base, (long)bytes);
        return copy;
    }

    /// <summary>Reads a part of a file to an address.</summary>
    /// <exception cref="IOException">The file is shorter.</exception>
    public static void Fill(IDiskFile file, long offset, byte* target, long bytes)
    {
        for (long at = 0; at < bytes;)
        {
            var count = file.Read(offset + at, new Span<byte>(target + at, (int)Math.Min(bytes - at, 1 << 22)));
            if (count == 0) throw new IOException("a file of a segment ends before it should");
            at += count;
        }
    }

    /// <summary>Gives the range back.</summary>
    ~ReservedMemory()
    {
        if (isMapped) _ = Unmap((nint)Base, bytesMax);
        else NativeMemory.AlignedFree(Base);
    }

    /// <summary>Where it begins; on a page's border.</summary>
    public byte* Base { get; }

    /// <summary>Asks for large pages, for what a graph's steps read anywhere: they cost two megabytes where a small collection would need a few kilobytes.</summary>
    public void AskForLargePages()
    {
        if (isMapped) _ = Advise((nint)Base, bytesMax, AdviseHugePages);
    }

    /// <summary>Asks that a part of a mapped file is read soon, all of it: the first searches do not wait for the disk.</summary>
    public void WarmUp(long offset, long bytes)
    {
        if (isMapped && bytes > 0) _ = Advise((nint)Base + (nint)(offset / 4096 * 4096), (nuint)(bytes + (offset % 4096)), AdviseWillNeed);
    }

    /// <summary>Says that a part of a mapped file is read here and there, so that what lies beside is not read with it.</summary>
    public void ExpectScatteredReads(long offset, long bytes)
    {
        if (isMapped && bytes > 0) _ = Advise((nint)Base + (nint)(offset / 4096 * 4096), (nuint)(bytes + (offset % 4096)), AdviseRandom);
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint wish, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint start, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nuint length, int advice);
}
