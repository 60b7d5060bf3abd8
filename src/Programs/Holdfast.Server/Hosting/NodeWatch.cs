using Holdfast.Consensus;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Server.Hosting;

/// <summary>
/// Says what a node knows: it looks at its groups ten times a second and logs what changed (R1.12), and turns alarms on and off. It only reads what the loops publish; roles are taken from the
/// replica's own list of turns, so that a leadership of a few milliseconds is told too.
/// </summary>
internal sealed class NodeWatch(NodeLog log, NodeAlarms alarms, Func<IReadOnlyList<ReplicatedGroup>> groups, Func<NodeId, string> nameOf, CoordinationFace face)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AskForAlarms = TimeSpan.FromSeconds(1);

    private readonly Dictionary<GroupId, Seen> seen = [];

    private sealed record Seen(Replication.GroupStatus Status, RaftRole Role, NodeId Leader, long Taken, long Installed);

    /// <summary>Looks until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Look);
        var untilAlarms = TimeSpan.Zero;
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                foreach (var group in groups()) LookAt(group);
                SetAlarm("divergence", Diverged());
                SetAlarm("snapshot_failed", SnapshotFault());
                if ((untilAlarms -= Look) > TimeSpan.Zero) continue;
                untilAlarms = AskForAlarms;
                await LookAtKeyspaceAsync(stop);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private void LookAt(ReplicatedGroup group)
    {
        var status = group.Status;
        var (taken, installed) = (group.Meters.SnapshotsTaken.Value, group.Meters.SnapshotsInstalled.Value);
        var before = seen.GetValueOrDefault(group.Id) ?? new Seen(status with { Configuration = Consensus.Configuration.Empty, IsRestored = true, SnapshotFault = null }, RaftRole.Follower, NodeId.None, 0, 0);
        var (role, leader) = (before.Role, before.Leader);
        while (group.Meters.TryTakeTurn(out var turn)) (role, leader) = Tell(group.Id, turn, status.Commit, role, leader);
        var place = new EventPlace(group.Id.Value, status.Term.Value, status.Commit.Value);
        if (!ReferenceEquals(status.Configuration, before.Status.Configuration)) log.Say(NodeEvents.MembershipChanged, $"{Called(group.Id)}: {Listed(status.Configuration)}", place);
        var snapshot = new EventPlace(group.Id.Value, status.Snapshot.Term.Value, status.Snapshot.Index.Value);
        if (taken > before.Taken) log.Say(NodeEvents.SnapshotTaken, $"{Called(group.Id)}: up to {status.Snapshot}, {group.Meters.SnapshotBytes} bytes", snapshot);
        if (installed > before.Installed) log.Say(NodeEvents.SnapshotInstalled, $"{Called(group.Id)}: up to {status.Snapshot}", snapshot);
        if (status.IsRestored != before.Status.IsRestored && !status.IsGivenUp)
            log.Say(status.IsRestored ? NodeEvents.Restored : NodeEvents.Restoring, $"{Called(group.Id)}: {(status.IsRestored ? "the state is there" : "the state is being built again; no reads here until it is")}", place);
        if (status.SnapshotFault is { } fault && fault != before.Status.SnapshotFault) log.Warn(NodeEvents.SnapshotFailed, $"{Called(group.Id)}: {fault} Until one can be written the log only grows.", place);
        else if (status.SnapshotFault is null && before.Status.SnapshotFault is not null) log.Say(NodeEvents.SnapshotMended, Called(group.Id), place);
        seen[group.Id] = new Seen(status, role, leader, taken, installed);
    }

    private (RaftRole Role, NodeId Leader) Tell(GroupId group, in RoleTurn turn, LogIndex commit, RaftRole role, NodeId leader)
    {
        var place = new EventPlace(group.Value, turn.Term.Value, commit.Value);
        if (turn.Role != role && turn.Role is not RaftRole.PreCandidate) log.Say(NodeEvents.RoleChanged, $"{Called(group)}: {Word(turn.Role)} in term {turn.Term.Value}, was {Word(role)}", place);
        if (turn.Leader == NodeId.None && leader != NodeId.None) log.Warn(NodeEvents.LeaderLost, $"{Called(group)}: {nameOf(leader)} does not lead any more, and nobody is known to", place);
        if (turn.Leader != NodeId.None && turn.Leader != leader)
            log.Say(NodeEvents.Elected, $"{Called(group)}: {nameOf(turn.Leader)} leads term {turn.Term.Value}{(turn.Leaderless > TimeSpan.Zero ? $"; there was no leader for {turn.Leaderless.TotalMilliseconds:F0} ms" : "")}", place, turn.Leaderless);
        return (turn.Role is RaftRole.PreCandidate ? role : turn.Role, turn.Leader);
    }

    private async ValueTask LookAtKeyspaceAsync(CancellationToken stop)
    {
        try
        {
            var raised = (await face.HealthAsync(stop)).Alarms;
            SetAlarm("nospace", raised.Contains(AlarmType.Nospace) ? "the etcd keyspace is at its quota, or too few members have room on their disks: puts are refused until there is room (delete keys and compact; raise --quota, or free disk space)" : null);
            SetAlarm("corrupt", raised.Contains(AlarmType.Corrupt) ? "a member's keyspace was seen to differ from another's: compare them with etcdctl endpoint hashkv, and replace the one that differs" : null);
        }
        catch (EtcdException)
        {
            // It cannot say just now: what was on stays on.
        }
    }

    private void SetAlarm(string code, string? sentence)
    {
        if (!alarms.Set(code, sentence)) return;
        if (sentence is not null) log.Fail(NodeEvents.AlarmRaised, $"{code}: {sentence}");
        else log.Say(NodeEvents.AlarmCleared, code);
    }

    private string? Diverged() => seen.Values.FirstOrDefault(each => each.Status.HasDiverged) is { } bad
        ? $"{Called(bad.Status.Group)}: this replica's state differs from another's at the same index. One of the two is wrong. Stop writing, compare the nodes, and replace the one that differs (holdfast leave, then join anew)"
        : null;

    private string? SnapshotFault() => seen.Values.FirstOrDefault(each => each.Status.SnapshotFault is not null) is { } bad ? $"{Called(bad.Status.Group)}: {bad.Status.SnapshotFault}" : null;

    private string Listed(Consensus.Configuration configuration) =>
        string.Join(", ", configuration.Members.ToArray().Select(member => nameOf(member.Node) + (member.Role == MemberRole.Learner ? " (learner)" : member.Role == MemberRole.Witness ? " (witness)" : "")));

    private static string Called(GroupId group) => group.Value switch { 0 => "directory", 1 => "etcd keyspace", var number => $"group {number}" };

    private static string Word(RaftRole role) => role switch { RaftRole.Leader => "leader", RaftRole.Candidate or RaftRole.PreCandidate => "candidate", _ => "follower" };
}
