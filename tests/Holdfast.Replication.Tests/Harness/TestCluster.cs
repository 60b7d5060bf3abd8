using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Replication.Tests;

/// <summary>Whole nodes in one thread and virtual time: the production loop, log and snapshot store over a disk and a network in memory.</summary>
internal sealed class TestCluster
{
    public static readonly ClusterId Cluster = new(77);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    private readonly Queue<(NodeId From, NodeId To, byte[] Frame, bool IsBeat)> network = new();

    public TestCluster(int nodes, GroupOptions? options = null, int groups = 1, bool atAppend = false, Func<NodeId, ToyMachine>? machineOf = null, WalOptions? wal = null, int? voters = null, Func<NodeId, GroupOptions>? optionsOf = null)
    {
        OptionsOf = optionsOf ?? (_ => options ?? new GroupOptions());
        MachineOf = machineOf ?? (_ => atAppend ? new ToyExecutor() : new ToyMachine());
        Wal = wal ?? new WalOptions { Cluster = Cluster, SegmentBytes = 1 << 20 };
        var ids = Enumerable.Range(1, nodes).Select(number => new NodeId((ulong)number)).ToArray();
        Initial = Configuration.OfVoters(ids.AsSpan(0, voters ?? nodes));
        GroupIds = [.. Enumerable.Range(1, groups).Select(number => new GroupId((ulong)number))];
        Nodes = [.. ids.Select(id => new TestNode(this, id))];
        foreach (var node in Nodes) node.Start();
    }

    public Func<NodeId, GroupOptions> OptionsOf { get; }

    public Func<NodeId, ToyMachine> MachineOf { get; }

    public WalOptions Wal { get; }

    /// <summary>The first members; nodes beyond them begin with an empty configuration and wait to be added.</summary>
    public Configuration Initial { get; }

    public GroupId[] GroupIds { get; }

    public List<TestNode> Nodes { get; }

    public Instant Now { get; private set; } = Instant.Zero + TimeSpan.FromSeconds(10);

    public HashSet<(NodeId, NodeId)> Cut { get; } = [];

    /// <summary>Connections that are up and whose outbound buffer takes nothing.</summary>
    public HashSet<(NodeId, NodeId)> Full { get; } = [];

    /// <summary>How many frames found their buffer full.</summary>
    public int Refused { get; private set; }

    public TestNode Leader => Nodes.Single(node => node.IsUp && node.Group.Status is { Role: RaftRole.Leader, IsServingLeader: true });

    public TestNode Follower => Nodes.First(node => node.IsUp && node.Group.Status.Role == RaftRole.Follower && node.Group.Status.Configuration.MayLead(node.Id));

    public TestNode Except(params TestNode[] others) => Nodes.First(node => !others.Contains(node));

    public void Isolate(TestNode node)
    {
        foreach (var other in Nodes)
        {
            Cut.Add((node.Id, other.Id));
            Cut.Add((other.Id, node.Id));
        }
    }

    public void Send(NodeId from, NodeId to, ReadOnlySpan<byte> frame, bool isBeat) => network.Enqueue((from, to, frame.ToArray(), isBeat));

    public bool TrySend(NodeId from, NodeId to, ReadOnlySpan<byte> frame)
    {
        if (!Connects(from, to)) return false;
        if (Full.Contains((from, to)))
        {
            Refused++;
            return false;
        }

        Send(from, to, frame, false);
        return true;
    }

    public bool Connects(NodeId from, NodeId to) => !Cut.Contains((from, to)) && Nodes.Any(node => node.Id == to && node.IsUp);

    public void Run(TimeSpan span)
    {
        for (var end = Now + span; Now < end;) Advance();
    }

    public void Until(Func<bool> isReached, string what, int milliseconds = 10_000)
    {
        for (var end = Now + TimeSpan.FromMilliseconds(milliseconds); Now < end; Advance())
            if (isReached()) return;
        Assert.Fail($"not reached in {milliseconds} ms of virtual time: {what}");
    }

    public void UntilLed() => Until(() => Nodes.Count(node => node.IsUp && node.Group.Status is { Role: RaftRole.Leader, IsServingLeader: true }) == 1, "one serving leader");

    public ProposeOutcome Apply(TestNode at, string command, ProposeOptions options = default)
    {
        var completion = at.Propose(command, options);
        Until(() => completion.Outcome is not null, $"the fate of {command}");
        return completion.Outcome!.Value;
    }

    public void UntilEqual() => Until(
        () => Nodes.Where(node => node.IsUp).Select(node => (node.Group.Status.Applied, node.Group.Status.StateHash)).Distinct().Count() == 1, "equal replicas");

    private void Advance()
    {
        Now += Step;
        for (var left = network.Count; left > 0; left--)
        {
            var (from, to, frame, isBeat) = network.Dequeue();
            if (!Connects(from, to)) continue;
            var node = Nodes.Single(node => node.Id == to);
            if (isBeat) node.OnBeat(from, frame);
            else node.Loop.OnFrame(from, frame);
        }

        foreach (var node in Nodes) node.Advance();
    }
}

internal sealed class Completion : IProposalCompletion, IReadCompletion
{
    public ProposeOutcome? Outcome { get; private set; }

    public ReadGrant? Grant { get; private set; }

    public void OnCompleted(in ProposeOutcome outcome) => Outcome = outcome;

    public void OnGrant(in ReadGrant grant) => Grant = grant;
}

