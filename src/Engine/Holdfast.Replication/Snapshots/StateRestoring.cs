using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>
/// Builds a replica's state from the snapshot that its log continues from: at start, and when a truncated tail could not be undone (S20). The worker reads,
/// the loop takes one chunk after another with turns in between, so other groups go on and a few chunks of memory are enough.
/// <para>
/// Meanwhile the replica votes and acknowledges: both rest on its log, term and vote, which are whole, and a group of which two members restart at once would
/// otherwise be without a quorum for as long as the larger state takes to read. What rests on the state it refuses: reads, snapshots, execution. It stands for
/// election only when others had time to, for a leader that applies nothing answers nobody.
/// </para>
/// The files by hash that the snapshot names are read first, only to be checked: their machine reads them when it needs them, perhaps months later, when nobody else has them any more.
/// A snapshot, or a file, that turns out to be damaged here is fetched from another replica, unless the machine says that it can make again what the file held.
/// </summary>
internal sealed class StateRestoring
{
    /// <summary>
    /// Chunks of about 256 KiB on their way from the disk at once: enough that neither the worker nor the loop waits for the other, also on a machine that is so busy that each hand-over costs a
    /// turn of the scheduler (with 4, a gigabyte took a minute there, and two seconds on a quiet one).
    /// </summary>
    public const int ReadsUnderwayMax = 16;

    private static readonly Mark Rebuilt = new("replication: state rebuilt after a truncated tail");
    private static readonly Mark FileDamaged = new("replication: state file damaged, found when its snapshot was restored");
    private static readonly Mark OwnSnapshotDamaged = new("replication: own snapshot damaged, another replica is asked");
    private static readonly Mark CompactedMeanwhile = new("replication: state rebuilt again, the log was compacted meanwhile");

    private enum Phase
    {
        Ready,
        Opening,
        Reading,
        FromPeers,
    }

    private readonly Replica replica;
    private readonly PlantedReplicaBug bug;
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Execution at append only, until the first snapshot: the empty state as chunks, to begin again from.</summary>
    private readonly List<byte[]>? seed;

    private Phase phase;
    private SnapshotReader? reader; // Only the worker reads from it and closes it.
    private StateRestore? restore;
    private int asked;
    private int taken;
    private LogPosition? givenUpAt;

    public StateRestoring(Replica replica, GroupOptions options)
    {
        (this.replica, bug) = (replica, options.Bug);
        if (BeginsFromSnapshot) phase = Phase.Opening;
        if (replica.State is { Machine: IAppendExecutor } state && replica.Node.Log.Base.Index == LogIndex.Zero) seed = SeedOf(state);
    }

    /// <summary>The state is there.</summary>
    public bool IsReady => phase == Phase.Ready;

    /// <summary>This node's own snapshot is damaged, or was given up: the state must come from another replica.</summary>
    public bool NeedsPeers => phase == Phase.FromPeers;

    /// <summary>The state was given up, and no leader has said anything since: the group counts on this node no more. As soon as one does, the state is fetched.</summary>
    public bool IsGivenUp => NeedsPeers && givenUpAt == replica.Node.Log.Last;

    /// <summary>Completes when the state is there for the first time; fails when its snapshot is damaged and no other replica can have it.</summary>
    public Task First => first.Task;

    public void BeginAtStart()
    {
        if (BeginsFromSnapshot) Begin();
        else first.TrySetResult();
    }

    private bool BeginsFromSnapshot => replica.State is not null && replica.Node.Log.Base.Index > LogIndex.Zero;

    /// <summary>The state holds effects of entries that were taken back and that it cannot undo.</summary>
    public void Rebuild()
    {
        Invariant.Holds(IsReady, "a state was executed upon while it was being rebuilt");
        Rebuilt.Hit();
        Begin();
    }

    /// <summary>
    /// Lets the state go: the group has committed that it counts on this node no more (S6). Log, term and vote stay, so that this node never says anything else than it did before; should the group count on it
    /// again, the state comes from others. One that was given up before a restart, and is asked for since, is given up again. False while it cannot be: it leads, or is in the middle of something.
    /// </summary>
    public bool TryGiveUp()
    {
        if (IsGivenUp) return true;
        if (replica.State is not { IsMidEntry: false } state || replica.Node.Role == RaftRole.Leader || !replica.Taking.IsIdle) return false;
        if (NeedsPeers ? !replica.Fetching.TryStop() : !IsReady || !replica.Fetching.IsIdle) return false;
        (phase, givenUpAt) = (Phase.FromPeers, replica.Node.Log.Last);
        replica.OnStateLost();
        state.Machine.Forget();
        return true;
    }

    /// <summary>A fetched snapshot has taken the state's place.</summary>
    public void OnStateReplaced()
    {
        if (IsReady) return;
        Close();
        BecomeReady();
    }

    /// <summary>
    /// The log was compacted. A state that was built again while that snapshot was on its way to the disk, from the one before, and has not come as far since, finds no entries any more to go on with: it is built from the new one.
    /// </summary>
    public void OnCompacted()
    {
        if (!IsReady || replica.State!.Applied.Index >= replica.Node.Log.Base.Index || bug == PlantedReplicaBug.StateBehindLogTaken) return;
        CompactedMeanwhile.Hit();
        Begin();
    }

    public void Stop() => first.TrySetException(new ObjectDisposedException(nameof(ReplicatedGroup)));

