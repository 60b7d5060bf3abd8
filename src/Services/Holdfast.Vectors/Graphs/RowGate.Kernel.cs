using System.Runtime.CompilerServices;
using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Graphs;

/// <summary>Which rows a search may return, as a struct, so that a walk is compiled for it.</summary>
internal interface IRowGate
{
    /// <summary>Whether every row may be returned: the walk then asks for none.</summary>
    static abstract bool IsOpen { get; }

    /// <summary>Whether this row may.</summary>
    bool Admits(int row);
}

/// <summary>All rows.</summary>
internal struct OpenGate : IRowGate
{
    public static bool IsOpen => true;

    public readonly bool Admits(int row) => true;
}

/// <summary>Rows whose bit is set.</summary>
/// <param name="bits">A bit per row.</param>
/// <param name="rows">There are bits of the rows before this one: a walk meets rows that came after them.</param>
internal readonly unsafe struct BitGate(ulong* bits, int rows = int.MaxValue) : IRowGate
{
    public static bool IsOpen => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Admits(int row) => row < rows && (bits[row >> 6] & (1UL << row)) != 0;
}

/// <summary>Rows that pass a filter which is asked when they are met.</summary>
internal readonly struct LazyGate(LazyRows rows) : IRowGate
{
    public static bool IsOpen => false;

    public bool Admits(int row) => rows.Admits(row);
}
