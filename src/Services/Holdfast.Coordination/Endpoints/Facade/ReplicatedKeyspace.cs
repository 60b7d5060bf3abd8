using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Coordination;

/// <summary>The keyspace's group as the face sees it: outcomes become etcd's errors, reads become queries behind the barrier.</summary>
internal sealed class ReplicatedKeyspace(ReplicatedGroup group, CoordinationStateMachine machine) : IKeyspaceGroup
{
    public IdentityView Identity => machine.Auth.View;

    public KeyspaceStatus Status
    {
        get
        {
            var status = group.Status;
            return new KeyspaceStatus(status.Term, status.Leader, status.Commit.Value, status.Applied.Value, status.IsServingLeader, IsLearner(status), status.HasDiverged);
        }
    }

    public async ValueTask<CommandReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        var begun = group.Status.Term;
        var outcome = await group.ProposeAsync(command, default, cancel).ConfigureAwait(false);
        if (outcome.IsApplied && outcome.Reply is CommandReply reply) return reply;
        throw new EtcdException(outcome.Status == ProposalStatus.Unknown ? TimeoutSince(begun, group.Status) : ErrorOf(outcome.Status));
    }

    public async ValueTask<TResult> ReadAsync<TResult>(KeyspaceRead<TResult> read, bool isLinearizable, CancellationToken cancel)
    {
        try
        {
            // The query itself watches for the cancellation, because only it can give back what the read holds.
            var query = new LoopQuery<TResult>(machine, read, cancel);
            return await group.QueryAsync(query, isLinearizable ? ReadConsistency.Strong : ReadConsistency.Local).ConfigureAwait(false);
        }
        catch (ReadRefusedException)
        {
            throw new EtcdException(group.Status.Leader == NodeId.None ? EtcdErrors.NoLeader : EtcdErrors.Timeout);
        }
        finally
        {
            cancel.ThrowIfCancellationRequested();
        }
    }

    public async ValueTask<bool> MoveLeaderAsync(ulong target, CancellationToken cancel) =>
        await group.TransferLeadershipAsync(new NodeId(target)).WaitAsync(cancel).ConfigureAwait(false) == ChangeVerdict.Begun;

    /// <summary>Only <see cref="ProposalStatus.Unknown"/> leaves a write's fate open; etcd says so with the same three texts, by what it guesses to be the cause.</summary>
    private static EtcdError TimeoutSince(Term begun, GroupStatus now) =>
        now.Leader == NodeId.None ? EtcdErrors.TimeoutDueToConnectionLost : now.Term != begun ? EtcdErrors.TimeoutDueToLeaderFail : EtcdErrors.Timeout;

    private static EtcdError ErrorOf(ProposalStatus status) => status switch
    {
        ProposalStatus.NoLeader => EtcdErrors.NoLeader,
        ProposalStatus.Busy => EtcdErrors.TooManyRequests,
        ProposalStatus.TooLarge => EtcdErrors.RequestTooLarge,
        ProposalStatus.Stopped => EtcdErrors.Stopped,
        ProposalStatus.SessionEvicted => EtcdErrors.Unhealthy,
        _ => EtcdErrors.Timeout,
    };

    private static bool IsLearner(GroupStatus status)
    {
        foreach (var member in status.Configuration.Members)
            if (member.Node == status.Self) return member.Role == MemberRole.Learner;
        return false;
    }

    private sealed class LoopQuery<TResult>(CoordinationStateMachine machine, KeyspaceRead<TResult> read, CancellationToken cancel) : Query<TResult>
    {
        protected override bool Run(in QueryContext context)
        {
            if (cancel.IsCancellationRequested)
            {
                read.Abandon();
                return true;
            }

            do
            {
                if (!read.Run(machine, context.Grant.Now)) continue;
                Result = read.Result;
                return true;
            }
            while (!context.IsSliceOver);

            return false;
        }
    }
}
