using System.Runtime.InteropServices;
using Holdfast.Primitives;

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

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint wish, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint start, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nuint length, int advice);
}
