using System.Collections.Concurrent;
using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>The real hands of a runner: this node's groups, and the other nodes over control calls.</summary>
internal sealed class NodeHands(ClusterNodeSetup setup, ControlTrust trust, Func<DirectoryView> view) : IClusterHands
{
    private static readonly Mark AskedAround = new("cluster: a group's leader was found by asking around");

    /// <summary>A learner this close behind the leader's commit is promoted: it catches up in less than a heartbeat.</summary>
    private const ulong CaughtUpLagMax = 64;

    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);

    /// <summary>Who led each group at the last look.</summary>
    private readonly ConcurrentDictionary<GroupId, NodeId> seenLeading = new();

    public ReplicatedGroup? Find(GroupId group)
    {
        foreach (var known in setup.Runtime.Groups)
            if (known.Id == group) return known;
        return null;
    }

    public async ValueTask<GroupSighting?> SightAsync(GroupId group, CancellationToken cancellation)
    {
        if (await FindLeaderAsync(group, cancellation).ConfigureAwait(false) is not { } report) return null;
        var (caughtUp, behind) = (ImmutableSortedSet.CreateBuilder<NodeId>(), ImmutableSortedSet.CreateBuilder<NodeId>());
        foreach (var member in report.Configuration.Members.ToArray())
        {
            if (member.CountsForQuorum) continue;
            var learner = await AskAsync(member.Node, group, cancellation).ConfigureAwait(false);
            if (learner is not null) (learner.Applied.Value + CaughtUpLagMax >= report.Commit.Value ? caughtUp : behind).Add(member.Node);
        }

        return new GroupSighting(group, report.Configuration, report.FeatureLevel, caughtUp.ToImmutable()) { Leader = seenLeading.GetValueOrDefault(group, NodeId.None), Behind = behind.ToImmutable() };
    }

    public async ValueTask ChangeMembersAsync(ProcedureAction.ChangeMembers change, CancellationToken cancellation)
    {
        var leader = seenLeading.GetValueOrDefault(change.Group, NodeId.None);
        setup.Say($"group {change.Group}: members {change.From} become {change.To}");
        if (leader == setup.Self.Id) await ChangeHereAsync(change).ConfigureAwait(false);
        else await CallAsync(leader, ClusterVerbs.Change, ClusterVerbs.Encode(change), cancellation).ConfigureAwait(false);
    }

    public async ValueTask ProposeAsync(byte[] directoryCommand, CancellationToken cancellation)
    {
        if (Find(GroupId.Directory) is { } directory) await directory.ProposeAsync(directoryCommand, cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>The highest feature level that a node's program knows as it runs now; null when it does not answer, or is too old to be asked.</summary>
    public async ValueTask<uint?> LevelOfAsync(NodeId node, CancellationToken cancellation)
    {
        if (node == setup.Self.Id) return setup.Groups.FeatureLevelKnown;
        var reply = await CallAsync(node, ClusterVerbs.Level, [], cancellation).ConfigureAwait(false);
        return reply.IsOk && reply.Server == node ? ClusterVerbs.DecodeLevel(reply.Payload.Span) : null;
    }

    /// <summary>Changes a group's members here, where it is led; false when the group is no longer what the change starts from.</summary>
    public async Task<bool> ChangeHereAsync(ProcedureAction.ChangeMembers change)
    {
        if (Find(change.Group) is not { } group) return false;
        if (!group.Status.IsServingLeader || !group.Status.Configuration.Equals(change.From)) return false;
        return await group.ChangeMembershipAsync(change.To).ConfigureAwait(false) == ChangeVerdict.Begun;
    }

    /// <summary>
    /// The leader's word. This node's own replica may not know who leads: it may not be there, or have been removed from the group, which then leaves it alone for good.
    /// So whoever could have a replica is asked, and the newest term among those who say that they lead is believed.
    /// </summary>
    public async ValueTask<ReplicaReport?> FindLeaderAsync(GroupId group, CancellationToken cancellation)
    {
        var hint = Find(group) is { } here && here.Status.Configuration.Contains(setup.Self.Id) ? here.Status.Leader : NodeId.None;
        if (hint != NodeId.None && await AskAsync(hint, group, cancellation).ConfigureAwait(false) is { Leads: true } told) return Believe(group, hint, told);
        ReplicaReport? newest = null;
        var now = view();

        // Where the directory places the group first; a group that is moving may still be led from where it was.
        var places = now.Groups.TryGetValue(group, out var record) ? record.Replicas.Select(replica => replica.Node).ToArray() : [];
        foreach (var node in places.Concat(now.Members.Keys.Except(places)))
        {
            if (newest is not null && places.Length > 0 && !places.Contains(node)) break;
            if (node == hint || await AskAsync(node, group, cancellation).ConfigureAwait(false) is not { Leads: true } report) continue;
            if (newest is not null && newest.Term >= report.Term) continue;
            AskedAround.Hit();
            newest = Believe(group, node, report);
        }

        return newest;
    }

    private ReplicaReport Believe(GroupId group, NodeId leader, ReplicaReport report)
    {
        seenLeading[group] = leader;
        return report;
    }

    /// <summary>What a node's replica of a group says of itself; null when it has none, or does not answer.</summary>
    public async ValueTask<ReplicaReport?> AskAsync(NodeId node, GroupId group, CancellationToken cancellation)
    {
        if (node == setup.Self.Id) return Find(group) is { } here ? ClusterVerbs.DecodeReport(ClusterVerbs.Encode(here.Status)) : null;
        var reply = await CallAsync(node, ClusterVerbs.Status, ClusterVerbs.GroupKey(group), cancellation).ConfigureAwait(false);
        return reply.IsOk && reply.Server == node ? ClusterVerbs.DecodeReport(reply.Payload.Span) : null;
    }

    public async ValueTask<ControlReply> CallAsync(NodeId node, ushort verb, byte[] question, CancellationToken cancellation)
    {
        if (!setup.Addresses.TryGet(node, out var address)) return new ControlReply(ControlStatus.Unreachable, default, "its address is not known", NodeId.None, ClusterId.None);
        return await ControlClient.CallAsync(HostPort.Format(address.Host, address.Port), verb, question, CallMax, trust, setup.Self, cancellation: cancellation).ConfigureAwait(false);
    }
}