internal sealed class TestNode(TestCluster cluster, NodeId id) : IPeerMesh, IWalQueue, ISnapshotWorker
{
    private readonly Queue<WalBatch> batches = new();
    private readonly Queue<SnapshotJob> jobs = new();
    private readonly ByteBuffer beat = new();
    private SupportTable[] supports = [];
    private BeatBoard? board;
    private WriteAheadLog? log;
    private SnapshotStore? store;
    private uint boots;
    private TimeSpan looked;

    public NodeId Id { get; } = id;

    public MemoryDisk Disk { get; } = new();

    public bool IsUp { get; private set; }

    public bool IsDiskStuck { get; set; }

    /// <summary>The snapshot worker does nothing: what rests on it goes no further.</summary>
    public bool IsWorkerStuck { get; set; }

    /// <summary>The snapshot worker is faster than the loop: what it is asked for is there at once.</summary>
    public bool IsWorkerInstant { get; set; }

    /// <summary>How long a look at the clock takes: what makes slices end.</summary>
    public TimeSpan LookCost { get; set; }

    public int JobsCarried { get; private set; }

    /// <summary>Batches that the loop has handed to the log.</summary>
    public int Submitted { get; private set; }

    public GroupLoop Loop { get; private set; } = null!;

    public List<ReplicatedGroup> Groups { get; } = [];

    public List<ToyMachine> Machines { get; } = [];

    public ReplicatedGroup Group => Groups[0];

    public ToyMachine Machine => Machines[0];

    public IReadOnlyList<GroupHoldingBack> HoldingBack => log!.HoldingBack;

    public WalRecovery Recovery { get; private set; } = null!;

    public int Segments => log!.SegmentCount;

    public void Start()
    {
        boots++;
        supports = [.. Enumerable.Range(0, 4).Select(_ => new SupportTable(boots))];
        board = new BeatBoard(supports, (_, _) => true);
        log = WriteAheadLog.Open(Disk, cluster.Wal, out var recovery);
        Recovery = recovery;
        store = new SnapshotStore(Disk, TestCluster.Cluster);
        Loop = new GroupLoop(new GroupLoopSetup
        {
            Self = Id,
            BootCount = boots,
            Mesh = this,
            Wal = this,
            Snapshots = this,
            Supports = supports,
            Dice = new SeededRandom(Id.Value * 1000 + boots),
            WallMicros = () => cluster.Now.Ticks / 10,
            Clock = () => cluster.Now + (looked += LookCost),
        });
        foreach (var group in cluster.GroupIds)
        {
            var machine = cluster.MachineOf(Id);
            if (machine is IFilesMachine files) files.Files = store.FilesOf(group);
            var found = recovery.Find(group);
            var start = found?.HandOver(Id) ?? new RaftStart { Self = Id, Group = group, Configuration = cluster.Initial.Contains(Id) ? cluster.Initial : Configuration.Empty };
            if (found is { IsTombstoned: true }) continue;
            Machines.Add(machine);
            Groups.Add(Loop.Add(machine, start, found is null, found?.FeatureLevel ?? 1, cluster.OptionsOf(Id)));
        }

        IsUp = true;
    }

    /// <summary>A group of this node alone, beside those of the cluster, until the next restart.</summary>
    public ReplicatedGroup AddSole(GroupId group) =>
        Loop.Add(new ToyMachine(), new RaftStart { Self = Id, Group = group, Configuration = Configuration.OfVoters(Id) }, true, 1, cluster.OptionsOf(Id));

    public void Kill()
    {
        IsUp = false;
        log!.Dispose();
        batches.Clear();
        jobs.Clear();
        Groups.Clear();
        Machines.Clear();
    }

    public Completion Propose(string command, ProposeOptions options = default)
    {
        var completion = new Completion();
        Group.Propose(Encoding.UTF8.GetBytes(command), options, completion);
        return completion;
    }

    public Completion Read(ReadConsistency consistency = default)
    {
        var completion = new Completion();
        Group.Barrier.Pass(consistency, completion);
        return completion;
    }

    public void OnBeat(NodeId from, byte[] frame)
    {
        beat.Clear();
        board!.OnBeatFrame(cluster.Now, from, frame, beat);
        if (beat.Length > 0) cluster.Send(Id, from, beat.Written, true);
    }

    public void Advance()
    {
        if (!IsUp) return;
        if (cluster.Now.Ticks / TimeSpan.TicksPerMillisecond % 50 == 0)
        {
            foreach (var peer in cluster.Nodes)
            {
                beat.Clear();
                if (peer != this && board!.WriteBeats(cluster.Now, peer.Id, beat) > 0) cluster.Send(Id, peer.Id, beat.Written, true);
            }
        }

        if (!IsDiskStuck && batches.Count > 0)
        {
            var taken = batches.ToArray();
            batches.Clear();
            log!.Write(taken);
            log.Sync();
            foreach (var batch in taken) Loop.OnBatchDurable(batch);
        }

        if (!IsWorkerStuck && jobs.TryDequeue(out var job))
        {
            job.Carry(store!);
            JobsCarried++;
        }

        looked = TimeSpan.Zero;
        Loop.Turn(cluster.Now);
    }

    public bool TrySend(NodeId to, ReadOnlySpan<byte> frame) => cluster.TrySend(Id, to, frame);

    public void Flush()
    {
    }

    public bool IsConnected(NodeId peer) => cluster.Connects(Id, peer);

    public void Submit(WalBatch batch)
    {
        Submitted++;
        batches.Enqueue(batch);
    }

    public void Post(SnapshotJob job)
    {
        if (IsWorkerInstant) job.Carry(store!);
        else jobs.Enqueue(job);
    }
}
