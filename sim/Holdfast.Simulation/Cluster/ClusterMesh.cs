using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// The wires between processes: a connection for each pair and loop, which comes up, keeps order, and is reset with everything that is under way. A direction
/// may be cut. Frames of the consensus are treated worse than a connection would: lost, doubled, overtaken one by one, because the core promises to bear it.
/// </summary>
internal sealed class ClusterMesh(ClusterWorld world)
{
    private static readonly Mark ResetUnderWay = new("sim: a connection was reset with frames under way");

    private readonly SeededRandom dice = world.Dice.Fork();
    private readonly Dictionary<(int Low, int High, int Loop), Link> links = [];
    private readonly bool[,] isCut = new bool[world.Options.Machines, world.Options.Machines];

    private sealed class Link
    {
        public bool IsUp { get; set; }

        public int Epoch { get; set; }

        public int UnderWay { get; set; }

        /// <summary>Until then the connection is up and takes nothing: the other side reads too slowly.</summary>
        public long FullUntil { get; set; }

        /// <summary>When the last frame of each direction arrives: a connection keeps order.</summary>
        public long[] LastArrival { get; } = new long[2];
    }

    public long Sent { get; private set; }

    public bool IsConnected(ClusterProcess process, int loop, NodeId peer) =>
        world.MachineOf(peer) is { IsUp: true } machine && machine != process.Machine && LinkOf(process.Machine.Slot, machine.Slot, loop).IsUp;

    public bool TrySend(ClusterProcess process, int loop, NodeId to, ReadOnlySpan<byte> frame)
    {
        if (!process.IsAlive || world.MachineOf(to) is not { } machine || machine == process.Machine) return false;
        var link = LinkOf(process.Machine.Slot, machine.Slot, loop);
        if (!link.IsUp || world.Clock.Now < link.FullUntil) return false;
        world.Check.OnSent(process, to, frame);
        Sent++;
        world.Note((ulong)frame.Length ^ (ulong)frame[1] << 32);
        var isConsensus = ((FrameKind)frame[1]).IsConsensus();
        if (isConsensus && IsRough && dice.Chance(world.Options.Drop)) return true;
        var bytes = frame.ToArray();
        Carry(process, machine, loop, link, bytes, isConsensus && IsRough && dice.Chance(world.Options.Straggle));
        if (isConsensus && IsRough && dice.Chance(world.Options.Duplicate)) Carry(process, machine, loop, link, bytes, straggles: true);
        return true;
    }

    public void SendBeat(ClusterProcess process, NodeId to, ReadOnlySpan<byte> frame)
    {
        if (world.MachineOf(to) is not { } machine || isCut[process.Machine.Slot, machine.Slot]) return;
        if (IsRough && dice.Chance(world.Options.Drop)) return;
        var bytes = frame.ToArray();
        var from = process.Node;
        world.Clock.After(Delay(), () =>
        {
            if (isCut[process.Machine.Slot, machine.Slot] || machine.Node != to || machine.Process is not { } receiver) return;
            receiver.WhenAwake(() => receiver.OnBeat(from, bytes));
        });
    }

    public void OnStarted(ClusterProcess process)
    {
        foreach (var machine in world.Machines)
        {
            if (machine == process.Machine) continue;
            for (var loop = 0; loop < world.Options.LoopsPerNode; loop++) Dial(process.Machine, machine, loop);
        }
    }

    public void OnDied(ClusterProcess process)
    {
        foreach (var machine in world.Machines)
        {
            if (machine == process.Machine) continue;
            for (var loop = 0; loop < world.Options.LoopsPerNode; loop++) Break(process.Machine, machine, loop);
        }
    }

    /// <summary>Breaks a connection; it is made anew.</summary>
    public void Reset(ClusterMachine one, ClusterMachine other, int loop)
    {
        Break(one, other, loop);
        Dial(one, other, loop);
    }

