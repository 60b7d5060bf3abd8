namespace Holdfast.Vectors.Shards;

/// <summary>How far an entry is that is executed in slices.</summary>
internal sealed class EntryWalk
{
    /// <summary>Bytes of the entry that are done; zero before the first slice.</summary>
    public int Offset { get; set; }

    /// <summary>Items that are done.</summary>
    public int Items { get; set; }

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

    /// <summary>Ends it.</summary>
    public bool Done(int changed)
    {
        Changed += changed;
        return true;
    }
}
