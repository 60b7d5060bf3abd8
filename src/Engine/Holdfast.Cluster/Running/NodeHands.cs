using System.Collections.Concurrent;
using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>The hands of a runner: this node's groups, and the other nodes over control calls; and its answers to theirs.</summary>
internal sealed class NodeHands(INodeSeat seat, Func<DirectoryView> view) : IClusterHands
{
    private static readonly Mark AskedAround = new("cluster: a group's leader was found by asking around");

    /// <summary>A learner this close behind the leader's commit is promoted: it catches up in less than a heartbeat.</summary>
    private const ulong CaughtUpLagMax = 64;

    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);

    /// <summary>Who led each group at the last look.</summary>
    private readonly ConcurrentDictionary<GroupId, NodeId> seenLeading = new();

    private NodeId Self => seat.Member.Node;

    /// <summary>This node's replica of a group; null when it has none.</summary>
    public ReplicatedGroup? Find(GroupId group)
    {
        foreach (var known in seat.Groups)
            if (known.Id == group) return known;
        return null;
    }

    public async ValueTask<GroupSighting?> SightAsync(GroupId group, CancellationToken cancellation)
    {
        if (await FindLeaderAsync(group, cancellation).ConfigureAwait(false) is not { } report) return null;
        var learners = report.Configuration.Members.ToArray().Where(static member => !member.CountsForQuorum).Select(static member => member.Node).ToArray();
        var answers = await Task.WhenAll(learners.Select(node => AskAsync(node, group, cancellation).AsTask())).ConfigureAwait(false); // At once: one that is silent holds up the round once, and not for itself.
        var (caughtUp, behind) = (ImmutableSortedSet.CreateBuilder<NodeId>(), ImmutableSortedSet.CreateBuilder<NodeId>());
        foreach (var (node, learner) in learners.Zip(answers))
            if (learner is not null) (learner.Applied.Value + CaughtUpLagMax >= report.Commit.Value ? caughtUp : behind).Add(node);

        return new GroupSighting(group, report.Configuration, report.FeatureLevel, caughtUp.ToImmutable()) { Leader = seenLeading.GetValueOrDefault(group, NodeId.None), Since = report.ConfigurationIndex, Behind = behind.ToImmutable(), HasCommittedMembers = report.HasCommittedMembers || seat.Bug == PlantedProcedureBug.UncommittedMembersBelieved };
    }

    public async ValueTask<bool> ConfirmAsync(CancellationToken cancellation)
    {
        try
        {
            return Find(GroupId.Directory) is { } directory && await directory.ReadAsync(() => directory.Status.IsServingLeader).ConfigureAwait(false);
        }
        catch (ReadRefusedException)
        {
            return false;
        }
    }

    public async ValueTask<bool> AnswerEnoughAsync(GroupId group, Configuration members, CancellationToken cancellation)
    {
        var asked = members.Members.ToArray().Where(member => member.CountsForQuorum).Select(member => AskAsync(member.Node, group, cancellation).AsTask()).ToArray();
        var answers = await Task.WhenAll(asked).ConfigureAwait(false);
        return answers.Count(answer => answer is not null) > asked.Length / 2;
    }

    public async ValueTask ChangeMembersAsync(ProcedureAction.ChangeMembers change, CancellationToken cancellation)
    {
        var leader = seenLeading.GetValueOrDefault(change.Group, NodeId.None);
        seat.Say($"group {change.Group}: members {change.From} become {change.To}");
        if (leader == Self) await seat.ChangeMembersAsync(change).ConfigureAwait(false);
        else await CallAsync(leader, ClusterVerbs.Change, ClusterVerbs.Encode(change), cancellation).ConfigureAwait(false);
    }

    public async ValueTask ProposeAsync(byte[] directoryCommand, CancellationToken cancellation)
    {
        if (Find(GroupId.Directory) is { } directory) await directory.ProposeAsync(directoryCommand, cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>The highest feature level that a node's program knows as it runs now; null when it does not answer, or is too old to be asked.</summary>
    public async ValueTask<uint?> LevelOfAsync(NodeId node, CancellationToken cancellation)
    {
        if (node == Self) return seat.FeatureLevelKnown;
        var reply = await CallAsync(node, ClusterVerbs.Level, [], cancellation).ConfigureAwait(false);
        return reply.IsOk && reply.Server == node ? ClusterVerbs.DecodeLevel(reply.Payload.Span) : null;
    }

    /// <summary>What this node's replica of a group says of itself, for another node.</summary>
    /// <exception cref="ControlRefusedException">There is none here.</exception>
    public byte[] AnswerStatus(ReadOnlySpan<byte> question) =>
        Find(new GroupId(new SpanReader(question).ReadUInt64())) is { } group ? ClusterVerbs.Encode(group.Status) : throw new ControlRefusedException("there is no replica of that group here");

    /// <summary>Changes a group's members here, where it is led, for another node.</summary>
    /// <exception cref="ControlRefusedException">It is not led here, or has other members by now.</exception>
    public async ValueTask AnswerChangeAsync(ReadOnlyMemory<byte> question)
    {
        if (ClusterVerbs.DecodeChange(question.Span) is not { } change) throw new ControlRefusedException("the change is not whole");
        if (!await seat.ChangeMembersAsync(change).ConfigureAwait(false)) throw new ControlRefusedException("the group is not led here, or has other members by now");
    }

    /// <summary>
    /// The leader's word. This node's own replica may not know who leads: it may not be there, or have been removed from the group, which then leaves it alone for good.
    /// So whoever could have a replica is asked, and the newest term among those who say that they lead is believed.
    /// </summary>
    public async ValueTask<ReplicaReport?> FindLeaderAsync(GroupId group, CancellationToken cancellation)
    {
        var hint = Find(group) is { } here && here.Status.Configuration.Contains(Self) ? here.Status.Leader : NodeId.None;
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
        if (node == Self) return Find(group) is { } here ? ClusterVerbs.DecodeReport(ClusterVerbs.Encode(here.Status)) : null;
        var reply = await CallAsync(node, ClusterVerbs.Status, ClusterVerbs.GroupKey(group), cancellation).ConfigureAwait(false);
        return reply.IsOk && reply.Server == node ? ClusterVerbs.DecodeReport(reply.Payload.Span) : null;
    }

    public async ValueTask<ControlReply> CallAsync(NodeId node, ushort verb, byte[] question, CancellationToken cancellation)
    {
        if (seat.AddressOf(node) is not { } target) return new ControlReply(ControlStatus.Unreachable, default, "its address is not known", NodeId.None, ClusterId.None);
        return await seat.CallAsync(target, verb, question, CallMax, cancellation).ConfigureAwait(false);
    }
}
