using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Raft;

/// <summary>A machine: a clock, a disk, and now and then a process. Its incarnation changes when the disk is lost (S4).</summary>
internal sealed class RaftSite
{
    private static readonly Mark RecoveredDamaged = new("sim: recovery found damage");
    private static readonly Mark RecoveredFromCache = new("sim: recovery read what only the cache held");
    private static readonly Mark CrashedWhileRecovering = new("sim: crashed again while recovering");

    private readonly RaftWorld world;
    private readonly SeededRandom dice;
    private int generation;
    private bool isRecovering;
    private int incarnations;

    public RaftSite(RaftWorld world, int slot)
    {
        this.world = world;
        dice = world.Dice.Fork();
        Slot = slot;
        var drawn = 2 * dice.NextDouble() - 1;
        var drift = world.Options.ClockDriftMax * (!world.Options.ClocksAtBound ? drawn : slot == 0 ? -1 : 1);
        Clock = new NodeClock(world.Clock, dice.Next(1, 1_000_000_000), 1 + drift);
        Device = null!;
        Wipe();
    }

    public int Slot { get; }

    public NodeClock Clock { get; }

    public NodeId Node { get; private set; }

    public LogDevice Device { get; private set; }

    public RaftProcess? Process { get; private set; }

    /// <summary>Set when this incarnation belongs to the group from its creation.</summary>
    public Configuration FirstConfiguration { get; set; } = Configuration.Empty;

    /// <summary>The newest configuration this incarnation is known to hold.</summary>
    public Configuration LastConfiguration { get; set; } = Configuration.Empty;

    public bool IsWitness { get; set; }

    /// <summary>Whether a configuration ever named this incarnation.</summary>
    public bool WasMember { get; set; }

    public uint BootCount { get; private set; }

    public bool IsUp => Process is { IsAlive: true };

    /// <summary>Everything on the disk is gone; what comes back is somebody else (S4).</summary>
    public void Wipe()
    {
        generation++;
        Process?.Die();
        Process = null;
        var keepsName = world.Options.Mutation == Mutation.WipedVoterVotes && Node != NodeId.None;
        if (!keepsName) Node = new NodeId((ulong)(Slot + 1 + 16 * incarnations++));
        Device = new LogDevice(world.Clock, world.Options, dice.Fork()) { NeverFails = world.IsHealed };
        if (!keepsName) world.Check.OnDevice(Node, Device);
        FirstConfiguration = LastConfiguration = Configuration.Empty;
        if (!keepsName) (IsWitness, WasMember, BootCount) = (false, false, 0);
    }

    /// <summary>The process dies; the machine lives on.</summary>
    public void Kill()
    {
        if (Process is null) return;
        generation++;
        Process.Die();
        Process = null;
        Device.ProcessDied();
    }

    /// <summary>The machine dies. With <paramref name="mayDoubt"/> its last commit may be left in doubt, which counts as damage until a leader has repaired it (S8).</summary>
    public void LosePower(bool mayDoubt = false)
    {
        world.Note((ulong)Slot);
        if (Process is null && isRecovering) CrashedWhileRecovering.Hit();
        generation++;
        isRecovering = false;
        Process?.Die();
        Process = null;
        if (Device.PowerFailed(mayDoubt)) world.Atlas.Damage(Node);
    }

    /// <summary>Starts a process: it recovers for a while, then it runs.</summary>
    public void Start(TimeSpan after)
    {
        var mine = ++generation;
        world.Clock.After(after, () =>
        {
            if (mine == generation) Recover(mine);
        });
    }

    private void Recover(int mine)
    {
        var found = Device.Read();
        var mutation = world.Options.Mutation;
        var rewrites = !((mutation == Mutation.CacheTakenForDurableAfterKill && Device.ShowsMoreThanDurable && !Device.ShowsCleanPages)
            || (mutation == Mutation.CacheTakenForDurableAfterFailedSync && Device.ShowsCleanPages));
        if (Device.ShowsMoreThanDurable) RecoveredFromCache.Hit();
        RepairTable(found);
        isRecovering = true;
        // Rewriting and syncing the tail takes a while, in which the power may fail (S7).
        var rewriting = dice.NextSpan(world.Options.SyncMin, world.Options.SyncMax);
        if (FaultDriver.LosesPowerInRecovery(world, dice)) world.Clock.After(rewriting / 2, () => LosePowerInRecovery(mine));
        world.Clock.After(rewriting, () =>
        {
            if (mine != generation) return;
            if (rewrites) Device.AdoptRewritten(found.Copy());
            Boot(found);
        });
    }

    private void LosePowerInRecovery(int mine)
    {
        if (mine != generation || world.IsHealed) return;
        world.Counts.PowerLosses++;
        LosePower();
        Start(dice.NextSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(100)));
    }

    /// <summary>What recovery makes of rot: nothing from the first bad record on is used, and the replica knows that it is damaged (S8).</summary>
    private void RepairTable(StoredLog found)
    {
        var covered = found.Snapshot?.Position.Index ?? LogIndex.Zero;
        var rotten = LogIndex.Zero;
        for (var index = LogIndex.Max(found.Base.Index, covered).Next; index <= found.Last && rotten == LogIndex.Zero; index = index.Next)
            if (found[index].IsRotten) rotten = index;
        if (rotten != LogIndex.Zero && world.Options.Mutation == Mutation.ChecksumUnchecked)
        {
            var bad = found[rotten];
            var payload = bad.Payload.ToArray();
            if (payload.Length > 0) payload[^1] ^= 0x40;
            found.Append(rotten, [bad with { Payload = payload, IsRotten = false }]);
        }
        else if (rotten != LogIndex.Zero)
        {
            RecoveredDamaged.Hit();
            world.Check.OnDamageFound(Node, Device.Durable.Copy());
            if (world.Options.Mutation is not (Mutation.DamageTakenForTornTail or Mutation.DamagedReplicaVotes))
                found.DamagedUpTo = LogIndex.Max(found.DamagedUpTo, found.Last);
            found.TruncateFrom(rotten);
        }

        if (found.Snapshot is { } snapshot) found.ResetTo(snapshot.Position);
    }

    private void Boot(StoredLog found)
    {
        isRecovering = false;
        var isRestart = BootCount > 0;
        if (!(world.Options.Mutation == Mutation.SupportEpochReused && isRestart)) BootCount++;
        if (isRestart) world.Counts.CrashRecoveries++;
        Process = new RaftProcess(world, this, found, isRestart, dice.Fork());
        world.Network.OnBoot(Slot);
        foreach (var other in world.Sites)
            if (other != this) other.Process?.OnPeerReset(Node); // Its connections are made anew.
    }
}
