using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>The log of a shard as those who execute on it see it: a replicated group, or in tests one that commits at once.</summary>
internal interface IShardLog
{
    /// <summary>Who leads, or nobody known.</summary>
    NodeId Leader { get; }

    /// <summary>Whether this node leads, as far as it knows.</summary>
    bool IsLedHere { get; }

    /// <summary>The leader's term; part of a config epoch.</summary>
    Term Term { get; }

    /// <summary>Who votes and has the keys (a witness has none), by this replica's log; none where it does not say.</summary>
    ImmutableArray<NodeId> Voters => [];

    /// <summary>Asks for leave to read this node's replica, whose age is then known to be within the bound (S14).</summary>
    void ReadReplica(TimeSpan ageMax, IReadCompletion completion);

    /// <summary>Has work executed, on the shard's loop. The completion learns whether it was, and whether its effects are committed.</summary>
    void Propose(ReadOnlySpan<byte> work, in ProposeOptions options, IProposalCompletion completion);
}

/// <summary>The log of a shard that is a replicated group.</summary>
internal sealed class GroupLog(ReplicatedGroup group) : IShardLog
{
    public NodeId Leader => group.Status.Leader;

    public bool IsLedHere => group.Status.Role == RaftRole.Leader;

    public Term Term => group.Status.Term;

    public ImmutableArray<NodeId> Voters
    {
        get
        {
            var configuration = group.Status.Configuration;
            var voters = ImmutableArray.CreateBuilder<NodeId>();
            foreach (var member in configuration.Members)
                if (member.CountsForQuorum && member.Role != MemberRole.Witness && !configuration.IsJoint) voters.Add(member.Node);
            return voters.ToImmutable();
        }
    }

    public void ReadReplica(TimeSpan ageMax, IReadCompletion completion) => group.Barrier.Pass(ReadConsistency.Stale(ageMax), completion);

    public void Propose(ReadOnlySpan<byte> work, in ProposeOptions options, IProposalCompletion completion) => group.Propose(work, options, completion);
}
