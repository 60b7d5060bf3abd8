using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// When a replica stands if nothing happens before. Every wait is drawn anew, so that two replicas that stood in the same instant do not do so twice
/// (Raft paper 5.2); a voter of lower priority waits longer by whole election timeouts.
/// </summary>
internal sealed class ElectionTimer
{
    /// <summary>How many election timeouts a reluctant replica waits longer than others do.</summary>
    private const int ReluctanceTimeouts = 8;

    /// <summary>How many election timeouts without any leader make a voter look for help (S8): time enough for several ordinary elections.</summary>
    private const int ForsakenTimeouts = 4;

    private readonly TimeSpan timeout;
    private readonly SeededRandom dice;
    private readonly Instant silentUntil;
    private TimeSpan priorityDelay;
    private Instant heardAt;
    private Instant at;

    public ElectionTimer(RaftOptions options, SeededRandom dice, Instant now, bool isSole, bool isRestart)
    {
        timeout = options.ElectionTimeout;
        priorityDelay = timeout * (3 - options.ElectionPriority);
        this.dice = dice;
        // A sole voter has promised nothing to anybody else (S3).
        silentUntil = isRestart && !isSole ? now + RaftOptions.LeaseMax : Instant.Zero;
        heardAt = now - timeout;
        at = isSole ? now : Instant.Max(silentUntil, now) + dice.NextSpan(TimeSpan.Zero, timeout) + priorityDelay;
    }

    /// <summary>When this replica stands.</summary>
    public Instant At => IsReluctant ? at + (timeout * ReluctanceTimeouts) : at;

    /// <summary>Leaves the others time for several elections before each try (S20).</summary>
    public bool IsReluctant { get; set; }

    /// <summary>How gladly it stands, 0 to 3; holds from the next draw on.</summary>
    public void SetPriority(int priority) => priorityDelay = timeout * (3 - priority);

    /// <summary>Whether whatever the process before this one had promised may still hold: until then this voter is silent (S3).</summary>
    public bool IsSilent(Instant now) => now < silentUntil;

    /// <summary>Whether a leader was heard within the election timeout.</summary>
    public bool HasHeardLately(Instant now) => now - heardAt < timeout;

    /// <summary>Whether no leader was heard for so long that ordinary elections seem to lead nowhere.</summary>
    public bool IsForsaken(Instant now) => now - heardAt >= Patience;

    /// <summary>How long a voter that is asked for help goes on looking for it itself.</summary>
    public TimeSpan Patience => timeout * ForsakenTimeouts;

    /// <summary>A leader was heard.</summary>
    public void OnHeard(Instant now)
    {
        heardAt = now;
        Restart(now);
    }

    public void Restart(Instant now) => at = now + dice.NextSpan(timeout, timeout * 2) + priorityDelay;

    /// <summary>This replica stands now; if nothing comes of it, it stands again.</summary>
    public void OnStanding(Instant now) => at = now + dice.NextSpan(timeout / 2, timeout);

    public void OnDefeat(Instant now) => at = now + dice.NextSpan(timeout / 4, timeout);

    /// <summary>The leader's node is gone. A short draw keeps two followers from standing in the same instant; pre-votes sort out the rest.</summary>
    public void OnLeaderGone(Instant now)
    {
        at = now + ShortDraw();
        ForgetHeard(now);
    }

    /// <summary>The vote is free again: no reason to wait longer than a short draw.</summary>
    public void OnVoteFreed(Instant now) => at = Instant.Min(at, now + ShortDraw());

    public void ForgetHeard(Instant now) => heardAt = Instant.Min(heardAt, now - timeout);

    private TimeSpan ShortDraw() => dice.NextSpan(TimeSpan.Zero, timeout / 6) + priorityDelay;
}
