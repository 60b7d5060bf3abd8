using System.Numerics;

namespace Holdfast.Primitives;

/// <summary>
/// Reproducible dice: xoshiro256** seeded through splitmix64 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators").
/// The same seed gives the same sequence on every machine. Not for secrets.
/// </summary>
public sealed class SeededRandom
{
    private ulong s0, s1, s2, s3;

    /// <summary>Starts the sequence that belongs to <paramref name="seed"/>.</summary>
    public SeededRandom(ulong seed)
    {
        s0 = Scramble(ref seed);
        s1 = Scramble(ref seed);
        s2 = Scramble(ref seed);
        s3 = Scramble(ref seed);
    }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        var shifted = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A number from 0 up to, not including, <paramref name="bound"/>, which must be positive. (The bias of the multiply-shift is below 2^-32 for the bounds in use.)</summary>
    public int Next(int bound)
    {
        Invariant.Holds(bound > 0, "a random bound must be positive");
        return (int)Math.BigMul(NextUInt64(), (ulong)bound, out _);
    }

    /// <summary>A number from <paramref name="low"/> up to, not including, <paramref name="high"/>.</summary>
    public int Next(int low, int high) => low + Next(high - low);

    /// <summary>A number from 0 up to, not including, 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => NextDouble() < probability;

    /// <summary>A span of time from <paramref name="low"/> up to, not including, <paramref name="high"/>.</summary>
    public TimeSpan NextSpan(TimeSpan low, TimeSpan high) => low + new TimeSpan((long)((high - low).Ticks * NextDouble()));

    /// <summary>A generator of its own for a part, so that one part's draws do not shift another's.</summary>
    public SeededRandom Fork() => new(NextUInt64());

    private static ulong Scramble(ref ulong seed)
    {
        seed += 0x9E3779B97F4A7C15;
        var z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
