using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Replication.Tests;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests;

/// <summary>Three nodes with the production loop and log over memory, in virtual time, each with the keyspace and its face.</summary>
internal sealed class FaceCluster
{
    public static readonly ClusterId Id = new(7);
    private readonly Queue<(NodeId From, NodeId To, byte[] Frame, bool IsBeat)> network = new();

    public FaceCluster(int runBytes = 16 * 1024 * 1024, GroupOptions? options = null)
    {
        NodeId[] ids = [new(1), new(2), new(3)];
        Nodes = [.. ids.Select(id => new FaceNode(this, id, Configuration.OfVoters(ids), runBytes, options ?? new GroupOptions()))];
        for (var step = 0; step < 10_000 && !Nodes.Any(node => node.Group.Status.IsServingLeader); step++) Advance();
    }

    public List<FaceNode> Nodes { get; }

    public Instant Now { get; private set; } = new(TimeSpan.TicksPerSecond * 10);

    public FaceNode Leader => Nodes.Single(node => node.Group.Status.IsServingLeader);

    public FaceNode Follower => Nodes.First(node => !node.Group.Status.IsServingLeader);

    public void Send(NodeId from, NodeId to, ReadOnlySpan<byte> frame, bool isBeat) => network.Enqueue((from, to, frame.ToArray(), isBeat));

    /// <summary>Lets the cluster run until the call has ended; its continuations run on other threads, so time waits for them.</summary>
    public T Run<T>(ValueTask<T> call)
    {
        var task = call.AsTask();
        for (var step = 0; step < 20_000 && !((IAsyncResult)task).AsyncWaitHandle.WaitOne(1); step++) Advance();
        Assert.True(task.IsCompleted, "a call did not end");
        return task.GetAwaiter().GetResult();
    }

    public void Run(ValueTask call) => Run(Ended(call));

    public void Pass(TimeSpan span)
    {
        for (var end = Now + span; Now < end;) Advance();
    }

    public void Advance()
    {
        Now += TimeSpan.FromMilliseconds(1);
        for (var left = network.Count; left > 0; left--)
        {
            var (from, to, frame, isBeat) = network.Dequeue();
            var node = Nodes.Single(node => node.Id == to);
            if (isBeat) node.OnBeat(from, frame);
            else node.Loop.OnFrame(from, frame);
        }

        foreach (var node in Nodes) node.Advance();
    }

    private static async ValueTask<bool> Ended(ValueTask call)
    {
        await call;
        return true;
    }
}

/// <summary>One node of a <see cref="FaceCluster"/>.</summary>
internal sealed class FaceNode : IPeerMesh, IWalQueue, ISnapshotWorker
{
    private readonly FaceCluster cluster;
    private readonly Queue<WalBatch> batches = new();
    private readonly Queue<SnapshotJob> jobs = new();
    private readonly ByteBuffer beat = new();
    private readonly BeatBoard board;
    private readonly WriteAheadLog log;
    private readonly SnapshotStore store;

    public FaceNode(FaceCluster cluster, NodeId id, Configuration members, int runBytes, GroupOptions options)
    {
        (this.cluster, Id) = (cluster, id);
        var disk = new MemoryDisk();
        SupportTable[] supports = [.. Enumerable.Range(0, 4).Select(_ => new SupportTable(1))];
        board = new BeatBoard(supports, (_, _) => true);
        log = WriteAheadLog.Open(disk, new WalOptions { Cluster = FaceCluster.Id, SegmentBytes = 1 << 20 }, out _);
        store = new SnapshotStore(disk, FaceCluster.Id);
        Loop = new GroupLoop(new GroupLoopSetup
        {
            Self = id,
            BootCount = 1,
            Mesh = this,
            Wal = this,
            Snapshots = this,
            Supports = supports,
            Dice = new SeededRandom(id.Value),
            WallMicros = () => cluster.Now.Ticks / 10,
            Clock = () => cluster.Now,
        });
        Machine = new CoordinationStateMachine(() => store.FilesOf(GroupId.Coordination)) { RunBytes = runBytes };
        var start = new RaftStart { Self = id, Group = GroupId.Coordination, Configuration = members };
        Group = Loop.Add(Machine, start, true, options.FeatureLevelKnown, options);
        Face = CoordinationFace.Over(Group, Machine, Local.Identity with { MemberId = id.Value }, id.Value);
    }

    public NodeId Id { get; }

    public GroupLoop Loop { get; }

    public ReplicatedGroup Group { get; }

    public CoordinationStateMachine Machine { get; }

    public CoordinationFace Face { get; }

    public IReadOnlyList<GroupHoldingBack> HoldingBack => [];

    public void OnBeat(NodeId from, byte[] frame)
    {
        beat.Clear();
        board.OnBeatFrame(cluster.Now, from, frame, beat);
        if (beat.Length > 0) cluster.Send(Id, from, beat.Written, true);
    }

    public void Advance()
    {
        if (cluster.Now.Ticks / TimeSpan.TicksPerMillisecond % 50 == 0)
        {
            foreach (var peer in cluster.Nodes)
            {
                beat.Clear();
                if (peer != this && board.WriteBeats(cluster.Now, peer.Id, beat) > 0) cluster.Send(Id, peer.Id, beat.Written, true);
            }
        }

        if (batches.Count > 0)
        {
            var taken = batches.ToArray();
            batches.Clear();
            log.Write(taken);
            log.Sync();
            foreach (var batch in taken) Loop.OnBatchDurable(batch);
        }

        if (jobs.TryDequeue(out var job)) job.Carry(store);
        Loop.Turn(cluster.Now);
    }

    public bool TrySend(NodeId to, ReadOnlySpan<byte> frame)
    {
        cluster.Send(Id, to, frame, false);
        return true;
    }

    public void Flush()
    {
    }

    public bool IsConnected(NodeId peer) => true;

    public void Submit(WalBatch batch) => batches.Enqueue(batch);

    public void Post(SnapshotJob job) => jobs.Enqueue(job);
}
