using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Unions, intersections and differences of sorted sets and sets, with weights; a set's members have the score 1.</summary>
internal sealed unsafe class SortedSetAlgebraCommands : ICommandFamily
{
    private enum Operation : byte
    {
        Union = 0,
        Intersection = 1,
        Difference = 2,
    }

    private enum Aggregate : byte
    {
        Sum = 0,
        Min = 1,
        Max = 2,
    }

    public void Bind(CommandTable table)
    {
        table.Bind("zunion", call => Reply(call, Operation.Union), "Returns the union of some sorted sets");
        table.Bind("zinter", call => Reply(call, Operation.Intersection), "Returns the intersection of some sorted sets");
        table.Bind("zdiff", call => Reply(call, Operation.Difference), "Returns the members of a sorted set that are in none of some others");
        table.Bind("zunionstore", call => Store(call, Operation.Union), "Stores the union of some sorted sets in a key");
        table.Bind("zinterstore", call => Store(call, Operation.Intersection), "Stores the intersection of some sorted sets in a key");
        table.Bind("zdiffstore", call => Store(call, Operation.Difference), "Stores the members of a sorted set that are in none of some others in a key");
        table.Bind("zintercard", InterCard, "Counts the members of all of some sorted sets");
    }

    private static void Reply(CommandCall call, Operation operation)
    {
        if (!TryCompute(call, operation, 1, Form.Reply, out var result, out var withScores, out _)) return;
        var isNested = withScores && call.Reply.Protocol >= 3;
        call.Reply.Array(withScores && !isNested ? result.Count * 2 : result.Count);
        var writing = new ScoreWriting { Reply = call.Reply, Scores = withScores, IsNested = isNested };
        Walk(result, ref writing);
        result.FreeAll();
    }

    private static void Store(CommandCall call, Operation operation)
    {
        call.Locate(1);
        if (!TryCompute(call, operation, 2, Form.Store, out var result, out _, out _)) return;
        var gathering = new ScoreGathering { Members = call.Scratch.Gathered, Scores = call.Scratch.Scores };
        gathering.Begin();
        Walk(result, ref gathering);
        result.FreeAll();
        var longest = 0;
        for (var i = 0; i < gathering.Members.Count; i++) longest = Math.Max(longest, gathering.Members[i].Length);
        if (gathering.Store(call, call.Locate(1), longest))
            call.Changed(call[1], KeyEvents.SortedSet, operation switch { Operation.Union => "zunionstore"u8, Operation.Intersection => "zinterstore"u8, _ => "zdiffstore"u8 });
        call.Reply.Integer(gathering.Members.Count);
    }

    private static void InterCard(CommandCall call)
    {
        if (!TryCompute(call, Operation.Intersection, 1, Form.Count, out var result, out _, out var limit)) return;
        call.Reply.Integer(limit > 0 ? Math.Min(result.Count, limit) : result.Count);
        result.FreeAll();
    }

    private enum Form : byte
    {
        Reply = 0,
        Store = 1,
        Count = 2,
    }

    /// <summary>Computes the result; false when something is wrong, which is said.</summary>
    private static bool TryCompute(CommandCall call, Operation operation, int numberArgument, Form form, out BigSortedSet result, out bool withScores, out long limit)
    {
        (result, withScores, limit) = (null!, false, 0);
        if (!call.TryInteger(numberArgument, out var number)) return false;
        if (number < 1)
        {
            call.Reply.Error($"ERR at least 1 input key is needed for '{call.Spec.Name}' command");
            return false;
        }

        if (number > call.Count - numberArgument - 1)
        {
            call.SyntaxError();
            return false;
        }

        var keys = (int)number;
        var sources = call.Scratch.Records;
        sources.Clear();
        for (var i = 0; i < keys; i++)
        {
            var place = call.Locate(numberArgument + 1 + i);
            if (place.Kind is not (ValueKind.None or ValueKind.SortedSet or ValueKind.Set))
            {
                call.Reply.Error(CommandErrors.WrongType);
                return false;
            }

            sources.Add((nint)place.Record);
        }

        var weights = call.Scratch.Scores;
        weights.Clear();
        for (var i = 0; i < keys; i++) weights.Add(1);
        if (!TryOptions(call, numberArgument + 1 + keys, operation, form, weights, out var aggregate, out withScores, out limit)) return false;
        result = new BigSortedSet(call.Keyspace);
        if (operation != Operation.Difference) Order(call.Keyspace, sources, weights);
        switch (operation)
        {
            case Operation.Union:
                for (var i = 0; i < keys; i++)
                {
                    var uniting = new Uniting { Result = result, Weight = weights[i], Aggregate = aggregate };
                    WalkSource(call, sources[i], ref uniting);
                }

                break;
            case Operation.Intersection:
                var meeting = new Intersecting { Keyspace = call.Keyspace, Sources = sources, Weights = weights, Aggregate = aggregate, Result = result, Limit = limit > 0 ? limit : long.MaxValue };
                WalkSource(call, sources[0], ref meeting);
                break;
            default:
                var subtracting = new Subtracting { Keyspace = call.Keyspace, Sources = sources, Result = result };
                WalkSource(call, sources[0], ref subtracting);
                break;
        }

        return true;
    }

