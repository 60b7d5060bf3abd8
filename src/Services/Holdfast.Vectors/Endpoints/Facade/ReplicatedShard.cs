using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A shard whose replica is on this node. Writes go through its log, from whichever replica; reads pass its barrier and then look at memory.</summary>
/// <param name="group">The replica.</param>
/// <param name="machine">Its state.</param>
/// <param name="levelAhead">The feature level that the cluster's groups have or will have soon.</param>
internal sealed class ReplicatedShard(ReplicatedGroup group, ShardMachine machine, Func<uint> levelAhead) : IShardGroup
{
    public ulong SettingsHash => machine.SettingsHash;

    public ulong Version => machine.Version;

    public byte[] FencesWritten => machine.FencesWritten;

    public (LogIndex Applied, LogIndex Committed) Position => group.Status is var status ? (status.Applied, status.Commit) : default;

    public async ValueTask ForeseeAsync(byte[] command, CancellationToken cancel)
    {
        await PassLevelAsync(command, cancel).ConfigureAwait(false);
        if (machine.NewerFence(command) is { } why) throw VectorFault.Fenced(why);
    }

    public async ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        await PassLevelAsync(command, cancel).ConfigureAwait(false);
        var outcome = await group.ProposeAsync(command, default, cancel).ConfigureAwait(false);
        return outcome.Status switch
        {
            ProposalStatus.Applied when outcome.Reply is ShardReply { Fault: null } reply => reply,
            ProposalStatus.Applied when outcome.Reply is ShardReply { IsMisdirected: true } moved => throw VectorFault.Misdirected(moved.Fault!),
            ProposalStatus.Applied when outcome.Reply is ShardReply { IsFenced: true } fenced => throw VectorFault.Fenced(fenced.Fault!),
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
            // Nothing may be thrown on the loop.
            var (isThere, result) = await group.ReadAsync(() => machine.State is null ? (false, default) : (true, machine.Read(read)), isStrong ? ReadConsistency.Strong : ReadConsistency.Local).ConfigureAwait(false);
            return isThere ? result! : throw VectorFault.Unavailable("the shard is not configured yet");
        }
        catch (ReadRefusedException)
        {
            throw NoRead();
        }
    }

    private ValueTask PassLevelAsync(byte[] command, CancellationToken cancel) =>
        group.Status.FeatureLevel < ShardCommand.LateLevel && ShardCommand.LevelOf(command) is var needed && needed > group.Status.FeatureLevel ? LevelGate.PassAsync(needed, () => group.Status.FeatureLevel, levelAhead, cancel) : default;

    private static VectorFault NoRead() => VectorFault.Unavailable("no leader could confirm the read in time; nothing was read");
}
