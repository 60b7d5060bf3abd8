using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>
/// A read of the keyspace that runs on the group's loop, in slices. A read may also touch what is not replicated, such as watches and lease clocks.
/// </summary>
internal abstract class KeyspaceRead<TResult>
{
    /// <summary>In whose name it is read; null for nobody. Asked only while auth is on.</summary>
    public Caller? Caller { get; set; }

    /// <summary>What was found, once <see cref="Run"/> said true.</summary>
    public TResult Result { get; protected set; } = default!;

    /// <summary>Runs a slice; false to be called again after others had their turn.</summary>
    public abstract bool Run(CoordinationStateMachine machine, Instant now);

    /// <summary>The read was given up before it was done.</summary>
    public virtual void Abandon()
    {
    }
}

/// <summary>What the face needs of the group that replicates the keyspace. The real one is a replicated group; the other lives in one process.</summary>
internal interface IKeyspaceGroup
{
    /// <summary>Proposes a command and returns what the state machine answered. Fails with <see cref="EtcdException"/> when it was not applied, or its fate is unknown.</summary>
    ValueTask<CommandReply> ProposeAsync(byte[] command, CancellationToken cancel);

    /// <summary>Runs a read: after a read barrier when it must be linearizable, else on this replica's state as it is.</summary>
    ValueTask<TResult> ReadAsync<TResult>(KeyspaceRead<TResult> read, bool isLinearizable, CancellationToken cancel);

    /// <summary>The identities that this member has applied. From any thread.</summary>
    IdentityView Identity { get; }

    /// <summary>Where this member and its group stand. From any thread.</summary>
    KeyspaceStatus Status { get; }

    /// <summary>Hands leadership over; false when the target cannot take it.</summary>
    ValueTask<bool> MoveLeaderAsync(ulong target, CancellationToken cancel);
}

/// <summary>Where a member and its group stand.</summary>
internal readonly record struct KeyspaceStatus(Term Term, NodeId Leader, ulong Commit, ulong Applied, bool IsLeader, bool IsLearner, bool HasDiverged);
