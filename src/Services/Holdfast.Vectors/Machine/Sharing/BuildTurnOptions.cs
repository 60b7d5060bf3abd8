namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>How long a replica waits for another's graph before it builds one by itself. All times in milliseconds.</summary>
internal sealed record BuildTurnOptions
{
    /// <summary>Fewer rows are waited for only a moment, and nobody is asked: inserting them costs less than the talk.</summary>
    public int AskRowsMin { get; init; } = 512;

    /// <summary>That moment: while rows come fast, they are soon more.</summary>
    public long FewRowsWait { get; init; } = 2000;

    /// <summary>What is waited for any graph, however small.</summary>
    public long WaitLeast { get; init; } = 10_000;

    /// <summary>What is waited besides for each row: some times what inserting one takes, because the machine may do other things too.</summary>
    public long WaitPerRow { get; init; } = 5;

    /// <summary>Nobody is waited for longer than this, whatever the size.</summary>
    public long WaitMost { get; init; } = 30 * 60_000;

    /// <summary>Between two questions.</summary>
    public long AskEvery { get; init; } = 500;

    /// <summary>A question that has no answer after so long was lost.</summary>
    public long AnswerWithin { get; init; } = 3000;

    /// <summary>So many questions lost one after another, and the builder is not there.</summary>
    public int LostMost { get; init; } = 3;

    /// <summary>A builder that is at work and does not get on for so long is not waited for.</summary>
    public long StandstillAtWork { get; init; } = 15_000;

    /// <summary>One that says that it has nothing to do, and has no such graph, is not waited for longer than this: its log may be a little behind.</summary>
    public long StandstillAtRest { get; init; } = 4000;

    /// <summary>A file of which nothing comes for so long does not come.</summary>
    public long PieceWithin { get; init; } = 5000;

    /// <summary>A file has to come at so many bytes per millisecond, and what is waited at least besides.</summary>
    public long BytesPerMillisecondLeast { get; init; } = 1000;

    /// <summary>Of the rows that wait, the share that a graph must hold to be fetched.</summary>
    public double ShareMin { get; init; } = 0.75;

    /// <summary>How long is waited for the graph of so many rows.</summary>
    public long WaitFor(int rows) => Math.Min(WaitMost, WaitLeast + (rows * WaitPerRow));

    /// <summary>How long a file may take.</summary>
    public long FetchWithin(long bytes) => Math.Min(WaitMost, WaitLeast + (bytes / BytesPerMillisecondLeast));
}
