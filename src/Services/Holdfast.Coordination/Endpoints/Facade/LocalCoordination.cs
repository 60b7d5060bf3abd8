using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Coordination;

/// <summary>
/// The etcd face over a state machine in this very process, with no log and no peers: for tests and for trying out. Nothing survives it.
/// Its time stands still until <see cref="AdvanceAsync"/>.
/// </summary>
public sealed class LocalCoordination : IKeyspaceGroup
{
    private readonly CoordinationStateMachine machine;
    private readonly Lock gate = new();
    private Instant now = new(1);
    private ulong index;

    /// <summary>An empty keyspace that leads itself in term 1.</summary>
    public LocalCoordination(CoordinationIdentity identity, CoordinationOptions? options = null)
        : this(identity, new CoordinationStateMachine(), options)
    {
    }

    internal LocalCoordination(CoordinationIdentity identity, CoordinationStateMachine machine, CoordinationOptions? options = null)
    {
        this.machine = machine;
        if (options is not null) machine.Watches.ProgressInterval = options.WatchProgressInterval;
        Self = new NodeId(identity.MemberId);
        machine.OnRole(new GroupRole(true, new Term(1), Self));
        Face = new CoordinationFace(this, identity, 1, options);
    }

    /// <summary>The face.</summary>
    public CoordinationFace Face { get; }

    private NodeId Self { get; }

    IdentityView IKeyspaceGroup.Identity => machine.Auth.View;

    KeyspaceStatus IKeyspaceGroup.Status
    {
        get
        {
            lock (gate) return new KeyspaceStatus(machine.Role.Term, Self, index, index, true, false, false);
        }
    }

    /// <summary>Lets time pass: leases end, notices are due.</summary>
    public ValueTask AdvanceAsync(TimeSpan span)
    {
        lock (gate) now += span;
        return Face.TickAsync();
    }

    ValueTask<CommandReply> IKeyspaceGroup.ProposeAsync(byte[] command, CancellationToken cancel)
    {
        lock (gate)
        {
            var entry = new CommittedEntry
            {
                Position = new LogPosition(machine.Role.Term, new LogIndex(++index)),
                TimeMicros = now.Ticks / 10,
                FeatureLevel = 1,
                Command = command,
                ReplyWanted = true,
            };
            var result = machine.Apply(entry);
            while (!result.IsDone) result = machine.Apply(entry);
            return new((CommandReply)result.Reply!);
        }
    }

    ValueTask<TResult> IKeyspaceGroup.ReadAsync<TResult>(KeyspaceRead<TResult> read, bool isLinearizable, CancellationToken cancel)
    {
        lock (gate)
        {
            while (!read.Run(machine, now))
            {
                // Nobody else wants a turn.
            }

            return new(read.Result);
        }
    }

    ValueTask<bool> IKeyspaceGroup.MoveLeaderAsync(ulong target, CancellationToken cancel) => new(target == Self.Value);
}
