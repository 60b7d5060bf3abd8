using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Takes snapshots of a replica's own state while it goes on: the view is captured in one step, walked a chunk per turn, written by the worker, and only when
/// it is durable the compaction is recorded (S10); only when that is durable the log in memory is shortened.
/// <para>
/// A leader that executes at append has executed more than is committed, and goes on executing: the view then shows the state after the last executed entry, and is written only once that very entry is applied, when the
/// group's own part of the state has come as far. Should the entry be taken back, the view is thrown away. (Executions used to wait until all was committed: for as long as the disk took, clients that wait for no disk stood still.)
/// </para>
/// </summary>
internal sealed class SnapshotTaking(Replica owner, GroupOptions options)
{
    private const int ChunksUnderwayMax = 4;

    /// <summary>While another replica fetches from here the log may grow by so many times more before the next snapshot: compacting would make what it has fetched in vain.</summary>
    private const int PatienceWhileFeeding = 4;

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(10);

    private static readonly Mark Taken = new("replication: snapshot taken");
    private static readonly Mark PutOff = new("replication: snapshot put off while another replica fetches");
    private static readonly Mark Failed = new("replication: snapshot failed, tried again later");
    private static readonly Mark DeletedMeanwhile = new("replication: a snapshot was not recorded, since its group was deleted meanwhile", elsewhere: "GroupLifeTests: the groups of the cluster world that are deleted are too small for snapshots");
    private static readonly Mark CapturedAhead = new("replication: a snapshot shows executed entries, and waits for their commit");
    private static readonly Mark ThrownAway = new("replication: a snapshot of executed entries was thrown away, they were taken back");
    private static readonly Mark AfterBroken = new("replication: a piece of a snapshot was not written, since one before it was not");

    private readonly Replica replica = owner;
    private readonly ByteBuffer chunk = new();
    private Writing? writing;
    private ISnapshotView? view;
    private LogPosition? awaited; // The entry that the view shows last, while it is executed and not applied.
    private ulong capturedHash; // The machine's, of that state.
    private Queue<byte[]> section = new();
    private bool isFiled; // The view wants no more files.
    private int unsealed; // Files whose last piece is on its way.
    private bool isWalked;
    private int underway;
    private Instant notBefore = Instant.Zero;
    private bool isForced;
    private Instant begunAt;
    private long bytes;
    private long lastBytes; // Written by the last snapshot; what it only named is not counted.

    public bool IsIdle => view is null;

    /// <summary>Why the last snapshot failed; null when it did not.</summary>
    public string? Fault { get; private set; }

    public bool WantsTurn => writing is not null && !isWalked && underway < ChunksUnderwayMax && (!isFiled || unsealed == 0);

    /// <summary>Asks for a snapshot as soon as possible, whatever the log's length: the write-ahead log is held back by this group.</summary>
    public void Force() => isForced = true;

    /// <summary>Begins a snapshot if one is due, or goes on with one that has begun.</summary>
    public void Turn(Instant now)
    {
        if (writing is not null) Walk();
        else if (view is null && IsDue(now)) Begin();
    }

    /// <summary>An entry was applied: with the last that a view shows, its snapshot can be written.</summary>
    public void OnApplied(LogPosition position)
    {
        if (awaited is not { } last || last.Index != position.Index) return;
        Invariant.Holds(last == position || options.Bug == PlantedReplicaBug.TakenBackStateInSnapshot, "a snapshot shows an entry in whose place another was committed");
        awaited = null;
        BeginWriting();
    }

    /// <summary>Entries from here on are taken back: a view that shows one of them is thrown away (S10). Before the machine undoes them.</summary>
    public void OnTruncated(LogIndex from)
    {
        if (awaited is { } last && from <= last.Index && options.Bug != PlantedReplicaBug.TakenBackStateInSnapshot) ThrowAway();
    }

    /// <summary>The state is built anew: a view of entries that were only executed leads nowhere.</summary>
    public void OnStateLost()
    {
        if (awaited is not null) ThrowAway();
    }

    /// <summary>The replica was deleted: what is on its way to the disk is closed when it has arrived, and never recorded.</summary>
    public void OnDeleted()
    {
        if (view is not null && underway == 0) End();
    }

