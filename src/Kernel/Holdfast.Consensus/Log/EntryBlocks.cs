using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Entries in a row that grows at its end and shrinks at both, in blocks of a fixed size. Growing never moves an entry, and forgetting touches none but those of the block in which it ends: a log of
/// millions of entries would otherwise hold up its loop for tens of milliseconds as it doubles, or as it is compacted. Blocks are used again, so that a steady log allocates nothing.
/// </summary>
internal sealed class EntryBlocks
{
    private const int BlockEntries = 256;
    private const int FreeBlocksMax = 64;

    private readonly Stack<Entry[]> free = new();
    private Block[] blocks = new Block[8]; // A ring.
    private int head;
    private int used;
    private int gone; // Entries of the first block that were forgotten.

    private record struct Block(Entry[] Entries, long Bytes);

    /// <summary>How many entries there are.</summary>
    public int Count { get; private set; }

    /// <summary>Payload bytes of all of them.</summary>
    public long Bytes { get; private set; }

    /// <summary>The entry at a place, 0 being the oldest.</summary>
    public ref readonly Entry this[int place]
    {
        get
        {
            var at = (uint)(gone + place);
            return ref BlockAt((int)(at / BlockEntries)).Entries[at % BlockEntries];
        }
    }

    /// <summary>Adds an entry behind all others.</summary>
    public void Add(in Entry entry)
    {
        var at = (uint)(gone + Count);
        if (at / BlockEntries == used) AddBlock();
        ref var block = ref BlockAt((int)(at / BlockEntries));
        block.Entries[at % BlockEntries] = entry;
        block.Bytes += entry.Payload.Length;
        Bytes += entry.Payload.Length;
        Count++;
    }

    /// <summary>Takes back the newest entry.</summary>
    public void RemoveLast()
    {
        Count--;
        var at = (uint)(gone + Count);
        ref var block = ref BlockAt((int)(at / BlockEntries));
        Forget(ref block, (int)(at % BlockEntries));
        if (at % BlockEntries == 0) Free(ref block);
    }

    /// <summary>Forgets so many of the oldest entries.</summary>
    public void RemoveFirst(int entries)
    {
        Invariant.Holds(entries <= Count, "more entries are forgotten than there are");
        Count -= entries;
        for (var left = entries + gone; ; left -= BlockEntries)
        {
            if (left < BlockEntries && Count > 0)
            {
                ref var first = ref blocks[head];
                for (; gone < left; gone++) Forget(ref first, gone);
                return;
            }

            if (used == 0) break;
            Bytes -= blocks[head].Bytes;
            Free(ref blocks[head]);
            head = (head + 1) % blocks.Length;
            gone = 0;
        }

        Invariant.Holds(Bytes == 0, "an empty log holds bytes");
    }

    private ref Block BlockAt(int block) => ref blocks[(head + block) % blocks.Length];

    private void Forget(ref Block block, int place)
    {
        var bytes = block.Entries[place].Payload.Length;
        block.Bytes -= bytes;
        Bytes -= bytes;
        block.Entries[place] = default;
    }

    private void AddBlock()
    {
        if (used == blocks.Length)
        {
            var larger = new Block[used * 2];
            for (var i = 0; i < used; i++) larger[i] = BlockAt(i);
            (blocks, head) = (larger, 0);
        }

        used++;
        BlockAt(used - 1) = new Block(free.TryPop(out var entries) ? entries : new Entry[BlockEntries], 0);
    }

    private void Free(ref Block block)
    {
        if (free.Count < FreeBlocksMax)
        {
            Array.Clear(block.Entries); // Its entries must not keep payloads alive.
            free.Push(block.Entries);
        }

        block = default;
        used--;
    }
}
