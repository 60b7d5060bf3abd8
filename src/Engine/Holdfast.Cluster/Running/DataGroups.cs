using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// This node's replicas of data groups, made to follow the directory: begun where the directory places one here, deleted on a committed tombstone and on nothing less (S6).
/// A replica whose place has moved away stays, idle and without a vote, until its group is deleted: its own group's log, not the directory, says that it counts no more. Until the group's leader has proven that
/// (<see cref="DepartureProof"/>) it is begun again after a restart too, and begun at all where it is one of the group's first members and came too late, for it may be the one that the group's quorum lacks; then its
/// state goes, from memory and disk, and what this node said in the log stays.
/// </summary>
internal sealed class DataGroups(INodeSeat seat, Func<GroupId, CancellationToken, ValueTask<ReplicaReport?>> leaderOf)
{
    private static readonly TimeSpan BetweenDepartures = TimeSpan.FromSeconds(3);

    private static readonly Mark Buried = new("cluster: a replica was deleted on its group's tombstone");
    private static readonly Mark StillCounted = new("cluster: a replica that is placed elsewhere was begun, because its group may count on it");
    private static readonly Mark DirectoryBehind = new("cluster: a group that was deleted here was still in a directory that is behind");
    private static readonly Mark JoinedEmpty = new("cluster: a replica of a group that exists began empty");

    /// <summary>
    /// Begun since the start, whether their state is there yet or not: a large one takes long to restore, and one that is damaged here comes from its peers, when they are there. Nothing else
    /// waits for it.
    /// </summary>
    private readonly HashSet<GroupId> begun = [];

    /// <summary>Deleted since the start: the log's own tombstone is read at the next one.</summary>
    private readonly HashSet<GroupId> buried = [];

    /// <summary>Given up since the start.</summary>
    private readonly HashSet<GroupId> departed = [];

    private readonly DepartureProof proof = new(seat.Member.Node);
    private Task<GroupRecord[]> departing = Task.FromResult<GroupRecord[]>([]);
    private Instant departAt = Instant.Zero;

    /// <summary>One look: begins and ends what the directory says.</summary>
    public async Task FollowAsync(DirectoryView view, CancellationToken cancellation)
    {
        foreach (var (id, group) in view.Groups)
            if (!begun.Contains(id) && group.Replicas.Any(place => place.Node == seat.Member.Node) && !IsDeletedHere(id)) Begin(group);
        foreach (var id in view.Tombstones) await BuryAsync(id, view).ConfigureAwait(false);
        if (!departing.IsCompleted) return;
        foreach (var group in await departing.ConfigureAwait(false))
            if (!begun.Contains(group.Id) && view.Groups.ContainsKey(group.Id)) BeginLeft(group.Id, group);
        if (seat.Now < departAt) return;
        departAt = seat.Now + BetweenDepartures;
        departing = DepartAsync([.. view.Groups.Values.Where(IsAway)], cancellation);
    }

    /// <summary>Whether this node's log says that the group is gone, whatever a directory says that was read back at a restart and is behind: its id is used up (S6).</summary>
    private bool IsDeletedHere(GroupId group)
    {
        if (seat.FindRecovered(group) is not { IsTombstoned: true }) return false;
        DirectoryBehind.Hit();
        return true;
    }

    private bool IsFounder(GroupRecord group) => group.Founders.Any(place => place.Node == seat.Member.Node);

    /// <summary>Whether the directory places a group elsewhere that is here still, begun or left from before a restart, or that was to begin here.</summary>
    private bool IsAway(GroupRecord group)
    {
        var isPlaced = group.Replicas.Any(place => place.Node == seat.Member.Node);
        if (isPlaced) departed.Remove(group.Id);
        var isAway = !isPlaced && !departed.Contains(group.Id) && (begun.Contains(group.Id) || (seat.FindRecovered(group.Id) is { } left ? !left.IsTombstoned : IsFounder(group)));
        if (!isAway) proof.Forget(group.Id);
        return isAway;
    }

