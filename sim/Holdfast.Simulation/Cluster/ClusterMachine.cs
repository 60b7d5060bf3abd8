using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Cluster;

/// <summary>A machine: a clock, a disk, and now and then a process. When its disk is lost or given up it comes back as another incarnation (S4).</summary>
internal sealed class ClusterMachine
{
    private static readonly Mark CouldNotStart = new("sim: a process could not start on its disk and tried again");

    private readonly SeededRandom dice;
    private int incarnations;
    private int starts;

    public ClusterMachine(ClusterWorld world, int slot)
    {
        World = world;
        Slot = slot;
        dice = world.Dice.Fork();
        var drift = world.Options.ClockDriftMax * (2 * dice.NextDouble() - 1);
        Version = world.Options.BeginsOld && dice.Chance(0.7) ? 1u : ClusterWorld.NewestVersion;
        Clock = new NodeClock(world.Clock, dice.Next(1, 1_000_000_000), 1 + drift);
        Disk = null!;
        Log = null!;
        Reincarnate();
    }

    public ClusterWorld World { get; }

    public int Slot { get; }

    public string Name => $"m{Slot}";

    public NodeClock Clock { get; }

    public NodeId Node { get; private set; }

    public SimDisk Disk { get; private set; }

    /// <summary>What the disk was made to hold of the log.</summary>
    public DurableLog Log { get; private set; }

    public ClusterProcess? Process { get; private set; }

    /// <summary>Set when any sectors of what was not synced may have stayed, until recovery has judged them.</summary>
    public bool IsInDoubt { get; set; }

    /// <summary>Set when recovery has found damage on this incarnation's disk: that groups may have been lost stays written there.</summary>
    public bool WasDamaged { get; set; }

    /// <summary>Set when sectors have rotted on this incarnation's disk, found or not.</summary>
    public bool IsRotten { get; private set; }

    /// <summary>Which version of the program is installed: the highest feature level that it knows (S5).</summary>
    public uint Version { get; private set; }

    public bool IsUp => Process is { IsAlive: true };

    /// <summary>Whom this incarnation belongs with from the start; empty when it is to join.</summary>
    public Configuration FirstConfiguration { get; set; } = Configuration.Empty;

    /// <summary>The newest configuration of each group that this incarnation is known to hold.</summary>
    public Dictionary<GroupId, Configuration> LastConfigurations { get; } = [];

    public void Start(TimeSpan after)
    {
        var mine = ++starts;
        World.Clock.After(after, () =>
        {
            if (mine == starts && !IsUp) Boot();
        });
    }

    /// <summary>The process ends; the machine goes on, or loses its power with it.</summary>
    public void Crash(bool losesPower, bool mayAllDoubt = false)
    {
        starts++;
        World.Note((ulong)Slot + (losesPower ? 100u : 50u));
        if (World.IsTracing) World.Trace($"{Node} {(losesPower ? "loses power" : "is killed")}");
        EndProcess();
        if (losesPower)
        {
            World.Counts.PowerLosses++;
            Disk.LosePower(World.MayTear(this, mayAllDoubt));
        }

        Start(dice.Chance(0.6) ? dice.NextSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(300)) : dice.NextSpan(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(2)));
    }

    /// <summary>A process ends itself.</summary>
    public void CrashOf(ClusterProcess process, bool losesPower = false)
    {
        if (Process == process) Crash(losesPower);
    }

    /// <summary>The disk is lost. What comes back is somebody else.</summary>
    public void Wipe()
    {
        if (World.IsTracing) World.Trace($"{Node} is wiped");
        World.Counts.Wipes++;
        World.Atlas.Damage(Node);
        starts++;
        EndProcess();
        Reincarnate();
        Start(dice.NextSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)));
    }

    /// <summary>A sector of a file rots; false when there is nothing in it that could. Whoever is done with it says so by <see cref="OnRotten"/>.</summary>
    public bool Rots(string path, SimFile file, int sector, SeededRandom rot)
    {
        if (!file.Rot(sector, rot)) return false;
        Log.OnLost(path, sector);
        return true;
    }

    /// <summary>Sectors of the disk have rotted, found or not: what it holds counts for nothing that the others must be able to do without it.</summary>
    public void OnRotten()
    {
        World.Counts.Rots++;
        World.Atlas.Damage(Node);
        IsRotten = true;
    }

    private void EndProcess()
    {
        if (Process is not { } process) return;
        process.Die();
        World.Mesh.OnDied(process);
        World.Check.OnDied(process);
        Process = null;
    }

    private void Reincarnate()
    {
        var keepsName = World.Options.Mutation == ClusterMutation.WipedNodeKeepsName && incarnations > 0;
        if (!keepsName) Node = new NodeId((ulong)(Slot + 1 + 16 * incarnations++));
        Log = new DurableLog();
        World.Logs.TryAdd(Node, Log);
        Disk = new SimDisk(dice.Fork()) { OnDurable = Log.OnDurable };
        if (keepsName) return;
        (FirstConfiguration, IsInDoubt, WasDamaged, IsRotten) = (Configuration.Empty, false, false, false);
        LastConfigurations.Clear();
    }

    private void Boot()
    {
        // An operator installs the new program while the old one is down.
        if (World.IsHealed || dice.Chance(0.5)) Version = ClusterWorld.NewestVersion;
        var process = new ClusterProcess(this, dice.Fork());
        Process = process;
        try
        {
            process.Guard(process.Boot);
        }
        catch (IOException failure)
        {
            CouldNotStart.Hit();
            if (World.IsTracing) World.Trace($"{Node} cannot start: {failure.Message}");
            EndProcess();
            Start(dice.NextSpan(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(600)));
            return;
        }

        if (Process == process && process.IsAlive) World.Mesh.OnStarted(process);
    }
}
