using System.Buffers;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A set of slots, 2 KiB, said as ranges.</summary>
internal sealed class SlotSet
{
    private readonly ulong[] bits = new ulong[KeySlot.Count / 64];

    public int Count { get; private set; }

    public bool this[int slot]
    {
        get => (bits[slot >> 6] & (1UL << slot)) != 0;
        set
        {
            if (this[slot] == value) return;
            bits[slot >> 6] ^= 1UL << slot;
            Count += value ? 1 : -1;
        }
    }

    public SlotSet Copy()
    {
        var copy = new SlotSet { Count = Count };
        bits.CopyTo(copy.bits, 0);
        return copy;
    }

    public void Add(int first, int last)
    {
        for (var slot = first; slot <= last; slot++) this[slot] = true;
    }

    public void Clear()
    {
        Array.Clear(bits);
        Count = 0;
    }

    /// <summary>The next range from a slot on; false when there is none.</summary>
    public bool TryRange(int from, out int first, out int last)
    {
        first = from;
        while (first < KeySlot.Count && !this[first]) first++;
        last = first;
        while (last + 1 < KeySlot.Count && this[last + 1]) last++;
        return first < KeySlot.Count;
    }

    public void Write(SpanWriter writer)
    {
        foreach (var word in bits) writer.WriteUInt64(word);
    }

    public void Read(ref SpanReader reader)
    {
        Count = 0;
        foreach (ref var word in bits.AsSpan())
        {
            word = reader.ReadUInt64();
            Count += System.Numerics.BitOperations.PopCount(word);
        }
    }
}
