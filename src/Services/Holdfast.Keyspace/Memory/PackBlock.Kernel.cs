using System.Runtime.CompilerServices;

namespace Holdfast.Keyspace;

/// <summary>
/// A <see cref="Listpack"/> in a block of its own outside the managed heap, with room to grow: the part of which large lists and streams are made. A value that its owner keeps in an array and gives back by
/// <see cref="Free"/>; its bytes move only within its owner's calls.
/// </summary>
internal unsafe struct PackBlock
{
    private byte* block;
    private int capacity;

    /// <summary>Bytes in use.</summary>
    public int Length { get; private set; }

    /// <summary>Elements.</summary>
    public int Count { get; private set; }

    /// <summary>The loan in which it was lent to a snapshot (<see cref="BlockLoan"/>); 0 for none.</summary>
    public int Loan { get; set; }

    public readonly ReadOnlySpan<byte> Bytes => new(block, Length);

    /// <summary>One without elements.</summary>
    public static PackBlock Make(NativeArena arena, int room) => Of(arena, Listpack.Empty, 0, room);

    /// <summary>One that begins as a copy.</summary>
    public static PackBlock Of(NativeArena arena, ReadOnlySpan<byte> pack, int count, int room = 0)
    {
        var made = new PackBlock { Length = pack.Length, Count = count };
        made.capacity = NativeArena.Rounded(pack.Length + room);
        made.block = arena.Take(made.capacity);
        pack.CopyTo(new Span<byte>(made.block, made.capacity));
        return made;
    }

    /// <summary>Looks at bytes that another owns, outside the managed heap; never changed and never freed.</summary>
    public static PackBlock Borrow(ReadOnlySpan<byte> pack) =>
        new() { block = (byte*)Unsafe.AsPointer(ref Unsafe.AsRef(in pack[0])), Length = pack.Length, Count = Listpack.Count(pack) };

    /// <summary>Puts a text before the element at a position; at the end for -1.</summary>
    public void Insert(NativeArena arena, int at, ReadOnlySpan<byte> text)
    {
        if (at < 0) at = Length - 1;
        var size = Listpack.SizeOf(text);
        Shift(arena, at, at + size);
        Listpack.Write(text, new Span<byte>(block + at, size));
        Close(Count + 1);
    }

    /// <summary>Removes elements that stand in these bytes.</summary>
    public void Remove(NativeArena arena, int from, int to, int count)
    {
        Shift(arena, to, from);
        Close(Count - count);
    }

    /// <summary>Puts another text in the place of an element.</summary>
    public void Replace(NativeArena arena, int at, ReadOnlySpan<byte> text)
    {
        var size = Listpack.SizeOf(text);
        Shift(arena, at + Listpack.SizeAt(Bytes, at), at + size);
        Listpack.Write(text, new Span<byte>(block + at, size));
        Close(Count);
    }

    /// <summary>Moves the elements from a position on into a new block.</summary>
    public PackBlock SplitAt(NativeArena arena, int at, int countBefore)
    {
        var tail = Length - at;
        var other = new PackBlock { Length = Listpack.Head + tail };
        other.capacity = NativeArena.Rounded(other.Length);
        other.block = arena.Take(other.capacity);
        new ReadOnlySpan<byte>(block + at, tail).CopyTo(new Span<byte>(other.block + Listpack.Head, tail));
        other.Close(Count - countBefore);
        Length = at + 1;
        Close(countBefore);
        return other;
    }

    public void Free(NativeArena arena)
    {
        if (block is not null) arena.Give(block, capacity);
        this = default;
    }

    /// <summary>Moves what stands from one offset on to another one, and makes room for it.</summary>
    private void Shift(NativeArena arena, int from, int to)
    {
        var length = Length + to - from;
        if (length > capacity) Grow(arena, length);
        new ReadOnlySpan<byte>(block + from, Length - from).CopyTo(new Span<byte>(block + to, Length - from));
        Length = length;
    }

    private void Grow(NativeArena arena, int needed)
    {
        var room = NativeArena.Rounded((int)Math.Min(needed + Math.Min((long)needed, 4096), int.MaxValue - 8192));
        var larger = arena.Take(room);
        new ReadOnlySpan<byte>(block, Length).CopyTo(new Span<byte>(larger, room));
        if (block is not null) arena.Give(block, capacity);
        block = larger;
        capacity = room;
    }

    private void Close(int count)
    {
        Count = count;
        Listpack.Close(new Span<byte>(block, Length), count);
    }
}
