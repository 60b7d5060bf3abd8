using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The answers to one round of vote requests. A member that answers twice is counted once.</summary>
internal sealed class VoteTally
{
    private readonly Dictionary<NodeId, bool> votes = [];

    public void Clear() => votes.Clear();

    public void Record(NodeId voter, bool granted) => votes.TryAdd(voter, granted);

    public VoteOutcome Outcome(Configuration configuration) =>
        Quorum.Outcome(configuration, votes, static (votes, node) => votes.TryGetValue(node, out var granted) ? granted : null);
}
