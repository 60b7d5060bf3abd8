using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>The members that a large pop returns on their way into its reply, a slice a turn; that they go takes no time afterwards (<see cref="BigSortedSet.Cut"/>).</summary>
internal sealed class PopRun : SlicedRun
{
    private readonly int keyArgument;
    private ByteBuffer written = new();
    private long rank;
    private long count;
    private long done;
    private bool isReverse;
    private bool isNested;

    private PopRun(int keyArgument)
    {
        this.keyArgument = keyArgument;
        Prepare(keyArgument, keyCount: 1);
    }

    /// <summary>The members, as the reply has them.</summary>
    public ReadOnlySpan<byte> Written => written.Written;

    /// <summary>
    /// Writes the members that a pop is to return, if they are many; false when the command goes on in another turn. Null: they are few, or nobody hears the reply (a replica), and whoever pops writes them.
    /// </summary>
    /// <param name="call">The command.</param>
    /// <param name="keyArgument">The argument of the set.</param>
    /// <param name="rank">The rank of the first one, from which it goes on up or down.</param>
    /// <param name="count">How many, as the set is now.</param>
    /// <param name="isReverse">Whether it goes down.</param>
    /// <param name="isNested">Whether members and scores are pairs.</param>
    /// <param name="run">The members.</param>
    public static bool TryWrite(CommandCall call, int keyArgument, long rank, long count, bool isReverse, bool isNested, out PopRun? run)
    {
        run = Of<PopRun>(call);
        if (run is not null && (run.keyArgument != keyArgument || count == 0))
        {
            call.Gathering.EndRun();
            run = null;
        }

        if (run is null && (count <= SliceElements || call.IsReplay || !MayRest(call))) return true;
        run ??= new PopRun(keyArgument);
        (run.rank, run.count, run.isReverse, run.isNested) = (rank, count, isReverse, isNested);
        return run.TryFinish(call);
    }

    protected override bool Takes(ValueKind kind) => kind == ValueKind.SortedSet;

    protected override long Begin(CommandCall call)
    {
        (written, done) = (new ByteBuffer(), 0);
        return count;
    }

    protected override bool GoOn(CommandCall call)
    {
        var writing = new ScoreWriting { Reply = new RespWriter(written) { Protocol = call.Reply.Protocol }, Scores = true, IsNested = isNested };
        var some = Math.Min(SliceElements, count - done);
        SortedSetValue.Walk(call, PlaceOf(0), isReverse ? rank - done : rank + done, some, isReverse, ref writing);
        done += some;
        return done == count;
    }

    protected override void Discard() => written = new ByteBuffer();
}
