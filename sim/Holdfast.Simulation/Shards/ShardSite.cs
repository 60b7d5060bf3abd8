using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Keyspace;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>The Redis face of one process, as its loop drives it in production: sessions, convoys, chores, and the moves whose source is led here. Sockets and the directory are the simulator's.</summary>
internal sealed class ShardSite
{
    private static readonly TimeSpan TurnEvery = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ChoresEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AnswerMax = TimeSpan.FromMilliseconds(800);

    private readonly ClusterProcess process;
    private readonly ShardMachine[] machines;
    private readonly ShardChores chores;
    private readonly Dictionary<ulong, SlotMover> movers = [];
    private readonly HashSet<ulong> busy = [];
    private readonly Stack<byte[]> buffers = new();
    private readonly List<SimConnection> connections = [];
    private Instant choresAt;
    private int layoutSeen = -1;

    public ShardSite(ClusterProcess process)
    {
        this.process = process;
        Node = new KeyspaceNode(CommandTable.Build(), new KeyspaceOptions { LeaderPatience = TimeSpan.FromMilliseconds(300) }) { Dice = process.Dice.Fork(), Bug = Enum.TryParse<PlantedShardBug>(World.Options.Mutation.ToString(), out var bug) ? bug : PlantedShardBug.None };
        machines = [.. ClusterWorld.ShardIds.Select(group => new ShardMachine(group, Node.Table, Node))];
        chores = new ShardChores(Node);
    }

    public KeyspaceNode Node { get; }

    public bool IsAlive => process.IsAlive;

    private ClusterWorld World => process.World;

    public ShardMachine MachineOf(GroupId group) => machines[Array.IndexOf(ClusterWorld.ShardIds, group)];

    /// <summary>The groups have begun.</summary>
    public void Begin(Action<TimeSpan, Action> every)
    {
        seats = [.. machines.Select(machine => new ShardSeat(machine, new GroupLog(process.GroupOf(machine.Group))))];
        Follow();
        every(TurnEvery, Turn);
    }

    private ShardSeat[] seats = [];

    public SimConnection Connect()
    {
        var connection = new SimConnection(this, buffers);
        if (World.Options.Mutation == ClusterMutation.WaiterHearsEarly) connections.Add(connection);
        return connection;
    }

    /// <summary>What the loop does in a turn.</summary>
    public void Turn()
    {
        var now = process.Machine.Clock.Now;
        Node.Now = now;
        Node.WallMicros = now.Ticks / 10;
        Follow();
        foreach (var client in Taken(Node.Waiting))
            if (client.Retry()) Node.Waiting.Add(client);
        Node.Waits.Look(now);
        foreach (var client in Taken(Node.Resting)) client.GoOn();
        if (now >= choresAt)
        {
            choresAt = now + ChoresEvery;
            chores.Look();
            ExpireByOwnClock();
        }

        connections.RemoveAll(static connection => !connection.HearsEarly());
        Depart();
        Drive();
    }

    public void Depart()
    {
        foreach (var seat in seats)
        {
            seat.Quorum.Depart();
            seat.Async.Depart();
        }
    }

    /// <summary>Answers the source of a move.</summary>
    public void Answer(MoveQuestion question, Action<MoveAnswer> answer) => MoveDoor.Answer(seats[Array.IndexOf(ClusterWorld.ShardIds, question.Target)], question, answer);

    /// <summary>The process is gone: its memory goes too.</summary>
    public void Dispose()
    {
        foreach (var machine in machines) machine.State.Dispose();
    }

    private static ClientSession[] Taken(List<ClientSession> list)
    {
        if (list.Count == 0) return [];
        var taken = list.ToArray();
        list.Clear();
        return taken;
    }

    private void Follow()
    {
        if (layoutSeen == World.ShardDirectory.Revision || (layoutSeen >= 0 && !World.ShardDirectory.IsUp)) return;
        layoutSeen = World.ShardDirectory.Revision;
        var layout = ShardLayout.Parse(World.ShardDirectory.Layout);
        ImmutableArray<ClusterPeer> peers = [.. World.Machines.Select(machine => new ClusterPeer(machine.Node, "sim", machine.Slot + 1, 0))];
        Node.Topology = new Topology(process.Node, peers, [.. ClusterWorld.ShardIds.Select(group => new ClusterShard(group, layout[group], []))], [.. seats]);
    }

