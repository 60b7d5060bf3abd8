namespace Holdfast.Vectors.Shards;

/// <summary>How far an entry is that is executed in slices.</summary>
internal sealed class EntryWalk
{
    /// <summary>Bytes of the entry that are done; zero before the first slice.</summary>
    public int Offset { get; set; }

    /// <summary>Items that are done.</summary>
    public int Items { get; set; }

    /// <summary>Of an entry that walks over all ids: where it goes on.</summary>
    public Points.PointId? Next { get; set; }

    /// <summary>Whether it was refused because a point belongs to another shard, or will in a moment.</summary>
    public bool IsMisdirected { get; private set; }

    /// <summary>Whether its fence was passed: asked once, before the first slice.</summary>
    public bool IsPastFence { get; set; }

    /// <summary>Whether it was refused because its lock has a newer token.</summary>
    public bool IsFenced { get; private set; }

    /// <summary>The first point that was named to be changed and is not there: it was passed over. None of what is deleted, or was named by a filter.</summary>
    public Points.PointId? Missed { get; set; }

    /// <summary>Points that were changed.</summary>
    public int Changed { get; set; }

    /// <summary>Why nothing was done.</summary>
    public string? Fault { get; private set; }

    /// <summary>Ends it: nothing was done.</summary>
    public bool Refuse(string why)
    {
        Fault = why;
        return true;
    }

    /// <summary>Ends it: nothing was done, because the shard does not have, or is about to give away, what it is about.</summary>
    public bool Misdirect()
    {
        IsMisdirected = true;
        return Refuse("a point belongs to another shard by now");
    }

    /// <summary>Ends it: nothing was done, because its lock has a newer token.</summary>
    public bool FenceOff(string why)
    {
        IsFenced = true;
        return Refuse(why);
    }

    /// <summary>Ends it.</summary>
    public bool Done(int changed)
    {
        Changed += changed;
        return true;
    }
}
