using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>A range of a sorted set on its way into a new one, a slice a turn: what ZRANGESTORE stores.</summary>
internal sealed class RangeCopyRun : SlicedRun
{
    private BigSortedSet? made;
    private (long From, long To) kept;
    private long copied;

    /// <param name="keyArgument">The argument of the set that is read.</param>
    public RangeCopyRun(int keyArgument) => Prepare(keyArgument, keyCount: 1);

    /// <summary>Whether so many members are to be stored so: more than any setting allows in a small form.</summary>
    public static bool IsWorthStoring(CommandCall call, long stored) => stored > Math.Max(SliceElements, call.Node.Settings.Collections.SortedSetEntries) && MayRest(call);

    /// <summary>Says what is copied, as the set is now: members from a rank on.</summary>
    public void Keep(long rankOfFirst, long members) => kept = (rankOfFirst, rankOfFirst + members);

    /// <summary>What was copied, which is the caller's from now on.</summary>
    public BigSortedSet Take()
    {
        var taken = made!;
        made = null;
        return taken;
    }

    protected override bool Takes(ValueKind kind) => kind == ValueKind.SortedSet;

    protected override long Begin(CommandCall call)
    {
        (made, copied) = (new BigSortedSet(call.Keyspace), 0);
        return SortedSetValue.CountOf(call.Keyspace, PlaceOf(0));
    }

    protected override bool GoOn(CommandCall call)
    {
        var copying = new Copying { Target = made! };
        var some = Math.Min(SliceElements, kept.To - kept.From - copied);
        SortedSetValue.Walk(call, PlaceOf(0), kept.From + copied, some, isReverse: false, ref copying);
        copied += some;
        return copied == kept.To - kept.From;
    }

    protected override void Discard()
    {
        made?.Abandon();
        made = null;
    }

    private struct Copying : IScoreVisitor
    {
        public BigSortedSet Target;

        public readonly void Visit(ReadOnlySpan<byte> member, double score) => Target.Put(member, score);
    }
}
