using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>The real seat: the node's runtime, the machine's clocks, and control calls over the network.</summary>
internal sealed class NodeSeat(ClusterNodeSetup setup, ControlTrust trust) : INodeSeat
{
    public MemberRecord Member => setup.Member;

    public uint FeatureLevelKnown => setup.Groups.FeatureLevelKnown;

    public PlantedProcedureBug Bug => PlantedProcedureBug.None;

    public Instant Now => MonotonicClock.Now;

    public long WallMicros => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;

    public IReadOnlyList<ReplicatedGroup> Groups => setup.Runtime.Groups;

    public RecoveredGroup? FindRecovered(GroupId group) => setup.Runtime.Recovery!.Find(group);

    public IStateMachine? NewState(GroupRecord group) => setup.DataMachines(group);

    public Task BeginReplicaAsync(GroupId group, IStateMachine? machine, Configuration initial) => setup.Runtime.CreateGroupAsync(group, machine, initial, setup.Groups);

    public Task DeleteReplicaAsync(GroupId group) => setup.Runtime.DeleteGroupAsync(group);

    public Task<bool> GiveUpStateAsync(GroupId group) => setup.Runtime.GiveUpStateAsync(group);

    public async Task<bool> ChangeMembersAsync(ProcedureAction.ChangeMembers change)
    {
        foreach (var group in Groups)
            if (group.Id == change.Group) return await group.ChangeMembershipAsync(change.From, change.To, change.Since).ConfigureAwait(false) == ChangeVerdict.Begun;
        return false;
    }

    public string? AddressOf(NodeId node) => setup.Addresses.TryGet(node, out var address) ? HostPort.Format(address.Host, address.Port) : null;

    public ValueTask<ControlReply> CallAsync(string target, ushort verb, byte[] question, TimeSpan longest, CancellationToken cancellation) =>
        ControlClient.CallAsync(target, verb, question, longest, trust, setup.Self, cancellation: cancellation);

    public async ValueTask WaitAsync(TimeSpan span, CancellationToken cancellation) => await Task.Delay(span, cancellation).ConfigureAwait(false);

    public void Say(string sentence) => setup.Say(sentence);

    public void Warn(string sentence) => setup.Warn(sentence);
}
