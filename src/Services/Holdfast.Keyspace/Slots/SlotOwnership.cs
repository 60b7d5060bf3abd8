using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// Which slots a shard owns, by its own log: the authority, whatever the directory says (DESIGN section 6). It begins with nothing; the layout that the directory wrote once is claimed by the shard's first
/// leader, once; afterwards slots come and go by moves only (S21).
/// </summary>
internal sealed class SlotOwnership
{
    /// <summary>The slots that it serves.</summary>
    public SlotSet Owned { get; } = new();

    /// <summary>Rises with every change of the slots; the shard's part of a config epoch.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>Whether the first claim was made.</summary>
    public bool IsClaimed => Epoch > 0;

    /// <summary>Takes the slots of the layout; once.</summary>
    public bool TryClaim(ReadOnlySpan<(int First, int Last)> ranges)
    {
        if (IsClaimed) return false;
        foreach (var (first, last) in ranges) Owned.Add(first, last);
        Epoch = 1;
        return true;
    }

    public void Write(SpanWriter writer)
    {
        writer.WriteUInt64(Epoch);
        Owned.Write(writer);
    }

    public bool TryRead(ref SpanReader reader)
    {
        Epoch = reader.ReadUInt64();
        Owned.Read(ref reader);
        return reader.IsWhole;
    }
}
