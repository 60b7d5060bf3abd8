using System.Buffers.Binary;
using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Procedures;

/// <summary>
/// Those who run the cluster: they hand out tokens, create, move and delete groups, and send nodes away, at whatever member answers. What gets lost they ask for no more, but a token, and one last move when nothing
/// else is under way. A machine whose node was removed comes back empty.
/// </summary>
internal sealed class Operators(ClusterWorld world)
{
    private const int GroupsMax = 4;

    /// <summary>How long after healing they still let newcomers in; machines that were wiped are let in at any time.</summary>
    private static readonly TimeSpan NewcomersUntil = TimeSpan.FromSeconds(3);

    /// <summary>How long what they asked for may still be on its way to the directory.</summary>
    private static readonly TimeSpan OnItsWay = TimeSpan.FromSeconds(8);

    private static readonly Mark SentAway = new("sim: a node was sent away");
    private static readonly Mark CameBack = new("sim: a machine whose node was removed came back as another");
    private static readonly Mark Refused = new("sim: a joiner was refused");
    private static readonly Mark MovedOnPurpose = new("sim: a data group's replica was placed elsewhere on purpose");
    private static readonly Mark MovedInQuiet = new("sim: a data group's replica was placed elsewhere while nothing else was under way");

    private readonly SeededRandom dice = world.Dice.Fork();
    private readonly Dictionary<NodeId, byte[]> tokens = [];
    private readonly HashSet<NodeId> retiring = [];
    private readonly List<(Configuration Places, long Until)> asked = [];
    private long sendingAwayUntil;
    private bool hasMovedInQuiet;

    /// <summary>What the founders agreed on; how they do is the model of founding's to check.</summary>
    public Genesis Founding { get; private set; } = null!;

    private DirectoryView Truth => world.ProcedureCheck.Truth;

    /// <summary>The members of groups as they will be when what was asked for has arrived.</summary>
    public IEnumerable<Configuration> Asked => asked.Where(each => each.Until > world.Clock.Now).Select(static each => each.Places);

    private bool MayAdmitNew => world.Clock.Now < (world.Options.Procedures == ProcedurePressure.LearnersAway ? world.Options.Storm / 2 : world.Options.Storm + NewcomersUntil).Ticks;

    /// <summary>Whether the directory changes several times a second: who drives by yesterday's has to be wrong.</summary>
    private bool IsRestless => world.Options.Procedures is ProcedurePressure.Restless or ProcedurePressure.TwoDrivers or ProcedurePressure.LateServant;

    public void Begin(int founders)
    {
        Founding = new Genesis { Cluster = ClusterWorld.Cluster, Founder = world.Machines[0].Node, Members = [.. world.Machines.Take(founders).Select(ProcedureSite.RecordOf)] };
        Later();
    }

    /// <summary>The secret that a machine without a cluster was given; null while it has none.</summary>
    public byte[]? TokenFor(ClusterMachine machine) => tokens.GetValueOrDefault(machine.Node);

    /// <summary>Its token is worth nothing: it is given another. One that was admitted and died before it knew, and whose token is worth nothing by now, begins anew on an empty disk.</summary>
    public void OnRefused(ClusterMachine machine)
    {
        Refused.Hit();
        tokens.Remove(machine.Node);
        if (Truth.Members.ContainsKey(machine.Node)) machine.Wipe();
    }

    /// <summary>Whether a disk may be lost now: not while a node is on its way out, for then two are gone where one was planned for.</summary>
    public bool MayWipe(ClusterMachine machine) => !Truth.Removed.Contains(machine.Node) && !IsAnyoneLeaving() && world.Clock.Now > sendingAwayUntil;

    /// <summary>Sends another node away right after one was lost: of those who would be left too few may be there to decide anything.</summary>
    public void SendAwayBeside(ClusterMachine lost)
    {
        var others = world.Machines.Where(machine => machine != lost && machine.IsUp && Truth.Members.ContainsKey(machine.Node)).ToArray();
        if (others.Length > 0 && !IsAnyoneLeaving()) SendAway(others[dice.Next(others.Length)].Node);
    }

