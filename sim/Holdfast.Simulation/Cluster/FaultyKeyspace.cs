using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>The keyspace's group with a planted mistake between it and the face: a barrier is left out, or a question is asked in the wrong place.</summary>
internal sealed class FaultyKeyspace(IKeyspaceGroup inner, CoordinationStateMachine machine, ClusterMutation mutation) : IKeyspaceGroup
{
    private const int InsistsMax = 4;

    public IdentityView Identity => inner.Identity;

    public KeyspaceStatus Status => inner.Status;

    /// <summary>Whether a mutation stands here.</summary>
    public static bool IsMeant(ClusterMutation mutation) =>
        mutation is ClusterMutation.LeaseEndedByUnconfirmedLeader or ClusterMutation.PermissionAskedAtDoorOnly;

    /// <summary>The mutation as one that stands inside the keyspace, if it is one.</summary>
    public static PlantedKeyspaceBug BugOf(ClusterOptions options) => Enum.TryParse<PlantedKeyspaceBug>(options.Mutation.ToString(), out var bug) ? bug : PlantedKeyspaceBug.None;

    public async ValueTask<CommandReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        if (mutation == ClusterMutation.PermissionAskedAtDoorOnly && RefusalOf(command) is { } refused) return new CommandReply(null, refused, machine.Store.Revision, machine.Role.Term);
        for (var tries = mutation == ClusterMutation.LeaseEndedByUnconfirmedLeader && command[0] == (byte)CommandKind.LeaseExpire ? InsistsMax : 1; ; tries--)
        {
            try
            {
                return await inner.ProposeAsync(command, cancel);
            }
            catch (EtcdException) when (tries > 1)
            {
                // Whoever leads now is told.
            }
        }
    }

    public ValueTask<TResult> ReadAsync<TResult>(KeyspaceRead<TResult> read, bool isLinearizable, CancellationToken cancel)
    {
        var isUnconfirmed = mutation == ClusterMutation.LeaseEndedByUnconfirmedLeader && read is TickRead;
        return inner.ReadAsync(read, isLinearizable && !isUnconfirmed, cancel);
    }

    public ValueTask<bool> MoveLeaderAsync(ulong target, CancellationToken cancel) => inner.MoveLeaderAsync(target, cancel);

    private EtcdError? RefusalOf(byte[] command)
    {
        ReadOnlySpan<byte> rest = command;
        if (!machine.Guard.IsOn || rest[0] != (byte)CommandKind.Authorized || !AuthCommand.TryTakeName(ref rest, out var who)) return null;
        return rest[0] == (byte)CommandKind.Put ? machine.Guard.RefusalOf(who, PutRequest.Parser.ParseFrom(rest[1..])) : null;
    }
}
