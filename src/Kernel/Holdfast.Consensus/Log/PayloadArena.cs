using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Memory for payloads, in blocks that go when the log has compacted past the last entry in them. Small payloads stand in small blocks, some of which are kept for what comes next, so that a steady stream of
/// proposals allocates nothing; larger ones stand in large blocks, which are given back, and the largest in blocks of their own.
/// </summary>
internal sealed class PayloadArena
{
    private const int SmallBytes = 64 * 1024;
    private const int LargeBytes = 1024 * 1024;
    private const int FreeBlocksMax = 64;

    private readonly Queue<PayloadBlock> filled = new();
    private readonly Stack<PayloadBlock> free = new();
    private PayloadBlock? small;
    private PayloadBlock? large;

    public ReadOnlyMemory<byte> Copy(LogIndex index, ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 0) return default;
        if (payload.Length <= SmallBytes / 4) return SmallFor(payload.Length).Copy(index, payload);
        if (payload.Length <= LargeBytes / 4) return LargeFor(payload.Length).Copy(index, payload);
        var own = new PayloadBlock(payload.Length);
        filled.Enqueue(own);
        return own.Copy(index, payload);
    }

    /// <summary>Entries from here on are gone; what they used goes with their neighbours.</summary>
    public void TruncateFrom(LogIndex from)
    {
        foreach (var block in filled) Truncate(block, from);
        Truncate(small, from);
        Truncate(large, from);
    }

    /// <summary>No entry up to here will be read again.</summary>
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
        large.Free();
        large = null;
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
        return large = new PayloadBlock(LargeBytes);
    }

    private void Recycle(PayloadBlock block)
    {
        if (block.Capacity != SmallBytes || free.Count == FreeBlocksMax)
        {
            block.Free();
            return;
        }

        block.Clear();
        free.Push(block);
    }
}
