using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Fetches a snapshot that this replica needs: manifest, then chunks a few at a time, from the replica that offered it or any other that is connected; goes on
/// after a restart where it stopped; restores beside the live state; records the compaction, and only then the new state takes the old one's place.
/// <para>
/// It changes over to a newer snapshot when the one being fetched leads nowhere: the leader has compacted past it, or no connected replica has it any more.
/// Replicas that feed put off their next snapshot (<see cref="SnapshotTaking"/>), so that this stays rare.
/// </para>
/// </summary>
internal sealed class SnapshotFetching(Replica owner)
{
    private const int WindowChunks = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);

    private static readonly Mark Resumed = new("replication: snapshot fetch resumed");
    private static readonly Mark OtherSource = new("replication: snapshot fetched from another replica");
    private static readonly Mark ChangedOver = new("replication: snapshot fetch changed over to a newer snapshot");
    private static readonly Mark Repaired = new("replication: state repaired from another replica's snapshot");
    private static readonly Mark Overtaken = new("replication: snapshot given up, the log was faster");
    private static readonly Mark Installed = new("replication: snapshot installed");

    private enum Phase
    {
        Idle,
        Manifest,
        Opening,
        Chunks,
        Committing,
        Waiting,
        Restoring,
        Recording,
    }

    private readonly record struct Ask(int Chunk, Instant At);

    private readonly Replica replica = owner;
    private readonly List<Ask> asked = [];
    private readonly ByteBuffer frame = new();
    private Phase phase;
    private NodeId source;
    private LogPosition wanted;
    private Instant askedAt;
    private Instant notBefore = Instant.Zero;
    private int barren; // Replicas that gave nothing of this snapshot since the last chunk.
    private IncomingSnapshot? incoming; // Written and closed by the worker; read here only while no job is under way.
    private SnapshotManifest? manifest;
    private SnapshotReader? reader;
    private StateRestore? restore;
    private bool[] isTaken = [];
    private int missing;
    private int firstOpen; // Every chunk before it is here: a large snapshot has hundreds of thousands.
    private int readAsked;
    private int restored;

    public bool IsIdle => phase == Phase.Idle;

    /// <summary>The compaction record is on its way: the core must not change what the disk is about to say.</summary>
    public bool IsRecording => phase == Phase.Recording;

    public void OnWanted(Instant now, NodeId from, in OfferSnapshot offer)
    {
        wanted = offer.Position;
        if (phase == Phase.Idle) Begin(now, from);
        // What the leader has compacted it cannot send after an older snapshot: the rest of that one would be fetched in vain.
        else if (phase == Phase.Chunks && manifest!.Position.Index < wanted.Index) ChangeOver(now, from);
    }

    /// <summary>This node's own snapshot is damaged: any other replica's that is not older than the log's beginning does.</summary>
    public void Repair(Instant now)
    {
        if (phase != Phase.Idle) return;
        wanted = replica.Node.Log.Base;
        Begin(now, replica.Node.Leader);
    }

    /// <summary>Stops asking for what is needed no more; false while a snapshot that has come is being put in the state's place.</summary>
    public bool TryStop()
    {
        if (phase is Phase.Manifest or Phase.Chunks) End();
        return IsIdle;
    }

    public void OnManifestReply(NodeId from, ref SpanReader reply)
    {
        if (phase != Phase.Manifest || from != source) return;
        var bytes = reply.Rest.ToArray();
        if (SnapshotManifest.TryDecode(bytes) is not { } offered || offered.Position.Index < wanted.Index) return; // Another replica is asked when patience ends.
        manifest = offered;
        if (replica.State is null)
        {
            Record(replica.Loop.Now); // A witness keeps no state: it only learns where the log begins and who belongs to the group.
            return;
        }

        phase = Phase.Opening;
        replica.Loop.Snapshots.Post(new OpenJob(this, bytes));
    }

    public void OnChunkReply(Instant now, NodeId from, ref SpanReader reply)
    {
        var position = MessageCodec.ReadPosition(ref reply);
        var chunk = (int)reply.ReadUInt32();
        if (!reply.IsWhole || phase != Phase.Chunks || position != manifest!.Position) return;
        for (var i = 0; i < asked.Count; i++)
        {
            if (asked[i].Chunk != chunk) continue;
            if (reply.Rest.Length == 0)
            {
                if (from == source) AskOther(now);
                return;
            }

            asked.RemoveAt(i);
            replica.Loop.Snapshots.Post(new AcceptJob(this, chunk, PooledBytes.Copy(reply.Rest)));
            return;
        }
    }

    /// <summary>Repeats what was not answered, from another replica.</summary>
    public void Tick(Instant now)
    {
        if (phase == Phase.Manifest && now - askedAt >= Patience)
        {
            ChangeSource();
            AskManifest(now);
        }
        else if (phase == Phase.Chunks)
        {
            if (asked.Count > 0 && now - asked[0].At >= Patience) AskOther(now);
            else AskChunks(now);
        }
        else if (phase == Phase.Waiting)
        {
            BeginRestore();
        }
    }

    /// <summary>The compaction record is durable: the restored state takes over.</summary>
    public void OnRecorded(Instant now, LogPosition position)
    {
        if (phase != Phase.Recording || manifest!.Position != position) return;
        if (restore is not null)
        {
            Invariant.Holds(restore.TryComplete(), "a snapshot that was recorded cannot be read");
            replica.OnStateReplaced();
        }

        Installed.Hit();
        if (position.Index > replica.Node.Commit) replica.Node.OnSnapshotInstalled(now, position, manifest.Configuration);
        else replica.Node.Compact(position.Index); // A repair: the log goes on from a snapshot of what it holds.
        replica.Loop.Snapshots.Post(new PruneJob(replica.Loop, replica.Group, position));
        End();
        replica.OnInstalled(now);
    }

    private void Begin(Instant now, NodeId from)
    {
        if (now < notBefore) return;
        (source, barren, phase) = (from, 0, Phase.Manifest);
        if (from == NodeId.None || from == replica.Node.Self) ChangeSource();
        AskManifest(now);
    }

    private void ChangeOver(Instant now, NodeId from)
    {
        ChangedOver.Hit();
        Close();
        Begin(now, from);
    }

    /// <summary>The source is silent, or has not got what it was asked for: another one, or when none has, another snapshot.</summary>
    private void AskOther(Instant now)
    {
        asked.Clear();
        var others = 0;
        foreach (var member in replica.Node.Configuration.Members)
            if (member.Node != replica.Node.Self && replica.Loop.Mesh.IsConnected(member.Node)) others++;
        ChangeSource();
        if (++barren >= Math.Max(others, 1)) ChangeOver(now, source);
        else AskChunks(now);
    }

    private void AskManifest(Instant now)
    {
        askedAt = now;
        MessageCodec.WritePosition(replica.BeginFrame(frame, FrameKind.ManifestRequest), wanted);
        replica.Loop.Mesh.TrySend(source, frame.Written);
    }

    private void AskChunks(Instant now)
    {
        while (firstOpen < isTaken.Length && isTaken[firstOpen]) firstOpen++;
        for (var chunk = firstOpen; chunk < isTaken.Length && asked.Count < WindowChunks; chunk++)
        {
            if (isTaken[chunk] || IsAsked(chunk)) continue;
            var writer = replica.BeginFrame(frame, FrameKind.ChunkRequest);
            MessageCodec.WritePosition(writer, manifest!.Position);
            writer.WriteUInt32((uint)chunk);
            asked.Add(new Ask(chunk, now));
            if (!replica.Loop.Mesh.TrySend(source, frame.Written)) return;
        }
    }

    private bool IsAsked(int chunk)
    {
        foreach (var ask in asked)
            if (ask.Chunk == chunk) return true;
        return false;
    }

    /// <summary>The next one in a circle of the members that this log knows and of who leads them: a log that ended long ago may know none of today's members.</summary>
    private void ChangeSource()
    {
        var members = replica.Node.Configuration.Members;
        var start = 0;
        for (var i = 0; i < members.Length; i++)
            if (members[i].Node == source) start = i + 1;
        for (var i = 0; i <= members.Length; i++)
        {
            var place = (start + i) % (members.Length + 1);
            var next = place < members.Length ? members[place].Node : replica.Node.Leader;
            if (next == NodeId.None || next == replica.Node.Self || next == source || !replica.Loop.Mesh.IsConnected(next)) continue;
            OtherSource.Hit();
            source = next;
            return;
        }
    }

    private void OnOpened(IncomingSnapshot? opened)
    {
        incoming = opened;
        if (opened is null || replica.IsGone)
        {
            End();
            return;
        }

        isTaken = new bool[opened.Manifest.Chunks.Length];
        (missing, firstOpen) = (opened.MissingCount, 0);
        for (var chunk = 0; chunk < isTaken.Length; chunk++) isTaken[chunk] = opened.Has(chunk);
        if (missing < isTaken.Length) Resumed.Hit();
        phase = Phase.Chunks;
        if (manifest!.Position.Index < wanted.Index) ChangeOver(replica.Loop.Now, source);
        else if (missing == 0) Commit();
        else AskChunks(replica.Loop.Now);
        replica.MarkBusy();
    }

    private void OnAccepted(IncomingSnapshot target, int chunk, bool isRight)
    {
        if (phase != Phase.Chunks || target != incoming) return; // Changed over meanwhile.
        if (isRight && !isTaken[chunk])
        {
            isTaken[chunk] = true;
            missing--;
            barren = 0;
        }

        if (missing == 0) Commit();
        else if (!isRight) AskOther(replica.Loop.Now);
        else AskChunks(replica.Loop.Now);
    }

    private void Commit()
    {
        phase = Phase.Committing;
        replica.Loop.Snapshots.Post(new CommitJob(this));
    }

    private void OnCommitted(SnapshotReader? opened)
    {
        (reader, readAsked, restored) = (opened, 0, 0);
        if (opened is null || replica.IsGone)
        {
            End();
            return;
        }

        BeginRestore();
    }

    /// <summary>One state is built at a time: the memory of two would be too much to ask.</summary>
    private void BeginRestore()
    {
        phase = Phase.Waiting;
        if (!replica.Restoring.IsReady && !replica.Restoring.NeedsPeers) return;
        phase = Phase.Restoring;
        restore = new StateRestore(replica.State!);
        ReadOn();
    }

    private void ReadOn()
    {
        if (IsOvertaken()) return;
        var chunks = restore!.FileReading is null ? reader!.Manifest.OwnChunks : reader!.Manifest.Chunks.Length;
        if (restored == chunks)
        {
            Record(replica.Loop.Now);
            return;
        }

        for (; readAsked < chunks && readAsked - restored < StateRestoring.ReadsUnderwayMax; readAsked++)
            replica.Loop.Snapshots.Post(new ReadJob(this, readAsked));
    }

    private void OnRead(SnapshotReader from, PooledBytes bytes, object? content)
    {
        if (from != reader)
        {
            bytes.Return(); // The fetch has ended meanwhile.
            return;
        }

        if (content is null) restore!.ReadNext(bytes.Span);
        else restore!.TakeFile(content);
        bytes.Return();
        restored++;
        ReadOn();
    }

    private void Record(Instant now)
    {
        if (IsOvertaken()) return;
        if (replica.IsGone)
        {
            End();
            return;
        }

        if (replica.State is not null && !restore!.IsWhole)
        {
            OnFailed(now);
            return;
        }

        phase = Phase.Recording;
        replica.Loop.Record(replica, manifest!.Position, manifest.Configuration, manifest.FeatureLevel);
    }

    private bool IsOvertaken()
    {
        var (node, at) = (replica.Node, manifest!.Position.Index);
        if (node.Commit < at && node.Role == RaftRole.Follower) return false;
        if (replica.Restoring.NeedsPeers && at >= node.Log.Base.Index && at <= node.Commit)
        {
            Repaired.Hit();
            return false;
        }

        Overtaken.Hit();
        End();
        return true;
    }

    private void OnFailed(Instant now)
    {
        notBefore = now + PauseAfterFailure;
        End();
    }

    private void End()
    {
        Close();
        phase = Phase.Idle;
    }

    private void Close()
    {
        restore?.Dispose();
        if (reader is not null) replica.Loop.Snapshots.Post(new CloseJob(replica.Loop, reader));
        if (incoming is not null) replica.Loop.Snapshots.Post(new CloseJob(replica.Loop, incoming));
        asked.Clear();
        (restore, reader, incoming, manifest) = (null, null, null, null);
    }

    private abstract class Job(SnapshotFetching owner) : SnapshotJob(owner.replica.Loop)
    {
        protected SnapshotFetching Owner { get; } = owner;

        internal sealed override void Done()
        {
            if (Failure is null) Succeeded();
            else if (IsCurrent) Owner.OnFailed(Owner.replica.Loop.Now);
            Owner.replica.MarkDirty();
        }

        private protected abstract void Succeeded();

        private protected virtual bool IsCurrent => true;
    }

    private sealed class OpenJob(SnapshotFetching owner, byte[] bytes) : Job(owner)
    {
        private IncomingSnapshot? opened;

        private protected override void Work(SnapshotStore store) => opened = store.BeginIncoming(Owner.replica.Group, bytes);

        private protected override void Succeeded() => Owner.OnOpened(opened);
    }

    private sealed class AcceptJob(SnapshotFetching owner, int chunk, PooledBytes bytes) : Job(owner)
    {
        private readonly IncomingSnapshot target = owner.incoming!;
        private bool isRight;

        private protected override void Work(SnapshotStore store)
        {
            isRight = target.AcceptChunk(chunk, bytes.Span);
            bytes.Return();
        }

        private protected override void Succeeded() => Owner.OnAccepted(target, chunk, isRight);

        private protected override bool IsCurrent => Owner.phase == Phase.Chunks && Owner.incoming == target;
    }

    private sealed class CommitJob(SnapshotFetching owner) : Job(owner)
    {
        private readonly IncomingSnapshot target = owner.incoming!;
        private SnapshotReader? opened;

        private protected override void Work(SnapshotStore store) => opened = store.Open(Owner.replica.Group, target.Commit().Position);

        private protected override void Succeeded() => Owner.OnCommitted(opened);
    }

    private sealed class ReadJob(SnapshotFetching owner, int chunk) : Job(owner)
    {
        private readonly SnapshotReader from = owner.reader!;
        private readonly IStateFileReading? reading = owner.restore!.FileReading;
        private PooledBytes bytes;
        private object? content;

        private protected override void Work(SnapshotStore store)
        {
            bytes = PooledBytes.Rent(from.Manifest.Chunks[chunk].Bytes);
            from.ReadChunk(chunk, bytes.Span);
            if (reading is not null && from.Manifest.FileOf(chunk) is { } file) content = reading.Decode(file.Hash, bytes.Span);
        }

        private protected override void Succeeded() => Owner.OnRead(from, bytes, content);

        private protected override bool IsCurrent => Owner.reader == from;
    }
}
