using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>A face's memory as it is charged: what would go over the budget is refused before it is taken. From any thread.</summary>
/// <param name="limitBytes">The budget.</param>
public sealed class MemoryAccount(long limitBytes)
{
    private long used;

    /// <summary>The budget.</summary>
    public long LimitBytes => limitBytes;

    /// <summary>Charged and not yet given back.</summary>
    public long UsedBytes => Volatile.Read(ref used);

    /// <summary>Charges; false, and nothing is charged, when it would go over the budget.</summary>
    public bool TryCharge(long bytes)
    {
        Invariant.Holds(bytes >= 0, "a negative amount of memory was charged");
        for (var seen = Volatile.Read(ref used); bytes <= limitBytes - seen;)
        {
            var before = Interlocked.CompareExchange(ref used, seen + bytes, seen);
            if (before == seen) return true;
            seen = before;
        }

        return false;
    }

    /// <summary>Charges what is there already, such as a state that was restored, even over the budget: the face then refuses until there is room again.</summary>
    public void Charge(long bytes) => Interlocked.Add(ref used, bytes);

    /// <summary>Gives back.</summary>
    public void Refund(long bytes) => Invariant.Holds(Interlocked.Add(ref used, -bytes) >= 0, "more memory was given back than was charged");
}
