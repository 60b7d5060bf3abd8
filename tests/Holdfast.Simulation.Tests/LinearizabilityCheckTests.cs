using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Xunit;

namespace Holdfast.Simulation.Tests;

public sealed class LinearizabilityCheckTests
{
    [Fact]
    public void A_read_of_an_older_value_after_a_newer_one_is_found()
    {
        List<Operation> history =
        [
            Op(0, OperationKind.Put, 1, 0, 10, observed: 0),
            Op(1, OperationKind.Put, 2, 20, 30, observed: 1),
            Op(2, OperationKind.Get, 0, 40, 50, observed: 1),
        ];
        Assert.Equal(LinearizabilityVerdict.Violated, LinearizabilityCheck.Decide(history));
    }

    [Fact]
    public void A_read_that_overlaps_a_write_may_see_either_value()
    {
        foreach (var seen in new ulong[] { 0, 1 })
            Assert.Equal(LinearizabilityVerdict.Linearizable, LinearizabilityCheck.Decide([Op(0, OperationKind.Put, 1, 0, 10, observed: 0), Op(1, OperationKind.Get, 0, 5, 15, observed: seen)]));
    }

    [Fact]
    public void An_unanswered_write_may_take_effect_long_afterwards_but_only_once()
    {
        var late = Op(0, OperationKind.Put, 1, 0, Operation.NeverReturned, observed: 0);
        List<Operation> history = [late, Op(1, OperationKind.Get, 0, 10, 20, observed: 0), Op(2, OperationKind.Get, 0, 30, 40, observed: 1)];
        Assert.Equal(LinearizabilityVerdict.Linearizable, LinearizabilityCheck.Decide(history));
        history.Add(Op(3, OperationKind.Delete, 0, 50, 60, observed: 1));
        history.Add(Op(4, OperationKind.Get, 0, 70, 80, observed: 1));
        Assert.Equal(LinearizabilityVerdict.Violated, LinearizabilityCheck.Decide(history));
    }

    [Fact]
    public void A_lost_acknowledged_write_is_found()
    {
        List<Operation> history = [Op(0, OperationKind.Put, 1, 0, 10, observed: 0), Op(1, OperationKind.Get, 0, 20, 30, observed: 0)];
        Assert.Equal(LinearizabilityVerdict.Violated, LinearizabilityCheck.Decide(history));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pile_of_unanswered_writes_is_not_tried_in_all_its_subsets(bool isWrong)
    {
        var history = new List<Operation>();
        for (var i = 0; i < 200; i++) history.Add(Op(i, OperationKind.Put, (ulong)i + 1, i, Operation.NeverReturned, observed: 0));
        // Every write is seen at some time, and after a later one its value is gone for good.
        for (var i = 0; i < 200; i++) history.Add(Op(200 + i, OperationKind.Get, 0, 1000 + 10 * i, 1005 + 10 * i, observed: (ulong)i + 1));
        if (isWrong) history.Add(Op(400, OperationKind.Get, 0, 9000, 9001, observed: 7));
        Assert.Equal(isWrong ? LinearizabilityVerdict.Violated : LinearizabilityVerdict.Linearizable, LinearizabilityCheck.Decide(history));
    }

    [Fact]
    public void Verdicts_agree_with_trying_all_orders_on_random_histories()
    {
        int violated = 0, held = 0;
        for (ulong seed = 1; seed <= 4000; seed++)
        {
            var history = RandomHistory(new SeededRandom(seed));
            var expected = SlowOracle(history) ? LinearizabilityVerdict.Linearizable : LinearizabilityVerdict.Violated;
            Assert.True(expected == LinearizabilityCheck.Decide(history), $"seed {seed}: expected {expected} of\n{string.Join("\n", history)}");
            if (expected == LinearizabilityVerdict.Violated) violated++;
            else held++;
        }

        Assert.True(violated > 500, $"only {violated} histories were wrong");
        Assert.True(held > 500, $"only {held} histories were right");
    }

    private static Operation Op(int id, OperationKind kind, ulong value, long called, long returned, ulong observed, ulong expected = 0) =>
        new() { Id = id, Key = 0, Kind = kind, Value = value, Expected = expected, CalledAt = called, ReturnedAt = returned, Observed = observed };

    /// <summary>Executes operations at random moments inside their spans, so that most histories are right, and then falsifies some answers.</summary>
    private static List<Operation> RandomHistory(SeededRandom dice)
    {
        var count = dice.Next(2, 7);
        var plans = new List<(long Called, long Effect, long Returned, int Id)>();
        for (var id = 0; id < count; id++)
        {
            long called = dice.Next(40);
            var effect = called + dice.Next(15);
            plans.Add((called, effect, dice.Chance(0.2) ? Operation.NeverReturned : effect + dice.Next(15), id));
        }

        plans.Sort((left, right) => left.Effect != right.Effect ? left.Effect.CompareTo(right.Effect) : left.Id.CompareTo(right.Id));
        ulong value = 0;
        var history = new List<Operation>();
        foreach (var (called, _, returned, id) in plans)
        {
            var kind = (OperationKind)dice.Next(4);
            var expected = dice.Chance(0.6) ? value : (ulong)dice.Next(count + 1);
            var observed = dice.Chance(0.08) ? (ulong)dice.Next(count + 1) : value;
            var operation = Op(id, kind, (ulong)id + 1, called, returned, observed, expected);
            if (returned != Operation.NeverReturned || dice.Chance(0.5)) value = operation.Apply(value);
            history.Add(operation);
        }

        return history;
    }

    private static bool SlowOracle(List<Operation> history) => Try(history, new bool[history.Count], 0);

    private static bool Try(List<Operation> history, bool[] done, ulong value)
    {
        var finished = true;
        for (var i = 0; i < history.Count; i++) finished &= done[i] || !history[i].HasReturned;
        if (finished) return true;
        for (var i = 0; i < history.Count; i++)
        {
            if (done[i] || !history[i].Allows(value)) continue;
            var mustWait = false;
            for (var j = 0; j < history.Count; j++) mustWait |= j != i && !done[j] && history[j].ReturnedAt < history[i].CalledAt;
            if (mustWait) continue;
            done[i] = true;
            if (Try(history, done, history[i].Apply(value))) return true;
            done[i] = false;
        }

        return false;
    }
}
