namespace Holdfast.Gossip;

/// <summary>How well this node itself seems to be (Lifeguard: the local health multiplier): 0 when all it does is answered, more when it misses answers or is suspected without reason. One that is not well takes more time before it accuses others.</summary>
internal sealed class LocalHealth
{
    private const int Worst = 8;

    /// <summary>0 is well; 8 is as bad as it gets.</summary>
    public int Score { get; private set; }

    public void Better() => Score = Math.Max(0, Score - 1);

    public void Worse(int by = 1) => Score = Math.Min(Worst, Score + by);

    public TimeSpan Stretch(TimeSpan span) => span * (Score + 1);
}