    /// <summary>Sends a voter of the whole cluster's groups away, when there are learners of whom one can follow it; false when not.</summary>
    public bool SendVoterAway()
    {
        var members = world.ProcedureCheck.MembersOf(GroupId.Directory).Members.ToArray();
        var voters = members.Where(member => member.Role == MemberRole.Voter && Truth.Members.ContainsKey(member.Node)).ToArray();
        if (voters.Length == members.Length || voters.Length == 0 || IsAnyoneLeaving()) return false;
        SendAway(voters[dice.Next(voters.Length)].Node);
        return true;
    }

    private void Later() => world.Clock.After(IsRestless ? dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(150)) : dice.NextSpan(TimeSpan.FromMilliseconds(60), TimeSpan.FromMilliseconds(500)), () =>
    {
        HandOutToken();
        Retire();
        if (!world.IsHealed && dice.Chance(0.5)) Change();
        if (world.IsHealed && !MayAdmitNew) MoveInQuiet();
        if (!world.IsClosing) Later();
    });

    private void Change()
    {
        var kind = dice.Next(10);
        switch (kind)
        {
            case < 3:
                if (Truth.Groups.Count < GroupsMax) Create();
                break;
            case < 4:
                if (Truth.Groups.Count > 1) Tell(DirectoryCommand.DeleteGroup(AnyGroup()));
                break;
            default:
                if (world.Options.Procedures == ProcedurePressure.LeaderAlone && IsAnythingRunning()) break; // While one is replaced, groups change for nothing else.
                if (kind < 7 || world.Options.Procedures is ProcedurePressure.Restless or ProcedurePressure.LeaderAlone) Move();
                else SendAwayAny();
                break;
        }
    }

    private void Create()
    {
        var (places, refusal) = NewGroup.Plan(Truth, "keyspace", dice.Chance(0.8) ? 3 : 1);
        if (refusal.Length == 0 && MayAsk(places)) Tell(DirectoryCommand.CreateGroup("keyspace", places));
    }

    /// <summary>One replica of a group goes to a member that has none; false when there is none such, or nobody to be asked.</summary>
    private bool Move(Action<DirectoryReply>? heard = null)
    {
        if (Truth.Groups.Count == 0) return false;
        var group = Truth.Groups[AnyGroup()];
        var free = Truth.Members.Keys.Where(node => !group.Replicas.Any(place => place.Node == node) && Truth.RunningAbout(node) is null && !Truth.IsBeingReplaced(node)).ToArray();
        if (free.Length == 0) return false;
        var places = group.Replicas.SetItem(dice.Next(group.Replicas.Length), new ReplicaPlace(free[dice.Next(free.Length)], MemberRole.Voter));
        if (!MayAsk(places)) return false;
        MovedOnPurpose.Hit();
        return Tell(DirectoryCommand.PlaceGroup(group.Id, places), heard);
    }

    /// <summary>Once, when all is healed and nothing is under way any more: a group that no procedure is about has to follow its record all the same.</summary>
    private void MoveInQuiet()
    {
        if (hasMovedInQuiet || IsAnythingRunning() || !Truth.Members.Keys.All(node => world.MachineOf(node) is { IsUp: true })) return;
        if (Truth.Groups.Count == 0) Create();
        else hasMovedInQuiet = Move(OnDecided);

        void OnDecided(DirectoryReply reply)
        {
            hasMovedInQuiet = reply.Accepted;
            if (reply.Accepted) MovedInQuiet.Hit();
        }
    }

    /// <summary>No group is asked for that could not decide, because most of its places are on disks that were lost.</summary>
    private bool MayAsk(ImmutableArray<ReplicaPlace> places)
    {
        var members = Configuration.Of([.. places.Select(place => new Member(place.Node, place.Role))]);
        if (!world.Atlas.IsViable(members.Members)) return false;
        asked.RemoveAll(each => each.Until <= world.Clock.Now);
        asked.Add((members, world.Clock.Now + OnItsWay.Ticks));
        return true;
    }

    private void SendAwayAny()
    {
        if (Truth.Members.Count < 4 || IsAnyoneLeaving() || (!dice.Chance(0.4) && Truth.Members.Keys.Any(node => world.MachineOf(node) is null || Truth.IsBeingReplaced(node)))) return;
        SendAway(Truth.Members.Keys.ElementAt(dice.Next(Truth.Members.Count)));
    }

    private void SendAway(NodeId node)
    {
        SentAway.Hit();
        sendingAwayUntil = world.Clock.Now + TimeSpan.FromSeconds(4).Ticks;
        Tell(DirectoryCommand.RemoveNode(node));
    }

    private void HandOutToken()
    {
        foreach (var machine in world.Machines)
        {
            if (machine.Process is not { IsAlive: true, Procedures: { IsMember: false } } || tokens.ContainsKey(machine.Node)) continue;
            var isWiped = Truth.FindByName(machine.Name) is not null || Founding.Members.Any(member => member.Name == machine.Name && Truth.Members.Count == 0);
            if (!isWiped && !MayAdmitNew) continue;
            var secret = new byte[16];
            BinaryPrimitives.WriteUInt64LittleEndian(secret, dice.NextUInt64());
            var node = machine.Node;
            tokens[node] = secret;
            if (!Tell(DirectoryCommand.AddToken(JoinToken.HashOf(secret), TimeSpan.FromSeconds(dice.Next(2, 60)).Ticks / 10, 1), reply => OnTokenDecided(node, reply))) tokens.Remove(node);
            return;
        }
    }

    private void OnTokenDecided(NodeId node, DirectoryReply reply)
    {
        if (!reply.Accepted) tokens.Remove(node); // It is handed another.
    }

    /// <summary>A node that was removed for good is switched off sooner or later, and its machine comes back empty.</summary>
    private void Retire()
    {
        foreach (var machine in world.Machines)
        {
            if (!Truth.Removed.Contains(machine.Node) || !retiring.Add(machine.Node)) continue;
            var node = machine.Node;
            world.Clock.After(dice.NextSpan(TimeSpan.Zero, TimeSpan.FromSeconds(2)), () =>
            {
                if (machine.Node != node) return;
                CameBack.Hit();
                machine.Wipe();
            });
        }
    }

    private bool IsAnythingRunning() => Truth.Procedures.Values.Any(static procedure => procedure.State == ProcedureState.Running);

    private bool IsAnyoneLeaving() => Truth.Procedures.Values.Any(procedure => procedure is { State: ProcedureState.Running, Kind: ProcedureKind.RemoveNode });

    private GroupId AnyGroup() => Truth.Groups.Keys.ElementAt(dice.Next(Truth.Groups.Count));

    /// <summary>Asks a member that is there; false when there is none. What it answers is heard, unless it dies first.</summary>
    private bool Tell(byte[] command, Action<DirectoryReply>? heard = null)
    {
        var members = world.Machines.Where(machine => machine.Process is { IsAlive: true, Procedures.IsMember: true } && !Truth.Removed.Contains(machine.Node)).ToArray();
        if (members.Length == 0) return false;
        var process = members[dice.Next(members.Length)].Process!;
        process.WhenAwake(() => _ = TellAsync(process, command, heard));
        return true;
    }

    private static async Task TellAsync(ClusterProcess process, byte[] command, Action<DirectoryReply>? heard)
    {
        try
        {
            var reply = await process.Procedures!.TellAsync(command);
            heard?.Invoke(reply);
        }
        catch (Exception fault)
        {
            process.OnFault(fault);
        }
    }
}
