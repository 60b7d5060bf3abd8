namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>What a node's indexing has done since it began. For all threads.</summary>
internal sealed class GraphMeters
{
    private long rowsInserted;
    private long built;
    private long fetched;
    private long bytesFetched;
    private long refused;
    private long waitsEnded;

    /// <summary>Rows that came into graphs one by one: where the processor's time goes.</summary>
    public long RowsInserted => Volatile.Read(ref rowsInserted);

    /// <summary>Graphs of sealed segments that were built here.</summary>
    public long Built => Volatile.Read(ref built);

    /// <summary>Graphs of sealed segments that were taken over from another replica.</summary>
    public long Fetched => Volatile.Read(ref fetched);

    /// <summary>Bytes of graph files that came from other replicas.</summary>
    public long BytesFetched => Volatile.Read(ref bytesFetched);

    /// <summary>Graphs that came and were not used: of other rows, damaged, or not leading to their rows.</summary>
    public long Refused => Volatile.Read(ref refused);

    /// <summary>How often a replica waited for another's graph and then built its own.</summary>
    public long WaitsEnded => Volatile.Read(ref waitsEnded);

    /// <summary>Rows came into a graph.</summary>
    public void NoteInserted(int rows) => Interlocked.Add(ref rowsInserted, rows);

    /// <summary>A sealed segment has its graph.</summary>
    public void NoteMade(bool isFetched)
    {
        if (isFetched) Interlocked.Increment(ref fetched);
        else Interlocked.Increment(ref built);
    }

    /// <summary>A piece of a file came.</summary>
    public void NoteCame(int bytes) => Interlocked.Add(ref bytesFetched, bytes);

    /// <summary>What came is not used.</summary>
    public void NoteRefused() => Interlocked.Increment(ref refused);

    /// <summary>It was waited for in vain.</summary>
    public void NoteWaitEnded() => Interlocked.Increment(ref waitsEnded);
}