    /// <summary>Beside the looks, for it asks other nodes. The groups that may still count on this node.</summary>
    private async Task<GroupRecord[]> DepartAsync(GroupRecord[] away, CancellationToken cancellation)
    {
        var counting = new List<GroupRecord>();
        try
        {
            foreach (var group in away)
            {
                var leader = await leaderOf(group.Id, cancellation).ConfigureAwait(false);
                if (leader is null || leader.Configuration.Contains(seat.Member.Node)) counting.Add(group);
                if (!IsProven(group.Id, leader) || !await seat.GiveUpStateAsync(group.Id).ConfigureAwait(false)) continue;
                departed.Add(group.Id);
                seat.Say($"group {group.Id} ({group.Face}): it counts on this node no more; what it had here was freed");
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }

        return seat.Bug == PlantedProcedureBug.MovedReplicaStaysDown ? [] : [.. counting];
    }

    private bool IsProven(GroupId group, ReplicaReport? leader) => proof.Look(group, leader) || seat.Bug == PlantedProcedureBug.StateGivenUpOnRecord;

    /// <summary>
    /// A replica from before a restart, placed elsewhere by now, of a group that may count on it: nobody leads, or the leader's log has it among the members. Or one of the first members, which was to begin here and
    /// was placed elsewhere before it had.
    /// </summary>
    private void BeginLeft(GroupId id, GroupRecord group)
    {
        var left = seat.FindRecovered(id);
        if (left is { IsTombstoned: true } || (left is null && !IsFounder(group))) return;
        StillCounted.Hit();
        if (left is null) Begin(group);
        else BeginAgain(group, left, $"group {id}: placed elsewhere, and begun here until the group has committed to go on without this node");
    }

    /// <summary>A replica left from before a restart, as its log has it; false when this program does not carry its face.</summary>
    private bool BeginAgain(GroupRecord group, RecoveredGroup left, string story)
    {
        var isWitness = left.Configuration.IsWitness(seat.Member.Node);
        var machine = isWitness ? null : seat.NewState(group);
        if (machine is null && !isWitness) return false;
        _ = BeginAsync(group.Id, machine, left.Configuration, story);
        return true;
    }

    private void Begin(GroupRecord group)
    {
        // A witness keeps the log's places and no state: entries come to it without their payloads.
        var isWitness = group.Replicas.Concat(group.Founders).FirstOrDefault(place => place.Node == seat.Member.Node).Role == MemberRole.Witness;
        var machine = isWitness ? null : seat.NewState(group);
        if (machine is null && !isWitness) return;

        // A founder, however late, begins with the group's first configuration; everybody else is nobody until the group's leader adds it (S4).
        var isFounder = IsFounder(group);
        if (!isFounder) JoinedEmpty.Hit();
        var initial = isFounder ? Configuration.Of(group.Founders.Select(place => new Member(place.Node, place.Role)).ToArray()) : Configuration.Empty;
        _ = BeginAsync(group.Id, machine, initial, $"group {group.Id} ({group.Face}): a replica begins here{(isFounder ? "" : ", empty")}{(isWitness ? ", as a witness" : "")}");
    }

    /// <summary>The replica is on its loop when the first part returns; the task ends with the state.</summary>
    private async Task BeginAsync(GroupId id, IStateMachine? machine, Configuration initial, string story)
    {
        begun.Add(id);
        try
        {
            await seat.BeginReplicaAsync(id, machine, initial).ConfigureAwait(false);
            seat.Say(story);
        }
        catch (SnapshotDamagedException damaged)
        {
            seat.Warn($"group {id} does not begin here: {damaged.Message}");
        }
        catch (ObjectDisposedException)
        {
            // Deleted before its state was there, or the node stops.
        }
    }

    private async Task BuryAsync(GroupId id, DirectoryView view)
    {
        if (buried.Contains(id)) return;
        if (!begun.Contains(id))
        {
            // Left from before a restart: begun once more, so that its end is written into the log.
            if (seat.FindRecovered(id) is not { IsTombstoned: false } left || !BeginAgain(new GroupRecord(id, "", []), left, $"group {id}: begun once more to be deleted")) return;
        }

        Invariant.Holds(!view.Groups.ContainsKey(id), "a group has a tombstone and is still there");
        Buried.Hit();
        buried.Add(id);
        await seat.DeleteReplicaAsync(id).ConfigureAwait(false);
        seat.Say($"group {id}: deleted; its id is never used again");
    }
}