    private static List<byte[]> SeedOf(GroupState empty)
    {
        List<byte[]> chunks = [.. StateSection.Cut(empty)];
        using var view = empty.Machine.CaptureSnapshot();
        var chunk = new Wire.ByteBuffer();
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = view.WriteNext(chunk);
            if (chunk.Length > 0) chunks.Add(chunk.Written.ToArray());
        }

        return chunks;
    }

    private void Begin()
    {
        phase = Phase.Opening;
        replica.OnStateLost();
        if (replica.Node.Log.Base.Index > LogIndex.Zero)
        {
            replica.Loop.Snapshots.Post(new OpenJob(this, replica.Node.Log.Base));
            return;
        }

        restore = new StateRestore(replica.State!);
        foreach (var chunk in seed!) restore.ReadNext(chunk);
        Complete(default);
    }

    private void OnOpened(SnapshotReader? opened)
    {
        if (phase != Phase.Opening) opened?.Dispose(); // A fetched snapshot was faster.
        else if (opened is null) LookElsewhere();
        else
        {
            (reader, restore, phase, asked, taken) = (opened, new StateRestore(replica.State!), Phase.Reading, 0, 0);
            ReadOn();
        }
    }

    private void OnRead(SnapshotReader from, int chunk, PooledBytes? bytes, object? content)
    {
        if (phase == Phase.Reading && from == reader)
        {
            var isOwn = chunk < from.Manifest.OwnChunks;
            if (bytes is null && !isOwn) FileDamaged.Hit();
            if (bytes is null && (isOwn || !restore!.GoesOnWithout(from.Manifest.FileOf(chunk)!.Value.Hash)))
            {
                LookElsewhere();
                return;
            }

            if (isOwn) restore!.ReadNext(bytes!.Value.Span);
            else if (content is not null) restore!.TakeFile(content);
            taken++;
            ReadOn();
        }

        bytes?.Return();
    }

    private void ReadOn()
    {
        var chunks = reader!.Manifest.Chunks.Length;
        for (; asked < chunks && asked - taken < ReadsUnderwayMax; asked++) replica.Loop.Snapshots.Post(new ReadJob(this, reader, Turned(asked)));
        if (taken == chunks) Complete(reader.Manifest.Position);
    }

    /// <summary>The chunk that is read at a turn: the pieces of the files first, then the snapshot's own; the other way round for a machine that takes the files' content.</summary>
    private int Turned(int turn) => restore!.FileReading is not null ? turn : (turn + reader!.Manifest.OwnChunks) % reader.Manifest.Chunks.Length;

    private void Complete(LogPosition position)
    {
        if (!restore!.TryComplete() || replica.State!.Applied != position)
        {
            LookElsewhere();
            return;
        }

        Close();
        if (position.Index >= replica.Node.Log.Base.Index || bug == PlantedReplicaBug.StateBehindLogTaken)
        {
            BecomeReady();
            return;
        }

        CompactedMeanwhile.Hit(); // By a snapshot that was on its way to the disk when the state was lost.
        Begin();
    }

    private void LookElsewhere()
    {
        OwnSnapshotDamaged.Hit();
        Close();
        phase = Phase.FromPeers;
        if (replica.Node.Configuration.IsSoleVoter(replica.Node.Self))
            first.TrySetException(new SnapshotDamagedException($"group {replica.Group}: the snapshot at {replica.Node.Log.Base}, from which its log continues, is missing or damaged, and no other replica has it: restore this node from a backup"));
        replica.MarkBusy();
    }

    private void BecomeReady()
    {
        (phase, givenUpAt) = (Phase.Ready, null);
        replica.Node.IsReluctant = false;
        first.TrySetResult();
        replica.MarkBusy();
    }

    private void Close()
    {
        restore?.Dispose();
        if (reader is not null) replica.Loop.Snapshots.Post(new CloseJob(replica.Loop, reader));
        (restore, reader) = (null, null);
    }

    private sealed class OpenJob(StateRestoring owner, LogPosition position) : SnapshotJob(owner.replica.Loop)
    {
        private SnapshotReader? opened;

        private protected override void Work(SnapshotStore store) => opened = store.Open(owner.replica.Group, position, mayLackFiles: true);

        internal override void Done() => owner.OnOpened(Failure is null ? opened : null);
    }

    private sealed class ReadJob(StateRestoring owner, SnapshotReader from, int chunk) : SnapshotJob(owner.replica.Loop)
    {
        private readonly IStateFileReading? reading = owner.restore!.FileReading;
        private PooledBytes bytes;
        private object? content;

        private protected override void Work(SnapshotStore store)
        {
            bytes = PooledBytes.Rent(from.Manifest.Chunks[chunk].Bytes);
            from.ReadChunk(chunk, bytes.Span);
            if (reading is not null && from.Manifest.FileOf(chunk) is { } file) content = reading.Decode(file.Hash, bytes.Span);
        }

        internal override void Done() => owner.OnRead(from, chunk, Failure is null ? bytes : null, content);
    }
}

/// <summary>Closes what earlier jobs have worked on.</summary>
internal sealed class CloseJob(GroupLoop loop, IDisposable open) : SnapshotJob(loop)
{
    private protected override void Work(SnapshotStore store) => open.Dispose();

    internal override void Done()
    {
    }
}
