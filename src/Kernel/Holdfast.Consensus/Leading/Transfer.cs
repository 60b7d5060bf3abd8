using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>A leadership transfer under way (Raft thesis 3.10): to whom, whether it was told, and when it is given up. Without one, nobody is the target.</summary>
internal sealed class Transfer
{
    private static readonly Mark GivenUp = new("raft: transfer given up");

    private NodeId toldTo;

    public NodeId Target { get; private set; }

    public Instant GiveUpAt { get; private set; } = Instant.Never;

    public bool IsUnderWay => Target != NodeId.None;

    public bool IsTold => toldTo == Target;

    public void Begin(NodeId target, Instant giveUpAt) => (Target, GiveUpAt) = (target, giveUpAt);

    /// <summary>The target was asked to stand: once is enough.</summary>
    public void OnTold() => toldTo = Target;

    public void GiveUpIfOverdue(Instant now)
    {
        if (now < GiveUpAt) return;
        GivenUp.Hit();
        GiveUp();
    }

    public void GiveUp() => (Target, toldTo, GiveUpAt) = (NodeId.None, NodeId.None, Instant.Never);
}
