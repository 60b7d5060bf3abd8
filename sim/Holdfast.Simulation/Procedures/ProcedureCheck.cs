using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Procedures;

/// <summary>
/// Holds what the directory says against what the groups have committed, and both against themselves: ids are used once, who left stays away, a procedure that has ended is true of every group, nothing is given up or
/// deleted but on the group's own word.
/// </summary>
internal sealed class ProcedureCheck(ClusterWorld world)
{
    private static readonly Mark Handed = new("sim: a procedure ended under another leader of the directory than it began under");
    private static readonly Mark Replaced = new("sim: a wiped node's next incarnation took its places");
    private static readonly Mark Left = new("sim: a node left all groups");

    private readonly Dictionary<ulong, (DirectoryView View, long At)> views = [];
    private readonly Dictionary<ulong, Term> begunUnder = [];
    private readonly HashSet<GroupId> groupsEver = [];
    private readonly HashSet<NodeId> membersEver = [];
    private readonly SortedDictionary<GroupId, (LogIndex Commit, Configuration Members)> committed = [];
    private readonly HashSet<(GroupId Group, NodeId Node)> gone = [];
    private readonly SortedDictionary<GroupId, LedgerCheck> ledgers = [];

    /// <summary>The directory after the newest entry that any replica has applied.</summary>
    public DirectoryView Truth { get; private set; } = DirectoryView.Empty;

    /// <summary>The groups that there are now, by the directory.</summary>
    public GroupId[] Groups { get; private set; } = [GroupId.Directory, GroupId.Coordination];

    /// <summary>What was written to the groups that hold data.</summary>
    public IReadOnlyDictionary<GroupId, LedgerCheck> Ledgers => ledgers;

    /// <summary>The members that groups are to have: a disk that they cannot do without must not be lost before they have come.</summary>
    public IEnumerable<Configuration> Planned
    {
        get
        {
            NodeId[] staying = [.. Truth.Members.Keys.Where(node => !Truth.IsBeingReplaced(node))];
            if (staying.Length <= Genesis.VotersMax) yield return Configuration.OfVoters(staying);
            foreach (var (id, group) in Truth.Groups)
            {
                yield return Of(group.Replicas);
                if (!committed.ContainsKey(id)) yield return Of(group.Founders);
            }
        }
    }

    public LedgerCheck LedgerOf(GroupId group)
    {
        if (ledgers.TryGetValue(group, out var known)) return known;
        return ledgers[group] = new LedgerCheck($"group {group}");
    }

    /// <summary>A replica of the directory has a new content, from an entry or a snapshot.</summary>
    public void OnView(ClusterProcess process, DirectoryView view)
    {
        if (views.TryGetValue(view.Revision, out var known))
        {
            Require(IsSame(known.View, view), $"{process.Node} has another directory at revision {view.Revision} than the replica before it");
            return;
        }

        Require(view.Revision == Truth.Revision + 1, $"{process.Node} has revision {view.Revision} of the directory, and nobody had more than {Truth.Revision}");
        OnStep(Truth, view);
        views.Add(view.Revision, (view, world.Clock.Now));
        Truth = view;
        Groups = [GroupId.Directory, GroupId.Coordination, .. view.Groups.Keys];
    }

    /// <summary>What a leader has committed of its group's members is the group's own word.</summary>
    public void AfterTurn(ReplicatedGroup group)
    {
        var core = group.Replica.Node;
        if (core.Role != RaftRole.Leader) return;
        var before = committed.TryGetValue(group.Id, out var known) ? known : (Commit: LogIndex.Zero, Members: Configuration.Empty);
        if (core.Commit <= before.Commit) return;
        var now = core.ConfigurationAt(core.Commit);
        committed[group.Id] = (core.Commit, now);
        if (!now.Equals(before.Members)) OnMembers(group.Id, before.Members, now);
    }

    /// <summary>Whether what a node's log says of a group's members may still decide something: it is one of them, as far as the group has committed.</summary>
    public bool MayDecide(GroupId group, NodeId node) => !Truth.Tombstones.Contains(group) && (!committed.TryGetValue(group, out var known) || known.Members.Contains(node));

    /// <summary>
    /// A node asks for a change of members: it led the directory, and knew all that was decided there, at some moment since it began the round in which it found that necessary. What was decided before that by another's lead
    /// and is not in its own directory it cannot have confirmed.
    /// </summary>
    public void OnAsked(ClusterProcess process, ProcedureAction.ChangeMembers change, DirectoryView view, long roundBegan)
    {
        for (var revision = view.Revision + 1; revision <= Truth.Revision; revision++)
        {
            var (later, at) = views[revision];
            if (at >= roundBegan) return;
            Demand(IsSameForDrivers(view, later), $"{process.Node} asks group {change.Group} to become {change.To} by revision {view.Revision} of the directory, and another had been decided {(roundBegan - at) / 10_000} ms before it began to look");
        }
    }

