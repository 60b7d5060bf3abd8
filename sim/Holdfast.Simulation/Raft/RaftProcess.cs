using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Faults;

namespace Holdfast.Simulation.Raft;

/// <summary>
/// One process: the production core, driven input by input. Owns what a process forgets when it dies. What arrives goes through <see cref="RaftInbox"/>, what is to be done about it through <see cref="RaftOutbox"/>,
/// and clients are served by <see cref="ToyServer"/>.
/// </summary>
internal sealed class RaftProcess
{
    private const int BacklogMax = 20_000;

    private static readonly Mark TurnGathered = new("sim: several inputs in one turn");

    private readonly RaftWorld world;
    private readonly RaftSite site;
    private readonly SeededRandom dice;
    private readonly Mutation mutation;
    private readonly SupportTable support;
    private readonly Applier applier;
    private readonly ToyServer server;
    private readonly RaftInbox inbox;
    private readonly RaftOutbox outbox;
    private readonly List<NodeId> withdrawn = [];
    private readonly Queue<Action> backlog = new();
    private long tickAt = long.MaxValue;
    private bool turnIsPlanned;
    private bool owesRepairNote;
    private Instant frozenNow = Instant.Zero;

    public RaftProcess(RaftWorld world, RaftSite site, StoredLog found, bool isRestart, SeededRandom dice)
    {
        this.world = world;
        this.site = site;
        this.dice = dice;
        mutation = world.Options.Mutation;
        // A different seed after every start: two processes of one node must not draw the same election times for ever.
        support = mutation == Mutation.LeaseNotShortened ? new SupportTable(site.BootCount, driftMax: 0) : new SupportTable(site.BootCount);
        var snapshot = found.Snapshot;
        var start = new RaftStart
        {
            Self = site.Node,
            Group = new GroupId(7),
            HardState = found.HardState,
            Snapshot = snapshot?.Position ?? LogPosition.Zero,
            Configuration = snapshot?.Configuration ?? site.FirstConfiguration,
            Entries = EntriesAfter(found),
            DamagedUpTo = found.DamagedUpTo,
            IsRestart = isRestart && mutation != Mutation.RestartedVoterVotesAtOnce,
        };
        var options = new RaftOptions { LeaseReads = world.Options.LeaseReads, ElectionTimeout = world.Options.ElectionTimeout, AppendBytesMax = world.Options.AppendBytesMax, Bug = PlantedBugOf(mutation) };
        world.Check.OnBoot(site.Node, start.HardState);
        Core = new RaftNode(options, start, support, dice.Fork(), Now);
        site.LastConfiguration = Core.Configuration;
        applier = new Applier(world, site, this, snapshot);
        server = new ToyServer(world, site, this, applier, dice);
        var fetch = new SnapshotFetch(world, site, this);
        inbox = new RaftInbox(world, site, this, support, fetch);
        outbox = new RaftOutbox(world, site, this, applier, server, fetch, dice);
        for (var index = Core.Log.Base.Index.Next; index <= Core.Log.Last.Index; index = index.Next) outbox.NoteEntry(index);
        site.Device.OnDurable = OnDurable;
        site.Device.OnFailed = () => FaultDriver.Crash(world, site, dice, losesPower: false);
        if (world.IsTracing) world.Trace($"{site.Node} starts: term {Core.Term} log {Core.Log.Base}..{Core.Log.Last} whole {Core.IsWhole} {Core.Configuration}");
        owesRepairNote = start.DamagedUpTo != LogIndex.Zero;
        if (owesRepairNote) world.Atlas.Damage(site.Node);
        else world.Atlas.Repair(site.Node);
        Beat();
        Settle();
    }

    public RaftNode Core { get; }

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    public LogIndex Applied => applier.Applied;

    public ulong StateHash => applier.StateHash;

    public override string ToString() =>
        $"{site.Node} {Core.Role} term {Core.Term} vote {Core.Vote} leader {Core.Leader} log {Core.Log.Base}..{Core.Log.Last} commit {Core.Commit} durable {Core.Durable} applied {Applied} whole {Core.IsWhole} deadline {Core.Deadline} now {Now} {Core.Configuration}";

    /// <summary>This process's clock; under one mutation it is a reading taken before a pause.</summary>
    public Instant Now => frozenNow == Instant.Zero ? site.Clock.Now : frozenNow;

    public void Die() => IsAlive = false;

    public void Pause()
    {
        IsPaused = true;
        if (mutation == Mutation.LeaseReadAfterPause) frozenNow = site.Clock.Now;
    }

    public void Resume()
    {
        if (!IsPaused || !IsAlive) return;
        IsPaused = false;
        while (!IsPaused && IsAlive && backlog.TryDequeue(out var waiting)) waiting();
        frozenNow = Instant.Zero;
        if (IsAlive) Settle();
    }

    /// <summary>Something happens to this process: at once, when it wakes up, or never if it is dead by then.</summary>
    public void Input(Action happening)
    {
        if (!IsAlive) return;
        if (IsPaused)
        {
            if (backlog.Count < BacklogMax) backlog.Enqueue(happening);
            return;
        }

        happening();
        EndTurn();
    }

