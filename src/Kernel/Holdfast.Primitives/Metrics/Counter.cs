using System.Runtime.InteropServices;

namespace Holdfast.Primitives.Metrics;

/// <summary>
/// A number that only grows, counted by many threads at once. Each thread adds to one of a few stripes, a cache line apart, so that cores do not
/// fight over one; the sum is exact once the threads rest.
/// </summary>
public sealed class Counter
{
    private const int StripeCount = 8;
    private readonly Stripe[] stripes = new Stripe[StripeCount];

    /// <summary>The sum of all stripes.</summary>
    public long Value
    {
        get
        {
            long sum = 0;
            for (var i = 0; i < StripeCount; i++) sum += Volatile.Read(ref stripes[i].Count);
            return sum;
        }
    }

    /// <summary>Adds one.</summary>
    public void Increment() => Add(1);

    /// <summary>Adds <paramref name="amount"/>, which must not be negative.</summary>
#pragma warning disable RS0030 // Threads meet here and nowhere else in this room: what is counted is shown, and never decides anything.
    public void Add(long amount) => Interlocked.Add(ref stripes[Environment.CurrentManagedThreadId & (StripeCount - 1)].Count, amount);
#pragma warning restore RS0030

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(64)] public long Count;
    }
}
