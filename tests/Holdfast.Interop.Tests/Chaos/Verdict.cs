using Holdfast.Simulation.Checks;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>Judges one key's history and, when it could not have been one copy, shows the first moment at which that is certain.</summary>
internal static class Verdict
{
    private const int CallsShownMax = 60;

    public static void IsLinearizable(int key, IReadOnlyList<Operation> calls)
    {
        var verdict = LinearizabilityCheck.Decide(calls);
        if (verdict == LinearizabilityVerdict.Linearizable) return;
        Assert.Fail($"key {key}: {verdict}{(verdict == LinearizabilityVerdict.Violated ? ", first seen at the end of\n" + FirstViolation(calls) : "")}");
    }

    /// <summary>A history's beginning is linearizable if the whole is, so the shortest beginning that is not can be searched by halves.</summary>
    private static string FirstViolation(IReadOnlyList<Operation> calls)
    {
        var moments = calls.Where(call => call.HasReturned).Select(call => call.ReturnedAt).Distinct().Order().ToArray();
        var (good, bad) = (-1, moments.Length - 1);
        while (bad - good > 1)
        {
            var middle = (good + bad) / 2;
            if (LinearizabilityCheck.Decide(Until(calls, moments[middle])) == LinearizabilityVerdict.Linearizable) good = middle;
            else bad = middle;
        }

        return string.Join('\n', Until(calls, moments[bad]).TakeLast(CallsShownMax));
    }

    /// <summary>What was known at a moment: later calls are not there, and calls without a response yet are open.</summary>
    private static List<Operation> Until(IReadOnlyList<Operation> calls, long moment) =>
    [
        .. calls.Where(call => call.CalledAt <= moment).Select(call => new Operation
        {
            Id = call.Id, Key = call.Key, Kind = call.Kind, Value = call.Value, Expected = call.Expected, CalledAt = call.CalledAt,
            ReturnedAt = call.ReturnedAt <= moment ? call.ReturnedAt : Operation.NeverReturned, Observed = call.Observed, ObservesPrior = call.ObservesPrior,
        }),
    ];
}