    /// <summary>A replica is deleted: its group's end was committed (S6).</summary>
    public void OnDelete(ClusterProcess process, GroupId group) => Demand(Truth.Tombstones.Contains(group), $"{process.Node} deletes its replica of group {group}, which nobody has ended");

    /// <summary>A replica's state is given up: the group has committed that it goes on without it (S6).</summary>
    public void OnGiveUp(ClusterProcess process, GroupId group) => Demand(
        !committed.TryGetValue(group, out var known) || !known.Members.Contains(process.Node), $"{process.Node} gives up its state of group {group}, whose members are {MembersOf(group)}");

    /// <summary>After healing and a while of calm: everything that was begun has ended, and the groups are as the directory has it.</summary>
    public void Final()
    {
        foreach (var (id, procedure) in Truth.Procedures)
            Require(procedure.State != ProcedureState.Running, $"procedure {id} was begun and never ended: {procedure.Kind} of {procedure.Subject}{Waiting(id)}");
        foreach (var (node, member) in Truth.Members)
            Require(world.MachineOf(node) is { IsUp: true }, $"{node} ({member.Name}) is a member and did not come back");
        foreach (var group in Groups) CheckMembers(group, MembersOf(group));
        foreach (var machine in world.Machines) CheckMachine(machine);
    }

    private void CheckMembers(GroupId group, Configuration members)
    {
        if (Truth.Groups.TryGetValue(group, out var record))
        {
            var planned = Of(record.Replicas);
            Require(members.Equals(planned), $"group {group} ends with {members}, planned were {planned}");
            return;
        }

        Require(!members.IsJoint && members.Members.ToArray().Select(member => member.Node).SequenceEqual(Truth.Members.Keys), $"group {group} ends with {members}, the cluster's members are {string.Join(' ', Truth.Members.Keys)}");
        var voters = members.Members.ToArray().Count(member => member.Role == MemberRole.Voter);
        var wanted = Math.Min(Genesis.VotersMax, Truth.Members.Count);
        Require(voters == wanted, $"group {group} ends with {voters} voters of {wanted}: {members}");
    }

    private void CheckMachine(ClusterMachine machine)
    {
        if (machine.Process is not { Procedures: { IsMember: true } site } process || !Truth.Members.ContainsKey(machine.Node)) return;
        Require(site.View.Revision == Truth.Revision, $"{machine.Node} has revision {site.View.Revision} of the directory, which is at {Truth.Revision}");
        foreach (var group in process.Groups)
        {
            Require(!Truth.Tombstones.Contains(group.Id), $"{machine.Node} still has group {group.Id}, which was deleted");
            var isPlaced = !Truth.Groups.TryGetValue(group.Id, out var record) || record.Replicas.Any(place => place.Node == machine.Node);
            Require(isPlaced || group.Status.IsGivenUp, $"{machine.Node} still has the state of group {group.Id}, which counts on it no more");
        }
    }

    private void OnStep(DirectoryView before, DirectoryView after)
    {
        Require(before.Removed.IsSubsetOf(after.Removed), "the directory forgot who was removed");
        Require(before.Tombstones.IsSubsetOf(after.Tombstones), "the directory forgot a tombstone");
        Require(after.NextGroup >= before.NextGroup && after.NextProcedure >= before.NextProcedure, "the directory counts backwards");
        foreach (var (node, _) in after.Members)
        {
            Require(!after.Removed.Contains(node), $"{node} was removed for good and is a member");
            if (!before.Members.ContainsKey(node)) Require(membersEver.Add(node), $"{node} became a member twice");
        }

        foreach (var (id, group) in after.Groups) OnGroup(id, before.Groups.GetValueOrDefault(id), group, after.Members);
        foreach (var (id, procedure) in after.Procedures) OnProcedure(before.Procedures.GetValueOrDefault(id), procedure, after);
        foreach (var (id, procedure) in before.Procedures)
            Require(after.Procedures.ContainsKey(id) || procedure.State != ProcedureState.Running, $"procedure {id} was forgotten while it ran");
    }

    private void OnGroup(GroupId id, GroupRecord? before, GroupRecord after, ImmutableSortedDictionary<NodeId, MemberRecord> members)
    {
        if (before is null) Require(groupsEver.Add(id), $"group id {id} was given twice");
        foreach (var place in after.Replicas) Require(members.ContainsKey(place.Node), $"group {id} is placed on {place.Node}, who is no member");
        foreach (var place in after.Replicas)
            if (before?.Replicas.Any(known => known.Node == place.Node) != true) gone.Remove((id, place.Node)); // It is wanted there again.
    }

