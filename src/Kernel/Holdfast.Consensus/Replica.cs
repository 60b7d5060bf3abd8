using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What one replica consists of, whoever leads: made once from what recovery found, and used by those who decide (<see cref="Elections"/>, <see cref="Reigns"/>, <see cref="RaftNode"/>).</summary>
internal sealed class Replica
{
    public Replica(RaftOptions options, RaftStart start, SupportTable support, SeededRandom dice, Instant now)
    {
        Journal = new Journal(start, options.Bug);
        Standing = new Standing(start.Self, start.HardState, Journal.Durability);
        var isSole = Journal.Configuration.IsSoleVoter(start.Self);
        Timer = new ElectionTimer(options, dice, now, isSole, start.IsRestart);
        // A sole voter has nobody to be repaired by: it keeps what it has, and its owner says what was lost (S8).
        Follower = new Follower(options, Standing, Journal, Timer, new VoteBinding(support), Held, isSole ? LogIndex.Zero : start.DamagedUpTo);
        Roll = new RollCall(Standing, Journal, Held, options.Bug);
        Readers = new Readers(options, Standing, Journal, Held);
        if (!Follower.IsWhole && options.Bug != PlantedBug.DamagedKeepsTerm) Standing.EnterTerm(new Term(Math.Max(Standing.Term.Value, Journal.Last.Term.Value) + RaftNode.TermsLostMax));
    }

    public Journal Journal { get; }

    public Standing Standing { get; }

    public ElectionTimer Timer { get; }

    public Follower Follower { get; }

    public RollCall Roll { get; }

    public Readers Readers { get; }

    /// <summary>Messages that wait for the hard state they depend on.</summary>
    public Effects Held { get; } = new();
}