    private void Drive()
    {
        foreach (var (id, move) in World.ShardDirectory.IsUp ? World.ShardDirectory.Running.ToArray() : [.. World.ShardDirectory.Running.Where(pair => movers.ContainsKey(pair.Key))])
        {
            if (busy.Contains(id)) continue;
            var seat = seats[Array.IndexOf(ClusterWorld.ShardIds, move.Source)];
            if (!seat.Log.IsLedHere || !seat.Machine.Role.IsLeader)
            {
                if (movers.Remove(id, out var deposed)) deposed.StopCopying();
                continue;
            }

            if (!movers.TryGetValue(id, out var mover)) movers[id] = mover = new SlotMover(seat, new MoveId(id), move.Target, SlotRanges.Parse(move.Part)!);
            busy.Add(id);
            if (!TryDo(id, mover, seat, mover.Next(move.IsCancelled))) busy.Remove(id);
        }
    }

    /// <summary>False when nothing was begun: it is looked at again in the next turn.</summary>
    private bool TryDo(ulong id, SlotMover mover, ShardSeat seat, MoveTask task)
    {
        switch (task)
        {
            case MoveTask.Finish end:
                if (World.ShardDirectory.TryFinish(id, end.IsDone))
                {
                    movers.Remove(id);
                    if (World.IsTracing) World.Trace($"move {id} ends: {(end.IsDone ? "done" : end.Note)}");
                }

                return false;
            case MoveTask.Flip:
                var known = World.ShardDirectory.Layout;
                if (World.ShardDirectory.TryFlip(known, ShardLayout.Moved(known, seat.Group, mover.Target, mover.Slots))) mover.OnFlipped();
                return false;
            case MoveTask.Run run:
                seat.Steps.Take(
                    call =>
                    {
                        var before = PhaseOf(seat, mover);
                        run.Step(call);
                        World.MovePressures.AfterStep(process, before, PhaseOf(seat, mover));
                    },
                    _ => busy.Remove(id));
                if (Node.Bug == PlantedShardBug.MoverDoesNotWait) busy.Remove(id);
                return true;
            case MoveTask.Ask ask:
                Ask(id, mover, ask.Question);
                return true;
            default:
                return false;
        }
    }

    private static DeparturePhase? PhaseOf(ShardSeat seat, SlotMover mover) => seat.Machine.State.Slots.Outgoing.TryGetValue(mover.Id, out var move) ? move.Phase : null;

    private void Ask(ulong id, SlotMover mover, MoveQuestion question)
    {
        var leader = process.GroupOf(question.Target).Status.Leader;
        var isOver = false;
        void End()
        {
            if (isOver) return;
            isOver = true;
            busy.Remove(id);
        }

        World.Clock.After(AnswerMax, () => process.WhenAwake(End));
        if (World.MachineOf(leader) is not { } machine) return;
        var bytes = question.Encode();
        var fate = World.MovePressures.FateOf(process, question);
        void Deliver() => Travel(() =>
        {
            if (machine.Process is not { } there) return;
            there.WhenAwake(() => there.Shards!.Answer(MoveQuestion.Decode(bytes)!, answer =>
            {
                if (fate.LosesAnswer) return;
                Travel(() => process.WhenAwake(() =>
                {
                    mover.OnAnswer(question, answer);
                    End();
                }));
            }));
        });

        if (fate.Late > TimeSpan.Zero) World.Clock.After(fate.Late, Deliver);
        else Deliver();
        if (!World.IsHealed && process.Dice.Chance(0.05)) World.Clock.After(process.Dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(1500)), Deliver); // It comes again, late.
    }

    private void Travel(Action arrive)
    {
        if (!World.IsHealed && process.Dice.Chance(World.Options.Drop / 2)) return;
        World.Clock.After(process.Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax), arrive);
    }

    /// <summary>A planted bug: replicas let keys go by their own clocks.</summary>
    private unsafe void ExpireByOwnClock()
    {
        if (World.Options.Mutation != ClusterMutation.ReplicaExpiresByOwnClock) return;
        foreach (var machine in machines)
        {
            if (machine.Role.IsLeader) continue;
            for (var slot = 0; slot < KeySlot.Count; slot++)
            {
                if (machine.Keyspace.VolatileIn(slot) == 0) continue;
                var visitor = new Expired { Now = Node.WallMicros / 1000, Found = [] };
                machine.Keyspace.Table(slot).WalkAll(ref visitor);
                foreach (var key in visitor.Found)
                {
                    var place = machine.Keyspace.Locate(key, slot);
                    machine.Keyspace.Remove(ref place);
                }
            }
        }
    }

    private unsafe struct Expired : IRecordVisitor
    {
        public long Now;
        public List<byte[]> Found;

        public readonly void Visit(byte* record)
        {
            if (KeyRecord.Expiry(record) is >= 0 and var expiry && expiry < Now) Found.Add(RecordHead.KeyOf(record).ToArray());
        }
    }
}