    private void OnProcedure(ProcedureRecord? before, ProcedureRecord after, DirectoryView view)
    {
        if (before is null)
        {
            if (world.IsTracing) world.Trace($"procedure {after.Id} begins: {after.Kind} of {after.Subject} for {after.Replaces}");
            Require(begunUnder.TryAdd(after.Id, DirectoryTerm()), $"procedure number {after.Id} was given twice");
            return;
        }

        if (before.State != ProcedureState.Running)
        {
            Require(after.State == before.State, $"procedure {after.Id} had ended and is {after.State}");
            return;
        }

        if (after.State == ProcedureState.Running) return;
        if (world.IsTracing) world.Trace($"procedure {after.Id} ends {after.State} {after.Note}");
        if (begunUnder[after.Id] != DirectoryTerm()) Handed.Hit();
        if (after.State == ProcedureState.Done) OnDone(after, view);
    }

    /// <summary>The directory says that it is done: then it is, by every group's own log.</summary>
    private void OnDone(ProcedureRecord procedure, DirectoryView view)
    {
        var leaves = procedure.Kind == ProcedureKind.RemoveNode ? procedure.Subject : procedure.Replaces;
        if (procedure.Kind == ProcedureKind.RemoveNode) Left.Hit();
        if (procedure.Kind == ProcedureKind.ReplaceIncarnation) Replaced.Hit();
        GroupId[] groups = [GroupId.Directory, GroupId.Coordination, .. view.Groups.Keys];
        foreach (var group in groups)
        {
            var members = MembersOf(group);
            Require(leaves == NodeId.None || !members.CountsForQuorum(leaves), $"procedure {procedure.Id} says that {leaves} is gone, and group {group} counts on it: {members}");
            var isWhole = group == GroupId.Directory || group == GroupId.Coordination;
            if (procedure.Kind != ProcedureKind.RemoveNode && isWhole) Require(members.Contains(procedure.Subject), $"procedure {procedure.Id} says that {procedure.Subject} is there, and group {group} does not know it: {members}");
        }
    }

    private void OnMembers(GroupId group, Configuration before, Configuration after)
    {
        if (world.IsTracing) world.Trace($"group {group} has committed {after}");
        foreach (var member in after.Members)
            if (!before.Contains(member.Node)) Require(!gone.Contains((group, member.Node)), $"group {group} takes in {member.Node} once more: {before} becomes {after}");
        foreach (var member in before.Members) Note(member.Node);
        foreach (var member in before.Outgoing) Note(member.Node);

        void Note(NodeId node)
        {
            if (after.Contains(node)) return;
            var isWanted = Truth.Groups.TryGetValue(group, out var record) && record.Replicas.Any(place => place.Node == node) && !Truth.Removed.Contains(node);
            if (!isWanted) gone.Add((group, node));
        }
    }

    private string Waiting(ulong id) => world.LeaderOf(GroupId.Directory)?.Procedures?.WaitsFor(id) is { Length: > 0 } what ? $"; waits for {what}" : "";

    private Term DirectoryTerm() => world.LeaderOf(GroupId.Directory)?.GroupOf(GroupId.Directory).Status.Term ?? Term.Zero;

    public Configuration MembersOf(GroupId group) => committed.TryGetValue(group, out var known) ? known.Members : Configuration.Empty;

    private static Configuration Of(ImmutableArray<ReplicaPlace> places) => Configuration.Of([.. places.Select(place => new Member(place.Node, place.Role))]);

    /// <summary>Whether two directories give a runner the same to do.</summary>
    private static bool IsSameForDrivers(DirectoryView one, DirectoryView other) =>
        one.Members.Keys.SequenceEqual(other.Members.Keys) && one.Procedures.Values.SequenceEqual(other.Procedures.Values) && one.Groups.Keys.SequenceEqual(other.Groups.Keys)
        && one.Groups.Values.Zip(other.Groups.Values).All(static pair => pair.First.Replicas.AsSpan().SequenceEqual(pair.Second.Replicas.AsSpan()));

    private static bool IsSame(DirectoryView one, DirectoryView other) =>
        one.Members.Keys.SequenceEqual(other.Members.Keys) && one.Groups.Keys.SequenceEqual(other.Groups.Keys) && one.Tombstones.SetEquals(other.Tombstones) && one.Removed.SetEquals(other.Removed)
        && one.Procedures.Values.SequenceEqual(other.Procedures.Values) && one.NextGroup == other.NextGroup && one.NextProcedure == other.NextProcedure && one.Tokens.Values.SequenceEqual(other.Tokens.Values);

    private static void Require(bool holds, string sentence) => ClusterCheck.Require(holds, sentence);

    /// <summary>The same, where production code would take the exception for a fault of its own.</summary>
    private void Demand(bool holds, string sentence)
    {
        if (!holds) world.Fault(new CheckFailedException(sentence));
    }
}
