using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Sessions;

/// <summary>
/// What must hold of sessions: a key that was taken and not given back is nobody else's until its session's time and its lock delay are over, counted from the call that last renewed it, or from the one that ended it;
/// and tokens only rise.
/// </summary>
internal sealed class SessionCheck(ClusterWorld world)
{
    /// <summary>By how much the clock that judges may be faster than true time.</summary>
    private const double DriftMax = 0.01;

    private readonly Dictionary<string, List<Holding>> holdings = [];

    /// <summary>How often a key was taken.</summary>
    public int Taken { get; private set; }

    /// <summary>A session as its owner knows it.</summary>
    internal sealed class Owned(long ttlSeconds, long delaySeconds)
    {
        /// <summary>Until when, in true time, what it holds is kept from others.</summary>
        public long KeptUntil { get; private set; }

        /// <summary>A call that was made then renewed it.</summary>
        public void OnRenewed(long calledAt) => KeptUntil = Math.Max(KeptUntil, calledAt + Ticks(ttlSeconds + delaySeconds));

        /// <summary>A call that was made then is to end it.</summary>
        public void OnEnding(long calledAt) => KeptUntil = Math.Min(KeptUntil, calledAt + Ticks(delaySeconds));

        private static long Ticks(long seconds) => (long)(TimeSpan.FromSeconds(seconds).Ticks * (1 - DriftMax));
    }

    private sealed record Holding(Owned Session, long Fence)
    {
        public bool IsGivenBack { get; set; }
    }

    /// <summary>A session took a key just now, or had it already; whether or not its owner hears of it.</summary>
    public void OnTaken(string key, Owned session, long fence)
    {
        if (!holdings.TryGetValue(key, out var all)) holdings[key] = all = [];
        if (all.Exists(holding => holding.Session == session && holding.Fence == fence)) return;
        foreach (var other in all)
        {
            Require(other.Fence < fence, $"{key} was taken under token {fence}, and had been under {other.Fence}");
            Require(other.IsGivenBack || other.Session == session || world.Clock.Now >= other.Session.KeptUntil, $"{key} was given to another session {(other.Session.KeptUntil - world.Clock.Now) / 10_000} ms before the time and the delay of its last one were over");
        }

        all.Add(new Holding(session, fence));
        Taken++;
    }

    /// <summary>An owner is about to give a key back.</summary>
    public void OnGivingBack(string key, Owned session)
    {
        foreach (var holding in holdings.GetValueOrDefault(key) ?? [])
            if (holding.Session == session) holding.IsGivenBack = true;
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
