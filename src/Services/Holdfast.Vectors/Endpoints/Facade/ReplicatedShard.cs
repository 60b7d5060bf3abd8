using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A shard whose replica is on this node. Writes go through its log, from whichever replica; reads pass its barrier and then look at memory.</summary>
internal sealed class ReplicatedShard(ReplicatedGroup group, ShardMachine machine) : IShardGroup
{
    public (LogIndex Applied, LogIndex Committed) Position => group.Status is var status ? (status.Applied, status.Commit) : default;

    public async ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        var outcome = await group.ProposeAsync(command, default, cancel).ConfigureAwait(false);
        return outcome.Status switch
        {
            ProposalStatus.Applied when outcome.Reply is ShardReply { Fault: null } reply => reply,
            ProposalStatus.Applied => throw VectorFault.BadInput((outcome.Reply as ShardReply)?.Fault ?? "the shard gave no answer"),
            ProposalStatus.NoLeader => throw VectorFault.Unavailable("the shard has no leader just now; nothing was written"),
            ProposalStatus.Busy or ProposalStatus.Stopped => throw VectorFault.Unavailable("too much waits to be written; nothing was written"),
            ProposalStatus.TooLarge => throw VectorFault.TooLarge(CollectionLimits.RequestBytesMax),
            _ => throw VectorFault.Unknown("it is not known whether the write was done: no quorum confirmed it in time"),
        };
    }

    public async ValueTask<ShardState> ReadAsync(bool isStrong, CancellationToken cancel)
    {
        if (isStrong && !(await group.ReadBarrierAsync().AsTask().WaitAsync(cancel).ConfigureAwait(false)).IsGranted) throw NoRead();
        return machine.State ?? throw VectorFault.Unavailable("the shard is not configured yet");
    }

    public async ValueTask<TResult> OnLoopAsync<TResult>(Func<ShardState, TResult> read, bool isStrong, CancellationToken cancel)
    {
        try
        {
            // A refusal is no matter of the loop's: what is thrown there ends it.
            var (isThere, found) = await group.ReadAsync(() => machine.State is null ? (false, default(TResult)!) : (true, machine.Read(read)), isStrong ? ReadConsistency.Strong : ReadConsistency.Local).ConfigureAwait(false);
            return isThere ? found : throw VectorFault.Unavailable("the shard is not configured yet");
        }
        catch (ReadRefusedException)
        {
            throw NoRead();
        }
    }

    private static VectorFault NoRead() => VectorFault.Unavailable("no leader could confirm the read in time; nothing was read");
}
