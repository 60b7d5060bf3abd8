using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Cluster.Tests;

/// <summary>A node that begins what it is told and remembers it: the seat of what follows the directory. Its log knows nothing but which groups are deleted, and it calls nobody.</summary>
internal sealed class SeatInMemory(ulong node) : INodeSeat
{
    public MemberRecord Member { get; } = Cast.Node(node);

    public uint FeatureLevelKnown => 1;

    public PlantedProcedureBug Bug { get; init; }

    public Instant Now { get; set; } = Instant.Zero + TimeSpan.FromSeconds(10);

    public long WallMicros => Now.Ticks / 10;

    public IReadOnlyList<ReplicatedGroup> Groups => [];

    /// <summary>The replicas that were begun, with the members that they began with.</summary>
    public SortedDictionary<GroupId, Configuration> Begun { get; } = [];

    /// <summary>The groups whose state was given up.</summary>
    public List<GroupId> GivenUp { get; } = [];

    /// <summary>Groups that this node's log says are deleted.</summary>
    public List<GroupId> Deleted { get; } = [];

    public RecoveredGroup? FindRecovered(GroupId group) => Deleted.Contains(group) ? new RecoveredGroup { Group = group, Configuration = Configuration.Empty, Entries = [], IsTombstoned = true } : null;

    public IStateMachine NewState(GroupRecord group) => new DirectoryState();

    public Task BeginReplicaAsync(GroupId group, IStateMachine? machine, Configuration initial)
    {
        Begun.Add(group, initial);
        return Task.CompletedTask;
    }

    public Task DeleteReplicaAsync(GroupId group) => Task.CompletedTask;

    public Task<bool> GiveUpStateAsync(GroupId group)
    {
        GivenUp.Add(group);
        return Task.FromResult(true);
    }

    public Task<bool> ChangeMembersAsync(ProcedureAction.ChangeMembers change) => Task.FromResult(false);

    public string? AddressOf(NodeId node) => null;

    public ValueTask<ControlReply> CallAsync(string target, ushort verb, byte[] question, TimeSpan longest, CancellationToken cancellation) =>
        new(new ControlReply(ControlStatus.Unreachable, default, "nobody is called here", NodeId.None, ClusterId.None));

    public ValueTask WaitAsync(TimeSpan span, CancellationToken cancellation) => default;

    public void Say(string sentence)
    {
    }

    public void Warn(string sentence)
    {
    }
}
