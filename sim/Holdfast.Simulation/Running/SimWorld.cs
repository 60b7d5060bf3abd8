using System.Reflection;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Coordination;
using Holdfast.Keyspace;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Faults;
using Holdfast.Storage;
using Holdfast.Vectors;

namespace Holdfast.Simulation.Running;

/// <summary>Code whose rare branches a world must walk: a program's part and a namespace in it, with all below.</summary>
internal readonly record struct SimRoom(Assembly Assembly, string Namespace)
{
    /// <summary>The room that a type stands at the top of.</summary>
    public static SimRoom Of<T>() => new(typeof(T).Assembly, typeof(T).Namespace!);

    public bool Holds(Type type) => type.Namespace is { } name && (name == Namespace || name.StartsWith(Namespace + ".", StringComparison.Ordinal));
}

/// <summary>A world, or a kind of run of one, as the command line names it.</summary>
/// <param name="Name">What <c>--world</c> calls it.</param>
/// <param name="RunsInTurn">Of the runs of one turn of a sweep over all worlds, how many are of this one.</param>
/// <param name="Rooms">Whose marks it has to reach: no other world is asked for them.</param>
/// <param name="Run">Runs a seed, and tells what happens to whom wants to read it.</param>
internal sealed record SimWorld(string Name, int RunsInTurn, SimRoom[] Rooms, Func<ulong, Action<string>?, RunResult> Run)
{
    private const string Own = "Holdfast.Simulation.";

    /// <summary>The core alone: short runs, for rare schedules of the protocol.</summary>
    public static readonly SimWorld Raft = new("raft", 11, [SimRoom.Of<RaftNode>(), Ours("Raft"), Ours("Disk")], static (seed, trace) => SimulationRun.Once(seed, Mutation.None, trace));

    /// <summary>The core alone over wires that keep what a transport promises it: there a follower keeps up, however busy its leader is (decision 0031).</summary>
    public static readonly SimWorld Connections = new("connections", 3, [Ours("Network")], SimulationRun.OverConnections);

    /// <summary>
    /// All worlds. A run of whole nodes takes several times as long as one of the core, and is what walks through the production log, recovery and snapshots: ten of 24 are.
    /// </summary>
    public static readonly SimWorld[] All =
    [
        Raft,
        Connections,
        new("cluster", 5, [SimRoom.Of<ReplicatedGroup>(), SimRoom.Of<WriteAheadLog>(), SimRoom.Of<CoordinationStateMachine>(), Ours("Cluster")], static (seed, trace) => ClusterRun.Once(seed, ClusterMutation.None, trace)),
        new("sessions", 1, [Ours("Sessions")], ClusterRun.OnceWithSessions),
        new("shards", 1, [SimRoom.Of<KeyspaceOptions>(), Ours("Shards")], ClusterRun.OnceWithShards),
        new("vectors", 1, [SimRoom.Of<VectorFault>(), Ours("Vectors")], ClusterRun.OnceWithVectors),
        new("procedures", 2, [SimRoom.Of<ProcedureRunner>(), Ours("Procedures")], ClusterRun.OnceWithProcedures),
    ];

    /// <summary>Those that one seed is run in when none is named: the core alone, and whole nodes.</summary>
    public static readonly SimWorld[] Usual = [Raft, Of("cluster")];

    /// <summary>The names, as a usage line lists them.</summary>
    public static readonly string Names = string.Join('|', All.Select(static world => world.Name));

    /// <summary>Whether whole nodes are run, and not the core alone.</summary>
    public bool IsOfWholeNodes => this != Raft && this != Connections;

    /// <summary>The world of a name.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    public static SimWorld Of(string name) => Named(name)[0];

    /// <summary>The worlds that a command means: the named one, or all that take turns.</summary>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static SimWorld[] Named(string? name)
    {
        if (name is null) return Array.FindAll(All, static world => world.RunsInTurn > 0);
        return Array.Find(All, world => world.Name == name) is { } found ? [found] : throw new FormatException($"there is no world '{name}'; there are {Names.Replace("|", ", ", StringComparison.Ordinal)}");
    }

    public RunResult Once(ulong seed, Action<string>? trace = null) => Run(seed, trace) with { World = Name };

    /// <summary>Runs the seed twice; a run that depends on anything but its seed is a failure of its own.</summary>
    public RunResult Twice(ulong seed)
    {
        var (first, second) = (Once(seed), Once(seed));
        return first.Failure is null && first.Hash != second.Hash ? first with { Failure = $"not deterministic: hash {first.Hash:x16}, then {second.Hash:x16}" } : first;
    }

    private static SimRoom Ours(string room) => new(typeof(SimWorld).Assembly, Own + room);
}