    private static bool TryOptions(CommandCall call, int from, Operation operation, Form form, List<double> weights, out Aggregate aggregate, out bool withScores, out long limit)
    {
        (aggregate, withScores, limit) = (Aggregate.Sum, false, 0);
        var takesWeights = operation != Operation.Difference && form != Form.Count;
        for (var at = from; at < call.Count; at++)
        {
            if (takesWeights && call.Is(at, "WEIGHTS"u8) && at + weights.Count < call.Count)
            {
                for (var i = 0; i < weights.Count; i++)
                {
                    if (!Score.TryParse(call[++at], out var weight))
                    {
                        call.Reply.Error("ERR weight value is not a float"u8);
                        return false;
                    }

                    weights[i] = weight;
                }
            }
            else if (takesWeights && call.Is(at, "AGGREGATE"u8) && at + 1 < call.Count && TryAggregate(call, at + 1, out var asked))
            {
                aggregate = asked;
                at++;
            }
            else if (form == Form.Reply && call.Is(at, "WITHSCORES"u8)) withScores = true;
            else if (form == Form.Count && call.Is(at, "LIMIT"u8) && at + 1 < call.Count)
            {
                if (!KeyNumber.TryLimit(call, ++at, out limit)) return false;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }

    private static bool TryAggregate(CommandCall call, int argument, out Aggregate aggregate)
    {
        aggregate = call.Is(argument, "MIN"u8) ? Aggregate.Min : call.Is(argument, "MAX"u8) ? Aggregate.Max : Aggregate.Sum;
        return aggregate != Aggregate.Sum || call.Is(argument, "SUM"u8);
    }

    /// <summary>The small ones first, those of the same size in the order in which they were named: sums of floats depend on it.</summary>
    private static void Order(Keyspace keyspace, List<nint> sources, List<double> weights)
    {
        for (var i = 1; i < sources.Count; i++)
            for (var at = i; at > 0 && CountOf(keyspace, sources[at]) < CountOf(keyspace, sources[at - 1]); at--)
            {
                (sources[at], sources[at - 1]) = (sources[at - 1], sources[at]);
                (weights[at], weights[at - 1]) = (weights[at - 1], weights[at]);
            }
    }

    private static KeyPlace PlaceOf(nint record) => new(default, 0, 0, (byte*)record);

    private static long CountOf(Keyspace keyspace, nint source)
    {
        var place = PlaceOf(source);
        return place.Kind == ValueKind.Set ? SetValue.CountOf(keyspace, place) : SortedSetValue.CountOf(keyspace, place);
    }

    private static bool TryScore(Keyspace keyspace, nint source, ReadOnlySpan<byte> member, out double score)
    {
        var place = PlaceOf(source);
        if (place.Kind != ValueKind.Set) return SortedSetValue.TryScore(keyspace, place, member, out score);
        score = 1;
        return SetValue.Contains(keyspace, place, member);
    }

    private static void WalkSource<TVisitor>(CommandCall call, nint source, ref TVisitor visitor)
        where TVisitor : struct, IScoreVisitor
    {
        var place = PlaceOf(source);
        if (place.Kind != ValueKind.Set)
        {
            SortedSetValue.WalkAll(call, place, ref visitor);
            return;
        }

        var members = new OfSet<TVisitor> { Visitor = visitor };
        SetValue.Walk(call.Keyspace, place, ref members);
    }

    private static void Walk<TVisitor>(BigSortedSet set, ref TVisitor visitor)
        where TVisitor : IScoreVisitor
    {
        if (set.Count == 0) return;
        var place = set.Order.At(0);
        do
        {
            var record = OrderTree.RecordAt(place);
            visitor.Visit(RecordHead.KeyOf(record), ScoreRecord.Score(record));
        }
        while (OrderTree.TryNext(ref place));
    }

    private static double Combine(Aggregate aggregate, double one, double other)
    {
        if (aggregate == Aggregate.Min) return other < one ? other : one;
        if (aggregate == Aggregate.Max) return other > one ? other : one;
        return OrZero(one + other);
    }

    /// <summary>Infinity less infinity, and infinity times nothing, are nothing.</summary>
    private static double OrZero(double score) => double.IsNaN(score) ? 0 : score;

    private struct Uniting : IScoreVisitor
    {
        public BigSortedSet Result;
        public double Weight;
        public Aggregate Aggregate;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            score = OrZero(score * Weight);
            if (Result.TryScore(member, out var before)) score = Combine(Aggregate, before, score);
            Result.Put(member, score);
        }
    }

    private struct Intersecting : IScoreVisitor
    {
        public Keyspace Keyspace;
        public List<nint> Sources;
        public List<double> Weights;
        public Aggregate Aggregate;
        public BigSortedSet Result;
        public long Limit;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            if (Result.Count >= Limit) return;
            score = OrZero(score * Weights[0]);
            for (var i = 1; i < Sources.Count; i++)
            {
                if (!TryScore(Keyspace, Sources[i], member, out var other)) return;
                score = Combine(Aggregate, score, other * Weights[i]);
            }

            Result.Put(member, score);
        }
    }

    private struct Subtracting : IScoreVisitor
    {
        public Keyspace Keyspace;
        public List<nint> Sources;
        public BigSortedSet Result;

        public readonly void Visit(ReadOnlySpan<byte> member, double score)
        {
            for (var i = 1; i < Sources.Count; i++)
                if (TryScore(Keyspace, Sources[i], member, out _)) return;
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