    /// <summary>A connection takes nothing for a while, without anybody being told.</summary>
    public void Fill(ClusterMachine one, ClusterMachine other, int loop, TimeSpan span) => LinkOf(one.Slot, other.Slot, loop).FullUntil = world.Clock.Now + span.Ticks;

    public void Isolate(ReadOnlySpan<bool> inside, bool outbound, bool inbound)
    {
        for (var from = 0; from < inside.Length; from++)
            for (var to = 0; to < inside.Length; to++)
            {
                if (inside[from] == inside[to] || !(inside[from] ? outbound : inbound)) continue;
                isCut[from, to] = true;
                if (!dice.Chance(0.5)) continue;
                // The kernel gives the connection up after a while of silence.
                var (one, other) = (world.Machines[from], world.Machines[to]);
                world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)), () =>
                {
                    if (!isCut[one.Slot, other.Slot]) return;
                    for (var loop = 0; loop < world.Options.LoopsPerNode; loop++) Reset(one, other, loop);
                });
            }
    }

    /// <summary>Nothing passes between two machines, either way.</summary>
    public void Separate(ClusterMachine one, ClusterMachine other) => isCut[one.Slot, other.Slot] = isCut[other.Slot, one.Slot] = true;

    /// <summary>Whether bytes pass from one machine to another just now.</summary>
    public bool MayReach(int from, int to) => from == to || !isCut[from, to];

    public void RestoreAll() => Array.Clear(isCut);

    private bool IsRough => !world.IsHealed;

    private TimeSpan Delay() => dice.NextSpan(world.Options.DelayMin, world.Options.DelayMax);

    private Link LinkOf(int one, int other, int loop)
    {
        var name = (Math.Min(one, other), Math.Max(one, other), loop);
        if (links.TryGetValue(name, out var link)) return link;
        return links[name] = new Link();
    }

    private void Carry(ClusterProcess process, ClusterMachine machine, int loop, Link link, byte[] bytes, bool straggles)
    {
        var direction = process.Machine.Slot < machine.Slot ? 0 : 1;
        var arrival = world.Clock.Now + Delay().Ticks;
        if (straggles) arrival += Delay().Ticks * 8;
        else link.LastArrival[direction] = arrival = Math.Max(arrival, link.LastArrival[direction]);
        var (epoch, from, to) = (link.Epoch, process.Node, machine.Node);
        link.UnderWay++;
        world.Clock.At(arrival, () =>
        {
            link.UnderWay--;
            if (link.Epoch != epoch || isCut[process.Machine.Slot, machine.Slot] || machine.Node != to || machine.Process is not { IsAlive: true } receiver) return;
            receiver.Seats[loop].OnFrame(from, bytes);
        });
    }

    private void Break(ClusterMachine one, ClusterMachine other, int loop)
    {
        var link = LinkOf(one.Slot, other.Slot, loop);
        link.Epoch++;
        if (!link.IsUp) return;
        if (link.UnderWay > 0) ResetUnderWay.Hit();
        link.IsUp = false;
        Tell(one, other, loop, isUp: false);
        Tell(other, one, loop, isUp: false);
    }

    private void Dial(ClusterMachine one, ClusterMachine other, int loop)
    {
        var link = LinkOf(one.Slot, other.Slot, loop);
        var epoch = ++link.Epoch;
        world.Clock.After(Delay() + dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(60)), () =>
        {
            if (link.Epoch != epoch || link.IsUp || !one.IsUp || !other.IsUp) return;
            if (isCut[one.Slot, other.Slot] || isCut[other.Slot, one.Slot])
            {
                Dial(one, other, loop);
                return;
            }

            link.IsUp = true;
            Array.Clear(link.LastArrival);
            Tell(one, other, loop, isUp: true);
            Tell(other, one, loop, isUp: true);
        });
    }

    private static void Tell(ClusterMachine machine, ClusterMachine about, int loop, bool isUp)
    {
        if (machine.Process is { IsAlive: true } process) process.Seats[loop].OnPeer(about.Node, isUp);
    }
}
