using System.Numerics;
using System.Runtime.InteropServices;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// Memory of one shard outside the managed heap: what millions of keys take is not walked by the garbage collector. Small blocks are cut from chunks, by size class, and go back
/// to their class's list; larger ones come from the C library. A block's class follows from its size, so whoever frees it says the size and no header is kept.
/// Steps are 8 bytes up to 128 and then an eighth of the next power of two, so less than an eighth is lost (bench: <c>bench/peers/redis.sh memory</c>).
/// </summary>
internal sealed unsafe class NativeArena : IDisposable
{
    /// <summary>Blocks above this are the C library's.</summary>
    public const int SmallMax = 32 * 1024;

    private const int ChunkBytes = 1024 * 1024;
    private const int FineMax = 128;
    private const int Classes = 16 + (8 * 8);

    private readonly nint[] free = new nint[Classes];
    private readonly List<nint> chunks = [];
    private readonly HashSet<nint> large = [];
    private byte* next;
    private byte* end;

    /// <summary>Frees what an owner forgot to.</summary>
    ~NativeArena() => Release();

    /// <summary>Bytes in blocks that are in use, their rounding included.</summary>
    public long BytesUsed { get; private set; }

    /// <summary>Bytes taken from the system.</summary>
    public long BytesReserved { get; private set; }

    /// <summary>How many bytes a block of this size really has.</summary>
    public static int Rounded(int size) => size > SmallMax ? (size + 4095) & ~4095 : size <= FineMax ? (Math.Max(size, 8) + 7) & ~7 : RoundedCoarse(size);

    /// <summary>A block of at least so many bytes; its content is whatever was there before.</summary>
    public byte* Take(int size)
    {
        var rounded = Rounded(size);
        BytesUsed += rounded;
        if (size > SmallMax) return TakeLarge(rounded);
        ref var head = ref free[ClassOf(rounded)];
        if (head != 0)
        {
            var block = (byte*)head;
            head = *(nint*)block;
            return block;
        }

        return Cut(rounded);
    }

    /// <summary>Gives a block back; the size is any that rounds to the same as when it was taken.</summary>
    public void Give(byte* block, int size)
    {
        var rounded = Rounded(size);
        BytesUsed -= rounded;
        if (size > SmallMax)
        {
            var isOurs = large.Remove((nint)block);
            Invariant.Holds(isOurs, "a block was given back twice, or with another size");
            BytesReserved -= rounded;
            NativeMemory.Free(block);
            return;
        }

        ref var head = ref free[ClassOf(rounded)];
        *(nint*)block = head;
        head = (nint)block;
    }

    /// <summary>Gives a part of the memory back, when nobody uses any of it; true when nothing is left.</summary>
    public bool ReleaseSome(int chunksMax)
    {
        for (; chunksMax > 0 && chunks.Count > 0; chunksMax--)
        {
            NativeMemory.Free((void*)chunks[^1]);
            chunks.RemoveAt(chunks.Count - 1);
        }

        if (chunks.Count > 0) return false;
        Dispose();
        return true;
    }

    /// <summary>Gives all memory back at once.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private static int RoundedCoarse(int size)
    {
        var step = 1 << (BitOperations.Log2((uint)size - 1) - 3);
        return (size + step - 1) & -step;
    }

    private static int ClassOf(int rounded)
    {
        if (rounded <= FineMax) return (rounded >> 3) - 1;
        var log = BitOperations.Log2((uint)rounded - 1);
        return 16 + ((log - 7) * 8) + ((rounded - (1 << log)) >> (log - 3)) - 1;
    }

    private byte* Cut(int rounded)
    {
        if (end - next < rounded)
        {
            // The rest of the old chunk is lost: at most a block in a chunk of many.
            next = (byte*)NativeMemory.Alloc(ChunkBytes);
            end = next + ChunkBytes;
            chunks.Add((nint)next);
            BytesReserved += ChunkBytes;
        }

        var block = next;
        next += rounded;
        return block;
    }

    private byte* TakeLarge(int rounded)
    {
        var block = (byte*)NativeMemory.Alloc((nuint)rounded);
        large.Add((nint)block);
        BytesReserved += rounded;
        return block;
    }

    private void Release()
    {
        foreach (var chunk in chunks) NativeMemory.Free((void*)chunk);
        foreach (var block in large) NativeMemory.Free((void*)block);
        chunks.Clear();
        large.Clear();
        Array.Clear(free);
        next = end = null;
        BytesUsed = BytesReserved = 0;
    }
}
