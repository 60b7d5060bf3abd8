using System.Runtime.CompilerServices;
using Holdfast.Primitives;

namespace Holdfast.Vectors.Memory;

/// <summary>Rows of equal length behind one another, each beginning on a cache line, for one writer per row and any readers.</summary>
internal sealed unsafe class RowMemory
{
    /// <summary>A cache line: rows are padded to whole ones, so that no row shares one and kernels need no tails.</summary>
    public const int LineBytes = 64;

    private readonly ReservedMemory memory;

    /// <summary>Reserves room.</summary>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="rowsMax">How many.</param>
    /// <param name="isPadded">Whether each begins on a cache line; small codes lie closer.</param>
    public RowMemory(int rowBytes, int rowsMax, bool isPadded = true)
    {
        Invariant.Holds(rowBytes > 0 && rowsMax > 0, "rows of no length, or none, were reserved");
        RowBytes = isPadded ? Padded(rowBytes) : rowBytes;
        RowsMax = rowsMax;
        memory = new ReservedMemory((long)RowBytes * rowsMax);
        Base = memory.Base;
    }

    /// <summary>Rows that are there: a part of a mapped file.</summary>
    public RowMemory(ReservedMemory memory, long offset, int rowBytes, int rows)
    {
        (this.memory, RowBytes, RowsMax) = (memory, rowBytes, rows);
        Base = memory.Base + offset;
    }

    /// <summary>Some of the rows, in a numbering of their own.</summary>
    public RowMemory Part(int from, int rows)
    {
        Invariant.Holds(from >= 0 && rows > 0 && rows <= RowsMax - from, "a part of rows goes beyond their memory");
        return new RowMemory(memory, Base - memory.Base + ((long)from * RowBytes), RowBytes, rows);
    }

    /// <summary>Bytes from one row to the next.</summary>
    public int RowBytes { get; }

    /// <summary>How many rows there is room for.</summary>
    public int RowsMax { get; }

    /// <summary>Row 0.</summary>
    public byte* Base { get; }

    /// <summary>Where a row is; it is not checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Row(int row) => Base + ((long)row * RowBytes);

    /// <summary>Asks for large pages, once a graph walks here.</summary>
    public void AskForLargePages() => memory.AskForLargePages();

    /// <summary>A row as a span, checked.</summary>
    public Span<byte> Span(int row)
    {
        Invariant.Holds((uint)row < (uint)RowsMax, "a row beyond its memory was asked for");
        return new Span<byte>(Row(row), RowBytes);
    }

    /// <summary>A length rounded up to whole cache lines.</summary>
    public static int Padded(int bytes) => (bytes + LineBytes - 1) / LineBytes * LineBytes;
}
