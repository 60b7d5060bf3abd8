using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Holdfast.Vectors.Memory;

/// <summary>A growing array that never moves while it has its size and begins on a cache line: for the scratch of a search. For one thread.</summary>
internal sealed unsafe class PinnedBuffer<T>(int length)
    where T : unmanaged
{
    private T[] items = Take(length);

    /// <summary>How many there is room for.</summary>
    public int Length => items.Length - (RowMemory.LineBytes / sizeof(T));

    /// <summary>The first; valid until <see cref="Ensure"/> grows it, and as long as this object is referred to.</summary>
    public T* First => (T*)(((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(items)) + RowMemory.LineBytes - 1) & -RowMemory.LineBytes);

    /// <summary>Its items.</summary>
    public Span<T> Span => new(First, Length);

    /// <summary>Room for so many; what was in it is forgotten when it grows.</summary>
    public void Ensure(int wanted)
    {
        if (wanted > Length) items = Take(Math.Max(wanted, Length * 2));
    }

    private static T[] Take(int length) => GC.AllocateArray<T>(length + (RowMemory.LineBytes / sizeof(T)), pinned: true);
}
