using System.Runtime.InteropServices;

namespace LargeState;

/// <summary>
/// 64 KiB outside the managed heap: a gigabyte of state is then nothing to the collector, which otherwise stops all threads the longer, the more there is to look at.
/// </summary>
internal readonly unsafe struct Block
{
    public const int Bytes = 64 * 1024;

    private readonly byte* start;

    private Block(byte* start) => this.start = start;

    public bool IsNone => start is null;

    public Span<byte> Span => new(start, Bytes);

    public static Block Allocate() => new((byte*)NativeMemory.Alloc(Bytes));

    public static Block CopyOf(Block other)
    {
        var copy = Allocate();
        other.Span.CopyTo(copy.Span);
        return copy;
    }

    public void Free() => NativeMemory.Free(start);
}