    /// <summary>The compaction record is durable: the log in memory may go.</summary>
    public void OnRecorded(LogPosition position)
    {
        if (writing is null || writing.Position != position) return;
        Taken.Hit();
        (Fault, lastBytes) = (null, bytes);
        replica.Meters.OnSnapshotTaken(bytes, replica.Loop.Now - begunAt);
        replica.Tap?.BeforeCompaction(replica.Node.Log, position.Index);
        replica.Node.Compact(position.Index);
        replica.Restoring.OnCompacted();
        replica.Loop.Snapshots.Post(new PruneJob(replica.Loop, replica.Group, position));
        End();
    }

    /// <summary>A snapshot that wrote much is worth a longer log: at most half as much as the log is written again, within bounds.</summary>
    private long LogBytesBetween => Math.Clamp(lastBytes / 2, options.SnapshotLogBytes, options.SnapshotLogBytes * options.SnapshotLogTimesMax);

    private bool IsDue(Instant now)
    {
        var node = replica.Node;
        if (!isForced && node.Log.Bytes < LogBytesBetween) return false;
        if (!isForced && node.Log.Bytes < PatienceWhileFeeding * options.SnapshotLogBytes && replica.Feeding.IsBusy(now))
        {
            PutOff.Hit();
            return false;
        }

        var state = replica.State!;
        return now >= notBefore && replica.Restoring.IsReady && state.Applied.Index > node.Log.Base.Index && !state.IsMidEntry && replica.Fetching.IsIdle;
    }

    private void Begin()
    {
        var state = replica.State!;
        isForced = false;
        replica.Feeding.Rest(replica.Loop.Now);
        (begunAt, bytes) = (replica.Loop.Now, 0);
        capturedHash = state.Machine.StateHash;
        view = state.Machine.CaptureSnapshot();
        if (replica.Execution is { IsSettled: false } execution && options.Bug != PlantedReplicaBug.UncommittedStateInSnapshot)
        {
            CapturedAhead.Hit();
            awaited = execution.LastExecuted;
            return;
        }

        BeginWriting();
        Walk();
    }

    /// <summary>The group's part of the state is as far as the view: both are one snapshot from here on.</summary>
    private void BeginWriting()
    {
        var state = replica.State!;
        section = StateSection.Cut(state);
        writing = new Writing(replica.Group, state.Applied, replica.Node.ConfigurationAt(state.Applied.Index), state.FeatureLevel, state.HashWith(capturedHash));
        replica.MarkBusy();
    }

    private void ThrowAway()
    {
        ThrownAway.Hit();
        isForced = true; // What made it due still does.
        End();
    }

    private void Walk()
    {
        if (!WantsTurn) return;
        replica.MarkBusy();
        chunk.Clear();
        if (!isFiled)
        {
            WalkFiles();
            return;
        }

        if (section.TryDequeue(out var piece)) new SpanWriter(chunk).WriteBytes(piece);
        else isWalked = !view!.WriteNext(chunk);
        bytes += chunk.Length;
        // A view may write its last chunk in the very call that says there are no more.
        if (chunk.Length > 0) Post(new WriteJob(this, writing!, PooledBytes.Copy(chunk.Written)));
        if (isWalked) Post(new CommitJob(this, writing!, view!.Files));
    }

    private void WalkFiles()
    {
        var step = view!.WriteFile(chunk);
        isFiled = step == FileStep.NoMore;
        bytes += chunk.Length;
        if (step == FileStep.Ends) unsealed++;
        if (chunk.Length > 0 || step == FileStep.Ends) Post(new FileJob(this, writing!, PooledBytes.Copy(chunk.Written), step == FileStep.Ends));
    }

    private void OnSealed(FileHash file)
    {
        unsealed--;
        view!.OnFileSealed(file);
    }

    private void Post(SnapshotJob job)
    {
        underway++;
        replica.Loop.Snapshots.Post(job);
    }

    private void OnJobDone(SnapshotJob job)
    {
        underway--;
        if (job.Failure is not null)
        {
            Failed.Hit();
            notBefore = replica.Loop.Now + PauseAfterFailure;
            (Fault, isForced) = (job.Failure.Message, true);
            isWalked = true;
            writing!.HasFailed = true;
        }

        if (underway == 0 && (writing!.HasFailed || replica.IsGone)) End();
        replica.MarkBusy();
    }

    private void OnCommitted()
    {
        if (writing is not { HasFailed: false } done) return;
        if (replica.IsGone) DeletedMeanwhile.Hit();
        else replica.Loop.Record(replica, done.Position, done.Configuration, done.FeatureLevel);
    }

