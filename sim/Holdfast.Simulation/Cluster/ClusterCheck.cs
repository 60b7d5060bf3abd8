using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Running;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Looks at what nodes say and at what their disks hold, and knows both. Rules are checked on each frame that is sent and after each turn: one vote and one
/// leader per term, no word before its disk, no commit that a quorum's disks do not hold, no term that goes back over a restart.
/// </summary>
internal sealed class ClusterCheck(ClusterWorld world)
{
    private readonly Dictionary<(GroupId Group, Term Term), NodeId> leaders = [];
    private readonly Dictionary<(NodeId Node, GroupId Group, Term Term), NodeId> votes = [];
    private readonly Dictionary<(NodeId Node, GroupId Group), Term> termsShown = [];
    private readonly Dictionary<(NodeId Node, GroupId Group), (Term Term, LogIndex Match)> acknowledged = [];
    private readonly Dictionary<(NodeId Node, GroupId Group), GroupStatus> seen = [];
    private readonly Dictionary<(NodeId Node, GroupId Group), LogIndex> commits = [];
    private readonly Dictionary<(GroupId Group, LogIndex Index), ulong> states = [];

    public static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }

    public void OnBoot(ClusterProcess process, NodeId identity, bool isNew)
    {
        Require(identity == process.Node, $"{process.Node} came back as {identity}");
        if (!isNew) world.Counts.CrashRecoveries++;
        if (world.IsTracing) world.Trace($"{process.Node} boots");
    }

    /// <summary>What recovery found must be on the disk for good (S7), and not be older than what the node has shown (S1), unless the disk was damaged and the log says so (S8).</summary>
    public void OnRecovered(ClusterProcess process, WalRecovery recovery)
    {
        if (world.IsTracing)
            foreach (var finding in recovery.Findings) world.Trace($"{process.Node} finds: {finding}");
        var isDamaged = recovery.Groups.Any(group => group.DamagedUpTo > LogIndex.Zero);
        if (isDamaged || (recovery.GroupsLost > 0 && !process.Machine.WasDamaged))
            Require(world.Atlas.IsDamaged(process.Node), $"{process.Node} finds its log damaged, and nothing harmed it: {string.Join(' ', recovery.Findings)}");
        else if (!process.Machine.IsRotten) world.Atlas.Repair(process.Node);
        process.Machine.IsInDoubt = false;
        process.Machine.WasDamaged |= isDamaged || recovery.GroupsLost > 0;
        foreach (var group in world.Groups)
        {
            var found = recovery.Find(group);
            foreach (var entry in found?.Entries ?? [])
                Require(process.Machine.Log.Of(group).Holds(entry.Position), $"{process.Node} came back with {entry.Position} of group {group}, which its disk does not hold");
            if (found is { DamagedUpTo.Value: > 0 } || recovery.GroupsLost > 0) continue;

            if (termsShown.TryGetValue((process.Node, group), out var shown)) Require(found is not null && found.HardState.Term >= shown, $"{process.Node} came back in term {found?.HardState.Term} of group {group}, but had shown term {shown}");
            // In the term in which it acknowledged them nobody can have taken entries back: they are there, or their loss is known.
            if (found is not null && acknowledged.TryGetValue((process.Node, group), out var word) && word.Term == found.HardState.Term)
                Require(found.Snapshot.Index + (ulong)found.Entries.Count >= word.Match, $"{process.Node} came back with group {group} up to {found.Snapshot.Index + (ulong)found.Entries.Count}, had acknowledged {word.Match}, and does not know that it lost anything");
            if (found is not null && votes.TryGetValue((process.Node, group, found.HardState.Term), out var vote))
                Require(found.HardState.Vote == vote, $"{process.Node} came back in term {found.HardState.Term} of group {group} with vote {found.HardState.Vote}, but had voted for {vote}");
        }
    }

    public void OnSent(ClusterProcess process, NodeId to, ReadOnlySpan<byte> frame)
    {
        var reader = new SpanReader(frame);
        if (!FrameHeader.TryDecode(ref reader, out var header)) return;
        switch (header.Kind)
        {
            case FrameKind.AppendReply when MessageCodec.TryDecode(ref reader, out AppendReply reply) && reply.Accepted && reply.Match != LogIndex.Zero:
                Require(process.Machine.Log.Of(header.Group).Holds(reply.Match), $"{process.Node} acknowledged {reply.Match} of group {header.Group}, which its disk does not hold");
                OnTermShown(process, header.Group, reply.Term);
                var before = acknowledged.GetValueOrDefault((process.Node, header.Group));
                if (reply.Term > before.Term || reply.Match > before.Match) acknowledged[(process.Node, header.Group)] = (reply.Term, reply.Match);
                break;
            case FrameKind.VoteReply when MessageCodec.TryDecode(ref reader, out VoteReply reply) && reply is { Granted: true, IsPreVote: false }:
                OnVote(process, header.Group, reply.Term, to);
                break;
            case FrameKind.RequestVote when MessageCodec.TryDecode(ref reader, out RequestVote request) && !request.IsPreVote:
                OnVote(process, header.Group, request.Term, process.Node);
                break;
            case FrameKind.RollAnswer when MessageCodec.TryDecode(ref reader, out RollAnswer answer) && answer is { Granted: true, IsTrial: false }:
                OnVote(process, header.Group, answer.Term, to);
                break;
            case FrameKind.CallRoll when MessageCodec.TryDecode(ref reader, out CallRoll call) && !call.IsTrial:
                OnVote(process, header.Group, call.Term, process.Node);
                break;
            default:
                break;
        }
    }

    public void AfterTurn(ClusterProcess process, LoopSeat seat)
    {
        foreach (var group in seat.Groups)
        {
            var status = group.Status;
            var name = (process.Node, group.Id);
            if (seen.TryGetValue(name, out var before) && ReferenceEquals(before, status)) continue;
            seen[name] = status;
            process.Machine.LastConfigurations[group.Id] = status.Configuration;
            if (world.Options.HasProcedures)
            {
                world.ProcedureCheck.AfterTurn(group);
                world.ProcedurePressures.AfterTurn(process, group);
            }

            if (status.Role == RaftRole.Leader) OnLeader(process, group, status, before);
            Require(!status.HasDiverged, $"{process.Node} was told that its state of group {group.Id} differs");
            OnApplied(process, group, status);
        }

        if (!process.HasDamage && world.Atlas.IsDamaged(process.Node) && process.Groups.TrueForAll(group => group.Replica.Node.IsWhole) && process.Machine is { IsRotten: false, IsInDoubt: false }) world.Atlas.Repair(process.Node);
    }

    /// <summary>A process is gone: the next one of the machine begins anew.</summary>
    public void OnDied(ClusterProcess process)
    {
        foreach (var group in world.Groups)
        {
            seen.Remove((process.Node, group));
            commits.Remove((process.Node, group));
        }
    }

    private void OnLeader(ClusterProcess process, ReplicatedGroup group, GroupStatus status, GroupStatus? before)
    {
        if (!leaders.TryGetValue((group.Id, status.Term), out var leader))
        {
            world.Counts.Elections++;
            if (world.IsTracing) world.Trace($"{process.Node} leads term {status.Term} of group {group.Id}");
            leaders.Add((group.Id, status.Term), leader = process.Node);
        }

        Require(leader == process.Node, $"two leaders in term {status.Term} of group {group.Id}: {leader} and {process.Node}");
        if (before is null || before.Configuration != status.Configuration) world.Counts.MembershipChanges += before is null ? 0 : 1;
        var commit = group.Replica.Node.Commit;
        if (commits.TryGetValue((process.Node, group.Id), out var known) && known >= commit) return;
        commits[(process.Node, group.Id)] = commit;
        var log = group.Replica.Node.Log;
        if (log.TermAt(commit) is not { } term || term != status.Term) return;
        var position = new LogPosition(term, commit);
        Require(IsOnQuorum(group.Id, status.Configuration, position) || IsOnQuorum(group.Id, group.Replica.Node.ConfigurationAt(commit), position),
            $"{process.Node} committed {position} of group {group.Id}, which no quorum of {status.Configuration} has on disk");
    }

    private bool IsOnQuorum(GroupId group, Configuration configuration, LogPosition position) =>
        IsOnMajority(group, configuration.Members, position) && (!configuration.IsJoint || IsOnMajority(group, configuration.Outgoing, position));

    private bool IsOnMajority(GroupId group, ReadOnlySpan<Member> members, LogPosition position)
    {
        int counted = 0, holding = 0;
        foreach (var member in members)
        {
            if (!member.CountsForQuorum) continue;
            counted++;
            if ((world.Logs.TryGetValue(member.Node, out var log) && log.Of(group).Holds(position)) || HasLost(member.Node, group, position)) holding++;
        }

        return holding > counted / 2;
    }

    /// <summary>
    /// The disk held it when its node acknowledged it, and was harmed since. A leader may count that word later: recovery knows of the loss (<see cref="OnRecovered"/>),
    /// and the node helps nobody to a majority without it (S8).
    /// </summary>
    private bool HasLost(NodeId node, GroupId group, LogPosition position) =>
        world.Atlas.IsDamaged(node) && acknowledged.TryGetValue((node, group), out var word) && word.Term == position.Term && word.Match >= position.Index;

    private void OnApplied(ClusterProcess process, ReplicatedGroup group, GroupStatus status)
    {
        world.Note(status.Applied.Value << 16 ^ status.StateHash ^ group.Id.Value);
        if (group.Replica.State is not { IsMidEntry: false } || !group.Replica.Restoring.IsReady || group.Replica.Execution is { IsSettled: false }) return;
        var hash = group.Replica.State.StateHash;
        if (world.Options.HasShards && ClusterWorld.ShardIds.Contains(group.Id)) world.ShardCheck.OnApplied(process, group.Id);
        var at = (group.Id, group.Replica.State.Applied.Index);
        if (states.TryGetValue(at, out var known)) Require(known == hash, $"{process.Node}: the state of group {group.Id} at {at.Index} is another than on the replica before it");
        else states.Add(at, hash);
    }

    private void OnVote(ClusterProcess process, GroupId group, Term term, NodeId candidate)
    {
        var disk = process.Machine.Log.Of(group);
        Require(disk.Term > term || (disk.Term == term && disk.Vote == candidate), $"{process.Node} voted for {candidate} in term {term} of group {group}, which its disk does not hold");
        if (!votes.TryAdd((process.Node, group, term), candidate))
            Require(votes[(process.Node, group, term)] == candidate, $"{process.Node} voted twice in term {term} of group {group}");
        OnTermShown(process, group, term);
    }

    private void OnTermShown(ClusterProcess process, GroupId group, Term term)
    {
        Require(process.Machine.Log.Of(group).Term >= term, $"{process.Node} showed term {term} of group {group}, which its disk does not hold");
        if (!termsShown.TryGetValue((process.Node, group), out var shown) || shown < term) termsShown[(process.Node, group)] = term;
    }
}