    public void After(TimeSpan delay, Action happening) => world.Clock.After(site.Clock.TrueSpan(delay), () => Input(happening));

    public void Receive(Packet packet) => Input(() =>
    {
        world.Note(packet.From.Value << 32 ^ (ulong)world.Clock.Now);
        inbox.Step(packet.From, packet.Message);
    });

    public void OnPeerReset(NodeId peer) => Input(() => Core.OnPeerReset(Now, peer));

    public void Transfer(NodeId target) => Input(() =>
    {
        if (Core.TransferLeadership(Now, target)) world.Counts.Transfers++;
    });

    public void ChangeMembers(Configuration target) => Input(() =>
    {
        var result = Core.ProposeConfiguration(Now, target);
        if (world.IsTracing) world.Trace($"{site.Node} is asked for members {target}: {result.Status}");
    });

    public void OnClient(Operation operation, Action<AnswerKind, ulong, NodeId> answer) => Input(() => server.Serve(operation, answer));

    public void Burst(int count) => Input(() => server.Burst(count));

    public void Send(NodeId to, object message) => world.Send(site, to, message);

    public void Installed(StoredSnapshot snapshot) => Input(() =>
    {
        if (snapshot.Position.Index <= Core.Commit) return;
        world.Counts.SnapshotInstalls++;
        if (world.IsTracing) world.Trace($"{site.Node} installs snapshot {snapshot.Position}");
        site.Device.Write(new LogRecord.Reset(snapshot.Position, KeepSuffix: mutation == Mutation.SnapshotKeepsMismatchingSuffix));
        applier.Restore(snapshot);
        outbox.Installed = snapshot.Position.Index;
        Core.OnSnapshotInstalled(Now, snapshot.Position, snapshot.Configuration);
        world.Pressures.OnInstalled(site);
    });

    private static PlantedBug PlantedBugOf(Mutation mutation) => Enum.TryParse<PlantedBug>(mutation.ToString(), out var bug) ? bug : PlantedBug.None;

    private static List<Entry> EntriesAfter(StoredLog found)
    {
        var entries = new List<Entry>();
        var first = LogIndex.Max(found.Base.Index, found.Snapshot?.Position.Index ?? LogIndex.Zero).Next;
        for (var index = first; index <= found.Last; index = index.Next)
            entries.Add(new Entry(new LogPosition(found[index].Term, index), found[index].Kind, found[index].Payload));
        return entries;
    }

    private void Beat()
    {
        if (!IsAlive) return;
        foreach (var other in world.Sites)
            if (other != site) Send(other.Node, new SupportBeat(Now, world.Options.Lease));
        support.WithdrawLapsed(Now, withdrawn);
        foreach (var node in withdrawn) Core.OnSupportWithdrawn(Now, node);
        After(TimeSpan.FromMilliseconds(50), Beat);
    }

    private void OnDurable(LogRecord record)
    {
        if (record is LogRecord.Persist persist)
            Input(() => Core.OnDurable(Now, persist.Token));
        else if (record is LogRecord.Repaired)
            world.Atlas.Repair(site.Node);
        else if (record is LogRecord.Snapshot snapshot)
            Input(() => applier.OnSnapshotDurable(snapshot.Content));
    }

    /// <summary>Inputs may be gathered for a moment before one flush speaks for all of them.</summary>
    private void EndTurn()
    {
        if (!IsAlive) return;
        if (world.Options.GatherTurns > 0 && dice.Chance(world.Options.GatherTurns))
        {
            if (turnIsPlanned)
            {
                TurnGathered.Hit();
                return;
            }

            turnIsPlanned = true;
            world.Clock.After(TimeSpan.FromMicroseconds(dice.Next(1, 300)), () =>
            {
                turnIsPlanned = false;
                if (IsAlive && !IsPaused) Settle();
            });
            return;
        }

        Settle();
    }

    private void Settle()
    {
        if (!outbox.TrySettle()) return;
        CheckLease();
        PlanTick();
        world.Note(Core.Term.Value << 40 ^ Core.Log.Last.Index.Value << 20 ^ Core.Commit.Value << 4 ^ (ulong)Core.Role);
        if (owesRepairNote && Core.IsWhole)
        {
            owesRepairNote = false;
            site.Device.Write(new LogRecord.Repaired());
        }
    }

    private void CheckLease()
    {
        if (Core.Role == RaftRole.Leader && Core.HoldsLease(Now)) world.Check.OnLease(site, Core);
        if (Core.Role == RaftRole.Leader)
            foreach (var other in world.Sites)
                if (other != site && other.Process is { IsAlive: true } process && process.Core.Role == RaftRole.Leader && process.Core.HoldsLease(process.Now))
                    world.Check.OnLease(other, process.Core);
    }

    private void PlanTick()
    {
        var deadline = Core.Deadline;
        if (deadline == Instant.Never) return;
        var at = Math.Max(site.Clock.TrueTimeOf(deadline), world.Clock.Now + 1);
        if (at >= tickAt) return;
        tickAt = at;
        world.Clock.At(at, () =>
        {
            if (tickAt != at) return;
            tickAt = long.MaxValue;
            Input(() => Core.Tick(Now));
        });
    }
}
