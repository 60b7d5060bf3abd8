using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Unions, intersections and differences of sorted sets and sets, with weights; large ones are made in slices (<see cref="SortedSetAlgebraRun"/>).</summary>
internal sealed unsafe class SortedSetAlgebraCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("zunion", call => Reply(call, SetOperation.Union), "Returns the union of some sorted sets");
        table.Bind("zinter", call => Reply(call, SetOperation.Intersection), "Returns the intersection of some sorted sets");
        table.Bind("zdiff", call => Reply(call, SetOperation.Difference), "Returns the members of a sorted set that are in none of some others");
        table.Bind("zunionstore", call => Store(call, SetOperation.Union), "Stores the union of some sorted sets in a key");
        table.Bind("zinterstore", call => Store(call, SetOperation.Intersection), "Stores the intersection of some sorted sets in a key");
        table.Bind("zdiffstore", call => Store(call, SetOperation.Difference), "Stores the members of a sorted set that are in none of some others in a key");
        table.Bind("zintercard", InterCard, "Counts the members of all of some sorted sets");
    }

    private enum Form : byte
    {
        Reply = 0,
        Store = 1,
        Count = 2,
    }

    private static void Reply(CommandCall call, SetOperation operation)
    {
        if (!TryCompute(call, operation, 1, Form.Reply, out var run, out var withScores)) return;
        var result = run.Take();
        var isNested = withScores && call.Reply.Protocol >= 3;
        call.Reply.Array(withScores && !isNested ? result.Count * 2 : result.Count);
        var writing = new ScoreWriting { Reply = call.Reply, Scores = withScores, IsNested = isNested };
        Walk(result, ref writing);
        Free(run, result);
    }

    private static void Store(CommandCall call, SetOperation operation)
    {
        if (SlicedRun.Of<SortedSetAlgebraRun>(call) is null) call.Locate(1);
        if (!TryCompute(call, operation, 2, Form.Store, out var run, out _)) return;
        var result = run.Take();
        var count = result.Count;
        if (Put(call, run, result)) call.Changed(call[1], KeyEvents.SortedSet, operation switch { SetOperation.Union => "zunionstore"u8, SetOperation.Intersection => "zinterstore"u8, _ => "zdiffstore"u8 });
        call.Reply.Integer(count);
    }

    /// <summary>Makes the result the key's value, in the form that its size asks for; true when the key is there afterwards.</summary>
    private static bool Put(CommandCall call, SortedSetAlgebraRun run, BigSortedSet result)
    {
        var target = call.Locate(1);
        if (result.Count > call.Node.Settings.Collections.SortedSetEntries)
        {
            call.Keyspace.SetBig(ref target, ValueKind.SortedSet, ValueEncoding.SkipList, result);
            return true;
        }

        var gathering = new ScoreGathering { Members = call.Scratch.Gathered, Scores = call.Scratch.Scores };
        gathering.Begin();
        Walk(result, ref gathering);
        Free(run, result);
        var longest = 0;
        for (var i = 0; i < gathering.Members.Count; i++) longest = Math.Max(longest, gathering.Members[i].Length);
        return gathering.Store(call, target, longest);
    }

    private static void InterCard(CommandCall call)
    {
        if (!TryCompute(call, SetOperation.Intersection, 1, Form.Count, out var run, out _)) return;
        var result = run.Take();
        call.Reply.Integer(Math.Min(result.Count, run.Limit));
        Free(run, result);
    }

    /// <summary>What is large dies in slices.</summary>
    private static void Free(SortedSetAlgebraRun run, BigSortedSet result)
    {
        if (run.IsSliced) result.Abandon();
        else result.FreeAll();
    }

    /// <summary>Computes the result. False when the command goes on later, or something is wrong, which is said.</summary>
    private static bool TryCompute(CommandCall call, SetOperation operation, int numberArgument, Form form, out SortedSetAlgebraRun run, out bool withScores)
    {
        (run, withScores) = (null!, false);
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

        var (first, keys) = (numberArgument + 1, (int)number);
        run = SlicedRun.Of<SortedSetAlgebraRun>(call) ?? call.Scratch.SortedSetAlgebra.For(operation, first, keys);

        // What the keys hold is looked at before the options are.
        if (run.TryLookUp(call) && (!TryOptions(call, first + keys, operation, form, run, out withScores) || !run.TryFinish(call))) return false;
        if (run.IsOfOtherKind) call.Reply.Error(CommandErrors.WrongType);
        return !run.IsOfOtherKind;
    }

    private static bool TryOptions(CommandCall call, int from, SetOperation operation, Form form, SortedSetAlgebraRun run, out bool withScores)
    {
        withScores = false;
        var weights = run.Weights;
        var takesWeights = operation != SetOperation.Difference && form != Form.Count;
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
                run.Aggregate = asked;
                at++;
            }
            else if (form == Form.Reply && call.Is(at, "WITHSCORES"u8)) withScores = true;
            else if (form == Form.Count && call.Is(at, "LIMIT"u8) && at + 1 < call.Count)
            {
                if (!KeyNumber.TryLimit(call, ++at, out var limit)) return false;
                run.Limit = limit > 0 ? limit : long.MaxValue;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }

    private static bool TryAggregate(CommandCall call, int argument, out ScoreAggregate aggregate)
    {
        aggregate = call.Is(argument, "MIN"u8) ? ScoreAggregate.Min : call.Is(argument, "MAX"u8) ? ScoreAggregate.Max : ScoreAggregate.Sum;
        return aggregate != ScoreAggregate.Sum || call.Is(argument, "SUM"u8);
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
}
