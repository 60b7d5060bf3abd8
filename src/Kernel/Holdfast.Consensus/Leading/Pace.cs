using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Whether a follower keeps up with its leader: what the log ends with is on the follower's disk a short while later. Measured in laps, each to where the log ended when it began.
/// A follower that is catching up answers all the time and reaches its goal late; one that is gone never reaches it.
/// </summary>
/// <param name="lapMax">The longest lap of a follower that keeps up.</param>
internal sealed class Pace(TimeSpan lapMax)
{
    private LogIndex goal;
    private Instant begunAt;
    private bool isRunning;
    private bool lags;

    /// <summary>The follower is fed from a log that ends at <paramref name="last"/>: a lap begins if it lacks anything of it and none is under way.</summary>
    public void OnFed(Instant now, LogIndex match, LogIndex last)
    {
        if (isRunning || match >= last) return;
        (goal, begunAt, isRunning) = (last, now, true);
    }

    /// <summary>Everything up to <paramref name="match"/> is on the follower's disk.</summary>
    public void OnMatch(Instant now, LogIndex match)
    {
        if (!isRunning || match < goal) return;
        lags = now - begunAt >= lapMax;
        isRunning = false;
    }

    /// <summary>The connection was lost: until it has run a lap the follower is taken for one that is gone.</summary>
    public void OnReset()
    {
        lags = true;
        isRunning = false;
    }

    public bool KeepsUp(Instant now) => !lags && !(isRunning && now - begunAt >= lapMax);
}
