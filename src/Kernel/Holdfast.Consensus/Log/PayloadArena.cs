using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Memory for payloads, in blocks that go when the log has compacted past the last entry in them. A short log stands in small blocks, which are kept for what comes next, so that a steady stream of proposals allocates
/// nothing; a longer one, and what is large, in blocks so large that they are given back to the system, and that take no more memory than was written to them.
/// </summary>
internal sealed class PayloadArena
{
    private const int SmallBytes = 64 * 1024;
    private const int SmallBlocksMax = 64;

    /// <summary>Above 32 MiB the C library maps a block by itself, always, and unmaps it when it is freed; smaller ones stay in its heap, between what others hold there.</summary>
    private const int LargeBytes = 33 * 1024 * 1024;

    /// <summary>Large blocks that wait to be given back; beyond them they are given back at once.</summary>
    private const int GoneMax = 16;

    private readonly Queue<PayloadBlock> filled = new();
    private readonly Queue<PayloadBlock> gone = new();
    private readonly Stack<PayloadBlock> free = new();
    private PayloadBlock? small;
    private PayloadBlock? large;

    public ReadOnlyMemory<byte> Copy(LogIndex index, ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 0) return default;
        var isSmall = large is null && filled.Count < SmallBlocksMax && payload.Length <= SmallBytes / 4;
        return (isSmall ? SmallFor(payload.Length) : LargeFor(payload.Length)).Copy(index, payload);
    }

    /// <summary>Entries from here on are gone; what they used goes with their neighbours.</summary>
    public void TruncateFrom(LogIndex from)
    {
        foreach (var block in filled) Truncate(block, from);
        Truncate(small, from);
        Truncate(large, from);
    }

    /// <summary>
    /// No entry up to here will be read again. What large blocks took goes back to the system in <see cref="FreeSome"/>: to unmap one that is full takes milliseconds, and a compaction releases half a dozen.
    /// </summary>
    public void Release(LogIndex through)
    {
        // A block may stand behind one that ends later: it then goes with that one.
        while (filled.TryPeek(out var oldest) && oldest.LastIndex <= through)
        {
            filled.Dequeue();
            Recycle(oldest);
        }

        if (small?.LastIndex <= through) small.Clear();
        if (!(large?.LastIndex <= through)) return;
        Retire(large);
        large = null;
    }

    /// <summary>Gives a block back that was released; true while there are more.</summary>
    public bool FreeSome()
    {
        if (gone.TryDequeue(out var block)) block.Free();
        return gone.Count > 0;
    }

    private static void Truncate(PayloadBlock? block, LogIndex from)
    {
        if (block?.LastIndex >= from) block.LastIndex = from.Previous;
    }

    private PayloadBlock SmallFor(int length)
    {
        if (small?.HasRoom(length) == true) return small;
        if (small is not null) filled.Enqueue(small);
        return small = free.TryPop(out var used) ? used : new PayloadBlock(SmallBytes);
    }

    private PayloadBlock LargeFor(int length)
    {
        if (large?.HasRoom(length) == true) return large;
        if (large is not null) filled.Enqueue(large);
        return large = new PayloadBlock(Math.Max(length, LargeBytes));
    }

    private void Recycle(PayloadBlock block)
    {
        if (block.Capacity != SmallBytes || free.Count == SmallBlocksMax)
        {
            Retire(block);
            return;
        }

        block.Clear();
        free.Push(block);
    }

    private void Retire(PayloadBlock block)
    {
        block.Retire();
        gone.Enqueue(block);
        if (gone.Count > GoneMax) FreeSome();
    }
}
