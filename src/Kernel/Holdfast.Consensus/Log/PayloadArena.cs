using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Memory for payloads, in blocks that are recycled when the log has compacted past the last entry in them, so that a steady stream of
/// proposals allocates nothing. Payloads larger than a quarter of a block get an array of their own.
/// </summary>
internal sealed class PayloadArena
{
    private const int BlockBytes = 64 * 1024;
    private const int FreeBlocksMax = 64;

    private readonly Queue<Block> filled = new();
    private readonly Stack<Block> free = new();
    private Block current = new(new byte[BlockBytes]);
    private int used;

    private sealed class Block(byte[] bytes)
    {
        public readonly byte[] Bytes = bytes;
        public LogIndex LastIndex;
    }

    public ReadOnlyMemory<byte> Copy(LogIndex index, ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 0) return default;
        if (payload.Length > BlockBytes / 4) return payload.ToArray();
        if (used + payload.Length > BlockBytes)
        {
            filled.Enqueue(current);
            current = free.Count > 0 ? free.Pop() : new Block(GC.AllocateUninitializedArray<byte>(BlockBytes));
            used = 0;
        }

        var copy = current.Bytes.AsMemory(used, payload.Length);
        payload.CopyTo(copy.Span);
        used += payload.Length;
        current.LastIndex = index;
        return copy;
    }

    /// <summary>Entries from here on are gone; what they used is recycled with their neighbours.</summary>
    public void TruncateFrom(LogIndex from)
    {
        foreach (var block in filled)
            if (block.LastIndex >= from) block.LastIndex = from.Previous;
        if (current.LastIndex >= from) current.LastIndex = from.Previous;
    }

    /// <summary>No entry up to here will be read again.</summary>
    public void Release(LogIndex through)
    {
        while (filled.TryPeek(out var oldest) && oldest.LastIndex <= through)
        {
            filled.Dequeue();
            if (free.Count < FreeBlocksMax) free.Push(oldest);
        }

        if (current.LastIndex <= through) used = 0;
    }
}
