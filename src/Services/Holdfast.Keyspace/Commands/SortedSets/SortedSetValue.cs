namespace Holdfast.Keyspace;

/// <summary>Sees members of a sorted set.</summary>
internal interface IScoreVisitor
{
    /// <summary>A member and its score; what it is given is good until it returns.</summary>
    void Visit(ReadOnlySpan<byte> member, double score);
}

/// <summary>Reading sorted sets, small and large. Every range is two ranks: how many elements are before its beginning and before its end.</summary>
internal static unsafe class SortedSetValue
{
    /// <summary>How many members there are.</summary>
    public static long CountOf(Keyspace keyspace, in KeyPlace place) => !place.Exists ? 0 : place.IsBig ? keyspace.BigOf(place).Count : SortedSetRun.CountOf(place.Bytes);

    /// <summary>The score of a member; false when it is not there.</summary>
    public static bool TryScore(Keyspace keyspace, in KeyPlace place, ReadOnlySpan<byte> member, out double score)
    {
        score = 0;
        if (!place.Exists) return false;
        return place.IsBig ? ((BigSortedSet)keyspace.BigOf(place)).TryScore(member, out score) : SortedSetRun.TryFind(place.Bytes, member, out score, out _, out _);
    }

    /// <summary>How many members are before a bound.</summary>
    public static long CountBefore<TBound>(Keyspace keyspace, in KeyPlace place, in TBound bound)
        where TBound : IOrderBound, allows ref struct
    {
        if (!place.Exists) return 0;
        if (place.IsBig) return ((BigSortedSet)keyspace.BigOf(place)).Order.CountBefore(bound);
        var run = place.Bytes;
        var before = 0;
        for (var at = PackedRun.HeadBytes; at < run.Length; before++)
        {
            var member = SortedSetRun.Next(run, ref at, out var score);
            if (!bound.IsBefore(score, member)) break;
        }

        return before;
    }

    /// <summary>Calls for so many members from a rank on; in reverse, from the rank down.</summary>
    public static void Walk<TVisitor>(CommandCall call, in KeyPlace place, long rank, long count, bool isReverse, ref TVisitor visitor)
        where TVisitor : IScoreVisitor
    {
        count = Math.Min(count, isReverse ? rank + 1 : CountOf(call.Keyspace, place) - rank);
        if (count <= 0) return;
        if (place.IsBig) WalkBig((BigSortedSet)call.Keyspace.BigOf(place), rank, count, isReverse, ref visitor);
        else if (isReverse) WalkBack(call.Scratch.Places, place.Bytes, (int)rank, (int)count, ref visitor);
        else
        {
            var run = place.Bytes;
            var at = PackedRun.HeadBytes;
            for (; rank > 0; rank--) SortedSetRun.Next(run, ref at, out _);
            for (; count > 0; count--)
            {
                var member = SortedSetRun.Next(run, ref at, out var score);
                visitor.Visit(member, score);
            }
        }
    }

    /// <summary>Calls for all members in order.</summary>
    public static void WalkAll<TVisitor>(CommandCall call, in KeyPlace place, ref TVisitor visitor)
        where TVisitor : IScoreVisitor => Walk(call, place, 0, long.MaxValue, isReverse: false, ref visitor);

    private static void WalkBig<TVisitor>(BigSortedSet set, long rank, long count, bool isReverse, ref TVisitor visitor)
        where TVisitor : IScoreVisitor
    {
        var place = set.Order.At(rank);
        while (true)
        {
            var record = OrderTree.RecordAt(place);
            visitor.Visit(RecordHead.KeyOf(record), ScoreRecord.Score(record));
            if (--count == 0 || !(isReverse ? OrderTree.TryPrevious(ref place) : OrderTree.TryNext(ref place))) return;
        }
    }

    /// <summary>A run is read from its beginning: the places are noted on the way, and then gone back.</summary>
    private static void WalkBack<TVisitor>(List<int> places, ReadOnlySpan<byte> run, int rank, int count, ref TVisitor visitor)
        where TVisitor : IScoreVisitor
    {
        places.Clear();
        for (var at = PackedRun.HeadBytes; places.Count <= rank;)
        {
            places.Add(at);
            SortedSetRun.Next(run, ref at, out _);
        }

        for (; count > 0; count--)
        {
            var at = places[rank--];
            var member = SortedSetRun.Next(run, ref at, out var score);
            visitor.Visit(member, score);
        }
    }
}

/// <summary>Where one member of a sorted set stands: how many are before it is its rank.</summary>
internal readonly ref struct MemberBound(double score, ReadOnlySpan<byte> member) : IOrderBound
{
    private readonly ReadOnlySpan<byte> member = member;

    public bool IsBefore(double other, ReadOnlySpan<byte> otherMember) => other < score || (other == score && otherMember.SequenceCompareTo(member) < 0);
}
