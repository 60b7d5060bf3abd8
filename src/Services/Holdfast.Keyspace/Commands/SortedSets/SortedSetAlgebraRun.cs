using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>How scores of the same member become one.</summary>
internal enum ScoreAggregate : byte
{
    Sum = 0,
    Min = 1,
    Max = 2,
}

/// <summary>A union, intersection or difference of sorted sets and sets under way: it walks one after the other, or the smallest and asks the others, and makes a large sorted set. A set's members have the score 1.</summary>
internal sealed unsafe class SortedSetAlgebraRun : SlicedRun
{
    private readonly List<int> order = [];
    private SetOperation operation;
    private BigSortedSet? made;
    private int walked;
    private ulong cursor;

    /// <summary>By which the scores of each key are multiplied, in the order of the command.</summary>
    public List<double> Weights { get; } = [];

    public ScoreAggregate Aggregate { get; set; }

    /// <summary>Members that are enough.</summary>
    public long Limit { get; set; }

    /// <summary>Begins with another command.</summary>
    public SortedSetAlgebraRun For(SetOperation made, int firstKey, int keys)
    {
        (operation, Aggregate, Limit) = (made, ScoreAggregate.Sum, long.MaxValue);
        Weights.Clear();
        for (var i = 0; i < keys; i++) Weights.Add(1);
        Prepare(firstKey, keys);
        return this;
    }

    /// <summary>The result, which is the caller's from now on.</summary>
    public BigSortedSet Take()
    {
        var taken = made!;
        made = null;
        return taken;
    }

    protected override bool Takes(ValueKind kind) => kind is ValueKind.None or ValueKind.SortedSet or ValueKind.Set;

    protected override long Begin(CommandCall call)
    {
        (walked, cursor, made) = (0, 0, new BigSortedSet(call.Keyspace));
        order.Clear();
        for (var i = 0; i < Keys; i++) order.Add(i);
        if (operation != SetOperation.Difference) Order(call.Keyspace);
        if (operation != SetOperation.Union) return CountOf(call.Keyspace, order[0]) * Math.Max(1, Keys - 1);
        var size = 0L;
        for (var i = 0; i < Keys; i++) size += CountOf(call.Keyspace, i);
        return size;
    }

    protected override bool GoOn(CommandCall call)
    {
        switch (operation)
        {
            case SetOperation.Union:
                return UniteSome(call);
            case SetOperation.Intersection:
                var meeting = new Intersecting { Run = this, Keyspace = call.Keyspace, Result = made! };
                WalkSome(call, order[0], Math.Max(1, SliceElements / Math.Max(1, Keys - 1)), ref meeting);
                return cursor == 0 || made!.Count >= Limit;
            default:
                var subtracting = new Subtracting { Run = this, Keyspace = call.Keyspace, Result = made! };
                WalkSome(call, 0, Math.Max(1, SliceElements / Math.Max(1, Keys - 1)), ref subtracting);
                return cursor == 0;
        }
    }

    protected override void Discard()
    {
        made?.Abandon();
        made = null;
    }

    private bool UniteSome(CommandCall call)
    {
        for (var left = (long)SliceElements; walked < Keys && left > 0;)
        {
            var key = order[walked];
            var uniting = new Uniting { Result = made!, Weight = Weights[key], Aggregate = Aggregate };
            WalkSome(call, key, (int)left, ref uniting);
            left -= cursor == 0 ? Math.Max(1, CountOf(call.Keyspace, key)) : left;
            if (cursor == 0) walked++;
        }

        return walked == Keys;
    }

    /// <summary>The small ones first, those of the same size in the order in which they were named: sums of floats depend on it.</summary>
    private void Order(Keyspace keyspace)
    {
        for (var i = 1; i < Keys; i++)
            for (var at = i; at > 0 && CountOf(keyspace, order[at]) < CountOf(keyspace, order[at - 1]); at--)
                (order[at], order[at - 1]) = (order[at - 1], order[at]);
    }

    private long CountOf(Keyspace keyspace, int key)
    {
        var place = PlaceOf(key);
        return place.Kind == ValueKind.Set ? SetValue.CountOf(keyspace, place) : SortedSetValue.CountOf(keyspace, place);
    }

    private bool TryScore(Keyspace keyspace, int key, ReadOnlySpan<byte> member, out double score)
    {
        var place = PlaceOf(key);
        if (place.Kind != ValueKind.Set) return SortedSetValue.TryScore(keyspace, place, member, out score);
        score = 1;
        return SetValue.Contains(keyspace, place, member);
    }

    /// <summary>Walks about so many members of a key on from the cursor: a place of a table, or a rank.</summary>
    private void WalkSome<TVisitor>(CommandCall call, int key, int membersMax, ref TVisitor visitor)
        where TVisitor : struct, IScoreVisitor
    {
        var place = PlaceOf(key);
        if (place.Kind == ValueKind.Set)
        {
            var members = new OfSet<TVisitor> { Visitor = visitor };
            cursor = SetValue.WalkSome(call.Keyspace, place, cursor, membersMax, ref members);
            return;
        }

        SortedSetValue.Walk(call, place, (long)cursor, membersMax, isReverse: false, ref visitor);
        cursor += (ulong)membersMax;
        if ((long)cursor >= SortedSetValue.CountOf(call.Keyspace, place)) cursor = 0;
    }

    private static double Combine(ScoreAggregate aggregate, double one, double other)
    {
        if (aggregate == ScoreAggregate.Min) return other < one ? other : one;
        if (aggregate == ScoreAggregate.Max) return other > one ? other : one;
        return OrZero(one + other);
    }

    /// <summary>Infinity less infinity, and infinity times nothing, are nothing.</summary>
    private static double OrZero(double score) => double.IsNaN(score) ? 0 : score;

    private struct Uniting : IScoreVisitor
    {
        public BigSortedSet Result;
        public double Weight;
        public ScoreAggregate Aggregate;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            score = OrZero(score * Weight);
            if (Result.TryScore(member, out var before)) score = Combine(Aggregate, before, score);
            Result.Put(member, score);
        }
    }

    private struct Intersecting : IScoreVisitor
    {
        public SortedSetAlgebraRun Run;
        public Keyspace Keyspace;
        public BigSortedSet Result;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            if (Result.Count >= Run.Limit) return;
            score = OrZero(score * Run.Weights[Run.order[0]]);
            for (var i = 1; i < Run.Keys; i++)
            {
                if (!Run.TryScore(Keyspace, Run.order[i], member, out var other)) return;
                score = Combine(Run.Aggregate, score, other * Run.Weights[Run.order[i]]);
            }

            Result.Put(member, score);
        }
    }

    private struct Subtracting : IScoreVisitor
    {
        public SortedSetAlgebraRun Run;
        public Keyspace Keyspace;
        public BigSortedSet Result;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            for (var i = 1; i < Run.Keys; i++)
                if (Run.TryScore(Keyspace, i, member, out _)) return;
            Result.Put(member, score);
        }
    }

    /// <summary>A set's members as if they had scores.</summary>
    private struct OfSet<TVisitor> : IMemberVisitor
        where TVisitor : struct, IScoreVisitor
    {
        public TVisitor Visitor;

        public readonly bool IsDone => false;

        public void Visit(ReadOnlySpan<byte> member) => Visitor.Visit(member, 1);
    }
}
