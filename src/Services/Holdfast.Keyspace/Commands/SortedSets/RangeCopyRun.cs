using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Ranges of a sorted set on their way into a new one, a slice a turn: what ZRANGESTORE stores, or what is left when a large range is removed, which takes the place of all.</summary>
internal sealed class RangeCopyRun : SlicedRun
{
    /// <summary>How many times as much as is removed may be left: copying more costs others more than they would have waited.</summary>
    private const int LeftTimesMax = 8;

    private BigSortedSet? made;
    private (long From, long To) before;
    private (long From, long To) behind;
    private long copied;

    /// <param name="keyArgument">The argument of the set that is read.</param>
    public RangeCopyRun(int keyArgument) => Prepare(keyArgument, keyCount: 1);

    /// <summary>Whether the removal of so many members is to be made so.</summary>
    public static bool IsWorthRemoving(CommandCall call, in KeyPlace place, long removed) =>
        removed > SliceElements && MayRest(call) && SortedSetValue.CountOf(call.Keyspace, place) - removed <= removed * LeftTimesMax;

    /// <summary>Whether so many members are to be stored so: more than any setting allows in a small form.</summary>
    public static bool IsWorthStoring(CommandCall call, long stored) => stored > Math.Max(SliceElements, call.Node.Settings.Collections.SortedSetEntries) && MayRest(call);

    /// <summary>Says what is copied, as the set is now: members from a rank on.</summary>
    public void Keep(long rankOfFirst, long members) => (before, behind) = ((rankOfFirst, rankOfFirst + members), default);

    /// <summary>Says what is not copied, as the set is now: members from a rank on.</summary>
    public void Omit(long rankOfFirst, long members, long all) => (before, behind) = ((0, rankOfFirst), (rankOfFirst + members, all));

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
        var first = before.To - before.From;
        var all = first + behind.To - behind.From;
        for (long room = SliceElements; room > 0 && copied < all;)
        {
            var (from, to) = copied < first ? (before.From + copied, before.To) : (behind.From + copied - first, behind.To);
            var some = Math.Min(room, to - from);
            SortedSetValue.Walk(call, PlaceOf(0), from, some, isReverse: false, ref copying);
            (copied, room) = (copied + some, room - some);
        }

        return copied == all;
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
