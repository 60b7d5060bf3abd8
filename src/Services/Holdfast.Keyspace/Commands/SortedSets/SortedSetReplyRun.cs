using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Many members of a sorted set that stand side by side, a slice a turn: those that a range names, or that a large pop returns; that those go takes no time afterwards (<see cref="BigSortedSet.Cut"/>).</summary>
internal sealed class SortedSetReplyRun : ReplyRun
{
    private readonly int keyArgument;
    private long rank;
    private long count;
    private bool isReverse;
    private bool hasScores;
    private bool isNested;

    private SortedSetReplyRun(int keyArgument)
        : base(keyArgument) => this.keyArgument = keyArgument;

    /// <summary>
    /// Writes the members, if they are many; false when the command goes on in another turn. Null: they are few, or nobody hears the reply (a replica), and whoever asked writes them.
    /// </summary>
    /// <param name="call">The command.</param>
    /// <param name="keyArgument">The argument of the set.</param>
    /// <param name="rank">The rank of the first one, from which it goes on up or down.</param>
    /// <param name="count">How many, as the set is now.</param>
    /// <param name="isReverse">Whether it goes down.</param>
    /// <param name="hasScores">Whether scores are written too.</param>
    /// <param name="isNested">Whether members and scores are pairs.</param>
    /// <param name="run">The members.</param>
    public static bool TryWrite(CommandCall call, int keyArgument, long rank, long count, bool isReverse, bool hasScores, bool isNested, out SortedSetReplyRun? run)
    {
        run = Of<SortedSetReplyRun>(call);
        if (run is not null && (run.keyArgument != keyArgument || count == 0))
        {
            call.Gathering.EndRun();
            run = null;
        }

        if (run is null && !IsWorthSlicing(call, count)) return true;
        run ??= new SortedSetReplyRun(keyArgument);
        (run.rank, run.count, run.isReverse, run.hasScores, run.isNested) = (rank, count, isReverse, hasScores, isNested);
        return run.TryFinish(call);
    }

    protected override bool Takes(ValueKind kind) => kind == ValueKind.SortedSet;

    protected override long BeginElements(CommandCall call) => count;

    protected override bool WriteSome(CommandCall call, RespWriter writer)
    {
        var writing = new ScoreWriting { Reply = writer, Scores = hasScores, IsNested = isNested };
        var some = Math.Min(SliceElements, count - Elements);
        SortedSetValue.Walk(call, PlaceOf(0), isReverse ? rank - Elements : rank + Elements, some, isReverse, ref writing);
        Elements += some;
        return Elements == count;
    }
}
