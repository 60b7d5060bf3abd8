using System.Buffers.Binary;
using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Procedures;

/// <summary>
/// Those who run the cluster: they hand out tokens, create, move and delete groups, and send nodes away, at whatever node answers, and never ask twice. A machine whose node was
/// removed comes back empty.
/// </summary>
internal sealed class Operators(ClusterWorld world)
{
    private const int GroupsMax = 4;

    /// <summary>How long after healing they still let newcomers in; machines that were wiped are let in at any time.</summary>
    private static readonly TimeSpan NewcomersUntil = TimeSpan.FromSeconds(3);

    private static readonly Mark SentAway = new("sim: a node was sent away");
    private static readonly Mark CameBack = new("sim: a machine whose node was removed came back as another");
    private static readonly Mark Refused = new("sim: a joiner was refused");
    private static readonly Mark MovedOnPurpose = new("sim: a data group's replica was placed elsewhere on purpose");

    private readonly SeededRandom dice = world.Dice.Fork();
    private readonly Dictionary<NodeId, byte[]> tokens = [];
    private readonly HashSet<NodeId> retiring = [];
    private long sendingAwayUntil;

    /// <summary>What the founders agreed on; how they do is the model of founding's to check.</summary>
    public Genesis Founding { get; private set; } = null!;

    private DirectoryView Truth => world.ProcedureCheck.Truth;

    private bool MayAdmitNew => world.Clock.Now < world.Options.Storm.Ticks + NewcomersUntil.Ticks;

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

    private void Later() => world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(60), TimeSpan.FromMilliseconds(500)), () =>
    {
        HandOutToken();
        Retire();
        if (!world.IsHealed && dice.Chance(0.5)) Change();
        if (!world.IsClosing) Later();
    });

    private void Change()
    {
        switch (dice.Next(10))
        {
            case < 3:
                if (Truth.Groups.Count < GroupsMax) Create();
                break;
            case < 4:
                if (Truth.Groups.Count > 1) Tell(DirectoryCommand.DeleteGroup(AnyGroup()));
                break;
            case < 7:
                Move();
                break;
            default:
                SendAway();
                break;
        }
    }

    private void Create()
    {
        var (places, refusal) = NewGroup.Plan(Truth, "keyspace", dice.Chance(0.8) ? 3 : 1);
        if (refusal.Length == 0) Tell(DirectoryCommand.CreateGroup("keyspace", places));
    }

    /// <summary>One replica of a group goes to a member that has none.</summary>
    private void Move()
    {
        if (Truth.Groups.Count == 0) return;
        var group = Truth.Groups[AnyGroup()];
        var free = Truth.Members.Keys.Where(node => !group.Replicas.Any(place => place.Node == node) && Truth.RunningAbout(node) is null && !Truth.IsBeingReplaced(node)).ToArray();
        if (free.Length == 0) return;
        MovedOnPurpose.Hit();
        Tell(DirectoryCommand.PlaceGroup(group.Id, group.Replicas.SetItem(dice.Next(group.Replicas.Length), new ReplicaPlace(free[dice.Next(free.Length)], MemberRole.Voter))));
    }

    private void SendAway()
    {
        if (Truth.Members.Count < 4 || IsAnyoneLeaving() || (!dice.Chance(0.4) && Truth.Members.Keys.Any(node => world.MachineOf(node) is null || Truth.IsBeingReplaced(node)))) return;
        SentAway.Hit();
        sendingAwayUntil = world.Clock.Now + TimeSpan.FromSeconds(4).Ticks;
        Tell(DirectoryCommand.RemoveNode(Truth.Members.Keys.ElementAt(dice.Next(Truth.Members.Count))));
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
            tokens[machine.Node] = secret;
            Tell(DirectoryCommand.AddToken(JoinToken.HashOf(secret), TimeSpan.FromSeconds(dice.Next(2, 60)).Ticks / 10, 1));
            return;
        }
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

    private bool IsAnyoneLeaving() => Truth.Procedures.Values.Any(procedure => procedure is { State: ProcedureState.Running, Kind: ProcedureKind.RemoveNode });

    private GroupId AnyGroup() => Truth.Groups.Keys.ElementAt(dice.Next(Truth.Groups.Count));

    private void Tell(byte[] command)
    {
        var asked = world.Machines[dice.Next(world.Machines.Count)];
        if (asked.Process is { IsAlive: true, Procedures: { } site } process) process.WhenAwake(() => _ = TellAsync(process, site, command));
    }

    private static async Task TellAsync(ClusterProcess process, ProcedureSite site, byte[] command)
    {
        try
        {
            await site.TellAsync(command);
        }
        catch (Exception fault)
        {
            process.OnFault(fault);
        }
    }
}
