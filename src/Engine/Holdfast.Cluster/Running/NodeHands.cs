using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>The real hands of a runner: this node's groups, and the other nodes over control calls.</summary>
internal sealed class NodeHands(ClusterNodeSetup setup, ControlTrust trust) : IClusterHands
{
    /// <summary>A learner this close behind the leader's commit is promoted: it catches up in less than a heartbeat.</summary>
    private const ulong CaughtUpLagMax = 64;

    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);

    public ReplicatedGroup? Find(GroupId group)
    {
        foreach (var known in setup.Runtime.Groups)
            if (known.Id == group) return known;
        return null;
    }

    public async ValueTask<GroupSighting?> SightAsync(GroupId group, CancellationToken cancellation)
    {
        if (Find(group)?.Status.Leader is not { } leader || leader == NodeId.None) return null;
        if (await AskAsync(leader, group, cancellation).ConfigureAwait(false) is not { Leads: true } report) return null;
        var caughtUp = ImmutableSortedSet.CreateBuilder<NodeId>();
        foreach (var member in report.Configuration.Members.ToArray())
        {
            if (member.CountsForQuorum) continue;
            var learner = await AskAsync(member.Node, group, cancellation).ConfigureAwait(false);
            if (learner is not null && learner.Applied.Value + CaughtUpLagMax >= report.Commit.Value) caughtUp.Add(member.Node);
        }

        return new GroupSighting(group, report.Configuration, report.FeatureLevel, caughtUp.ToImmutable());
    }

    public async ValueTask ChangeMembersAsync(ProcedureAction.ChangeMembers change, CancellationToken cancellation)
    {
        var leader = Find(change.Group)?.Status.Leader ?? NodeId.None;
        setup.Say($"group {change.Group}: members {change.From} become {change.To}");
        if (leader == setup.Self.Id) await ChangeHereAsync(change).ConfigureAwait(false);
        else await CallAsync(leader, ClusterVerbs.Change, ClusterVerbs.Encode(change), cancellation).ConfigureAwait(false);
    }

    public async ValueTask ProposeAsync(byte[] directoryCommand, CancellationToken cancellation)
    {
        if (Find(GroupId.Directory) is { } directory) await directory.ProposeAsync(directoryCommand, cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>Changes a group's members here, where it is led; false when the group is no longer what the change starts from.</summary>
    public async Task<bool> ChangeHereAsync(ProcedureAction.ChangeMembers change)
    {
        if (Find(change.Group) is not { } group) return false;
        if (!group.Status.IsServingLeader || !group.Status.Configuration.Equals(change.From)) return false;
        return await group.ChangeMembershipAsync(change.To).ConfigureAwait(false) == ChangeVerdict.Begun;
    }

    private async ValueTask<ReplicaReport?> AskAsync(NodeId node, GroupId group, CancellationToken cancellation)
    {
        if (node == setup.Self.Id) return Find(group) is { } here ? ClusterVerbs.DecodeReport(ClusterVerbs.Encode(here.Status)) : null;
        var reply = await CallAsync(node, ClusterVerbs.Status, ClusterVerbs.GroupKey(group), cancellation).ConfigureAwait(false);
        return reply.IsOk && reply.Server == node ? ClusterVerbs.DecodeReport(reply.Payload.Span) : null;
    }

    private async ValueTask<ControlReply> CallAsync(NodeId node, ushort verb, byte[] question, CancellationToken cancellation)
    {
        if (!setup.Addresses.TryGet(node, out var address)) return new ControlReply(ControlStatus.Unreachable, default, "its address is not known", NodeId.None, ClusterId.None);
        return await ControlClient.CallAsync(HostPort.Format(address.Host, address.Port), verb, question, CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
    }
}