    private void End()
    {
        view?.Dispose();
        if (writing is not null) replica.Loop.Snapshots.Post(new CloseJob(replica.Loop, writing));
        (view, awaited, writing, isWalked, underway, isFiled, unsealed) = (null, null, null, false, 0, false, 0);
    }

    /// <summary>A snapshot on its way to disk; only the worker touches the writer.</summary>
    private sealed class Writing(GroupId group, LogPosition position, Configuration configuration, uint featureLevel, ulong stateHash) : IDisposable
    {
        private SnapshotWriter? writer;
        private StateFileWriter? file;

        public GroupId Group { get; } = group;

        public LogPosition Position { get; } = position;

        public Configuration Configuration { get; } = configuration;

        public uint FeatureLevel { get; } = featureLevel;

        public ulong StateHash { get; } = stateHash;

        public bool HasFailed { get; set; }

        /// <summary>A piece was not written; the worker knows it long before the loop does.</summary>
        public bool IsBroken { get; set; }

        public SnapshotWriter Open(SnapshotStore store) => writer ??= store.Begin(Group, Position, Configuration, FeatureLevel);

        public StateFileWriter OpenFile(SnapshotStore store) => file ??= store.FilesOf(Group).Begin();

        public FileHash SealFile()
        {
            var hash = file!.Seal();
            file.Dispose();
            file = null;
            return hash;
        }

        public void Dispose()
        {
            file?.Dispose();
            writer?.Dispose();
        }
    }

    /// <summary>One of the jobs, in order, that write a snapshot. What comes after a piece that failed is not written: it would begin the snapshot, or a file, in its middle.</summary>
    private abstract class WritingJob(SnapshotTaking owner, Writing writing) : SnapshotJob(owner.replica.Loop)
    {
        private protected SnapshotTaking Owner { get; } = owner;

        private protected Writing Writing { get; } = writing;

        private protected sealed override void Work(SnapshotStore store)
        {
            if (Writing.IsBroken)
            {
                AfterBroken.Hit();
                throw new IOException("a piece before this one was not written");
            }

            Writing.IsBroken = true;
            Write(store);
            Writing.IsBroken = false;
        }

        private protected abstract void Write(SnapshotStore store);
    }

    private sealed class FileJob(SnapshotTaking owner, Writing writing, PooledBytes bytes, bool isLast) : WritingJob(owner, writing)
    {
        private FileHash? hash;

        private protected override void Write(SnapshotStore store)
        {
            Writing.OpenFile(store).Append(bytes.Span);
            bytes.Return();
            if (isLast) hash = Writing.SealFile();
        }

        internal override void Done()
        {
            if (hash is { } made) Owner.OnSealed(made);
            Owner.OnJobDone(this);
        }
    }

    private sealed class WriteJob(SnapshotTaking owner, Writing writing, PooledBytes bytes) : WritingJob(owner, writing)
    {
        private protected override void Write(SnapshotStore store)
        {
            Writing.Open(store).AppendChunk(bytes.Span);
            bytes.Return();
        }

        internal override void Done() => Owner.OnJobDone(this);
    }

    private sealed class CommitJob(SnapshotTaking owner, Writing writing, IReadOnlyList<FileHash> files) : WritingJob(owner, writing)
    {
        private protected override void Write(SnapshotStore store)
        {
            var writer = Writing.Open(store);
            foreach (var file in files) writer.AddFile(file);
            writer.Commit(Writing.StateHash);
        }

        internal override void Done()
        {
            if (Failure is null) Owner.OnCommitted();
            Owner.OnJobDone(this);
        }
    }
}

/// <summary>Deletes all snapshots of a group whose tombstone is durable (S6).</summary>
internal sealed class DeleteJob(GroupLoop loop, GroupId group) : SnapshotJob(loop)
{
    private protected override void Work(SnapshotStore store) => store.DeleteGroup(group);

    internal override void Done()
    {
    }
}

/// <summary>Deletes the snapshots that a newer one has replaced.</summary>
internal sealed class PruneJob(GroupLoop loop, GroupId group, LogPosition keep) : SnapshotJob(loop)
{
    private protected override void Work(SnapshotStore store) => store.Prune(group, keep);

    internal override void Done()
    {
    }
}
