using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// What a follower owes its leader: the acknowledgement of min(verified by this term's appends, durable) (S1). An append that brought entries is answered when they
/// are durable; one that brought none, or asks for a round of reads, at once.
/// </summary>
internal sealed class Acknowledgement
{
    private ulong round;
    private LogIndex lastSaid;
    private bool isOwed;

    /// <summary>The log is known to agree with this term's leader up to here.</summary>
    public LogIndex Verified { get; private set; }

    /// <summary>A new term: nothing is verified, nothing owed.</summary>
    public void Reset()
    {
        Verified = LogIndex.Zero;
        round = 0;
        lastSaid = LogIndex.Zero;
        isOwed = false;
    }

    public void OnVerified(LogIndex through) => Verified = LogIndex.Max(Verified, through);

    public void OnAppend(ulong readRound, bool answerAtOnce)
    {
        if (answerAtOnce || readRound > round) isOwed = true;
        if (readRound > round) round = readRound;
    }

    public ulong Round => round;

    public void Owe() => isOwed = true;

    public bool IsDue(LogIndex durable) => isOwed || LogIndex.Min(Verified, durable) > lastSaid;

    public LogIndex Take(LogIndex durable)
    {
        isOwed = false;
        lastSaid = LogIndex.Min(Verified, durable);
        return lastSaid;
    }
}
