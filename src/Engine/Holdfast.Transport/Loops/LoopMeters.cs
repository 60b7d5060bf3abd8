using Holdfast.Primitives.Metrics;

namespace Holdfast.Transport;

/// <summary>What a loop does in a turn, in this order.</summary>
public enum LoopPhase
{
    /// <summary>Ready sockets are served.</summary>
    Sockets,

    /// <summary>The parts beside the body have their turn: connections between nodes, faces.</summary>
    Parts,

    /// <summary>The body has its turn: the groups.</summary>
    Body,
}

/// <summary>What took a loop longer than others on it should wait. The time is the wall's: a thread that was not scheduled counts like one that worked. Written by the loop, read by any thread.</summary>
public sealed class LoopMeters
{
    /// <summary>What counts as long, in milliseconds, rising.</summary>
    public static readonly IReadOnlyList<int> LongMillis = [2, 5, 10];

    private readonly Counter[] counts = new Counter[Enum.GetValues<LoopPhase>().Length * LongMillis.Count];

    internal LoopMeters()
    {
        for (var i = 0; i < counts.Length; i++) counts[i] = new Counter();
    }

    /// <summary>How often a phase took longer than one of <see cref="LongMillis"/>.</summary>
    public long LongerThan(LoopPhase phase, int which) => counts[((int)phase * LongMillis.Count) + which].Value;

    internal void Count(LoopPhase phase, TimeSpan took)
    {
        for (var i = 0; i < LongMillis.Count && took.Ticks > LongMillis[i] * TimeSpan.TicksPerMillisecond; i++) counts[((int)phase * LongMillis.Count) + i].Increment();
    }
}
