using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>The removal of a large range from a sorted set under way: what is left is copied, a slice a turn, and takes the place of all, which dies in slices.</summary>
internal sealed class RangeRemovalRun : SlicedRun
{
    /// <summary>How many times as much as is removed may be left: copying more costs others more than they would have waited.</summary>
    private const int LeftTimesMax = 8;

    private BigSortedSet? left;
    private long copied;
    private long rank;
    private long count;

    public RangeRemovalRun() => Prepare(firstKeyArgument: 1, keyCount: 1);

    /// <summary>Whether the removal of so many members is to be made so.</summary>
    public static bool IsWorthIt(CommandCall call, in KeyPlace place, long removed) =>
        removed > SliceElements && MayRest(call) && SortedSetValue.CountOf(call.Keyspace, place) - removed <= removed * LeftTimesMax;

    /// <summary>Says which members are to go, as the set is now.</summary>
    public void Remove(long rankOfFirst, long members) => (rank, count) = (rankOfFirst, members);

    /// <summary>What is left, which is the caller's from now on.</summary>
    public BigSortedSet Take()
    {
        var taken = left!;
        left = null;
        return taken;
    }

    protected override bool Takes(ValueKind kind) => kind == ValueKind.SortedSet;

    protected override long Begin(CommandCall call)
    {
        (left, copied) = (new BigSortedSet(call.Keyspace), 0);
        return SortedSetValue.CountOf(call.Keyspace, PlaceOf(0));
    }

    protected override bool GoOn(CommandCall call)
    {
        var place = PlaceOf(0);
        var all = SortedSetValue.CountOf(call.Keyspace, place);
        if (copied == rank) copied += count;
        var until = Math.Min(copied + SliceElements, copied < rank ? rank : all);
        var copying = new Copying { Target = left! };
        SortedSetValue.Walk(call, place, copied, until - copied, isReverse: false, ref copying);
        copied = until;
        return copied == all || (copied == rank && rank + count == all);
    }

    protected override void Discard()
    {
        left?.Abandon();
        left = null;
    }

    private struct Copying : IScoreVisitor
    {
        public BigSortedSet Target;

        public readonly void Visit(ReadOnlySpan<byte> member, double score) => Target.Put(member, score);
    }
}
