using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Fetches a snapshot that this replica needs: manifest, then chunks a few at a time, from the replica that offered it or any other that is connected; goes on
/// after a restart where it stopped; restores beside the live state; records the compaction, and only then the new state takes the old one's place.
/// </summary>
internal sealed class SnapshotFetching(Replica owner)
{
    private readonly Replica replica = owner;

    private const int WindowChunks = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly Mark Resumed = new("replication: snapshot fetch resumed");
    private static readonly Mark OtherSource = new("replication: snapshot fetched from another replica");
    private static readonly Mark Overtaken = new("replication: snapshot given up, the log was faster");
    private static readonly Mark Installed = new("replication: snapshot installed");

    private enum Phase
    {
        Idle,
        Manifest,
        Opening,
        Chunks,
        Committing,
        Restoring,
        Recording,
    }

    private readonly record struct Ask(int Chunk, Instant At);

    private readonly List<Ask> asked = [];
    private readonly ByteBuffer frame = new();
    private Phase phase;
    private NodeId source;
    private LogPosition wanted;
    private Instant askedAt;
    private IncomingSnapshot? incoming; // Written by the worker; read here only while no job is under way.
    private SnapshotManifest? manifest;
    private SnapshotReader? reader;
    private StateRestore? restore;
    private bool[] isTaken = [];
    private int missing;
    private int restored;

    public bool IsIdle => phase == Phase.Idle;

    /// <summary>The compaction record is on its way: the core must not change what the disk is about to say.</summary>
    public bool IsRecording => phase == Phase.Recording;

    public void OnWanted(Instant now, NodeId from, in OfferSnapshot offer)
    {
        if (phase != Phase.Idle)
        {
            // A newer snapshot is wanted than the one being fetched only when that one is gone everywhere; silence then ends the fetch.
            return;
        }

        (source, wanted, phase) = (from, offer.Position, Phase.Manifest);
        AskManifest(now);
    }

    public void OnManifestReply(NodeId from, ref SpanReader reply)
    {
        if (phase != Phase.Manifest || from != source) return;
        var bytes = reply.Rest.ToArray();
        if (SnapshotManifest.TryDecode(bytes) is not { } offered || offered.Position.Index < wanted.Index) return; // Another replica is asked when patience ends.
        manifest = offered;
        if (replica.State is null)
        {
            Record(); // A witness keeps no state: it only learns where the log begins and who belongs to the group.
            return;
        }

        phase = Phase.Opening;
        replica.Loop.Snapshots.Post(new OpenJob(this, bytes));
    }

    public void OnChunkReply(ref SpanReader reply)
    {
        var position = MessageCodec.ReadPosition(ref reply);
        var chunk = (int)reply.ReadUInt32();
        if (!reply.IsWhole || phase != Phase.Chunks || position != manifest!.Position) return;
        for (var i = 0; i < asked.Count; i++)
        {
            if (asked[i].Chunk != chunk) continue;
            asked.RemoveAt(i);
            replica.Loop.Snapshots.Post(new AcceptJob(this, chunk, reply.Rest.ToArray()));
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
            var isLate = asked.Count > 0 && now - asked[0].At >= Patience;
            if (isLate)
            {
                asked.Clear();
                ChangeSource();
            }

            AskChunks(now);
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
        replica.Node.OnSnapshotInstalled(now, position, manifest.Configuration);
        replica.Loop.Snapshots.Post(new PruneJob(replica.Loop, replica.Group, position));
        End();
        replica.OnInstalled(now);
    }

    private void AskManifest(Instant now)
    {
        askedAt = now;
        MessageCodec.WritePosition(replica.BeginFrame(frame, FrameKind.ManifestRequest), wanted);
        replica.Loop.Mesh.TrySend(source, frame.Written);
    }

    private void AskChunks(Instant now)
    {
        for (var chunk = 0; chunk < isTaken.Length && asked.Count < WindowChunks; chunk++)
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

    private void ChangeSource()
    {
        var members = replica.Node.Configuration.Members;
        var start = 0;
        for (var i = 0; i < members.Length; i++)
            if (members[i].Node == source) start = i + 1;
        for (var i = 0; i < members.Length; i++)
        {
            var next = members[(start + i) % members.Length].Node;
            if (next == replica.Node.Self || next == source || !replica.Loop.Mesh.IsConnected(next)) continue;
            OtherSource.Hit();
            source = next;
            return;
        }
    }

    private void OnOpened(IncomingSnapshot? opened)
    {
        if (opened is null)
        {
            End();
            return;
        }

        incoming = opened;
        isTaken = new bool[opened.Manifest.Chunks.Length];
        missing = opened.MissingCount;
        for (var chunk = 0; chunk < isTaken.Length; chunk++) isTaken[chunk] = opened.Has(chunk);
        if (missing < isTaken.Length) Resumed.Hit();
        phase = Phase.Chunks;
        if (missing == 0) Commit();
        else AskChunks(replica.Loop.Now);
        replica.MarkBusy();
    }

    private void OnAccepted(int chunk, bool isRight)
    {
        if (phase != Phase.Chunks) return;
        if (isRight && !isTaken[chunk])
        {
            isTaken[chunk] = true;
            missing--;
        }

        if (missing == 0) Commit();
        else AskChunks(replica.Loop.Now);
    }

    private void Commit()
    {
        phase = Phase.Committing;
        replica.Loop.Snapshots.Post(new CommitJob(this));
    }

    private void OnCommitted(SnapshotReader? opened)
    {
        if (opened is null)
        {
            End();
            return;
        }

        (reader, restored, phase) = (opened, 0, Phase.Restoring);
        restore = new StateRestore(replica.State!);
        ReadOn();
    }

    private void ReadOn()
    {
        if (IsOvertaken()) return;
        if (restored == reader!.Manifest.Chunks.Length) Record();
        else replica.Loop.Snapshots.Post(new ReadJob(this, restored));
    }

    private void OnRead(byte[]? bytes)
    {
        if (bytes is null)
        {
            End();
            return;
        }

        restore!.ReadNext(bytes);
        restored++;
        ReadOn();
    }

    private void Record()
    {
        if (IsOvertaken()) return;
        phase = Phase.Recording;
        replica.Loop.Record(replica, manifest!.Position, manifest.Configuration, manifest.FeatureLevel);
    }

    private bool IsOvertaken()
    {
        if (replica.Node.Commit < manifest!.Position.Index && replica.Node.Role == RaftRole.Follower) return false;
        Overtaken.Hit();
        End();
        return true;
    }

    private void OnFailed() => End();

    private void End()
    {
        restore?.Dispose();
        reader?.Dispose();
        incoming?.Dispose();
        asked.Clear();
        (restore, reader, incoming, manifest, phase) = (null, null, null, null, Phase.Idle);
    }

    private abstract class Job(SnapshotFetching owner) : SnapshotJob(owner.replica.Loop)
    {
        protected SnapshotFetching Owner { get; } = owner;

        internal sealed override void Done()
        {
            if (Failure is null) Succeeded();
            else Owner.OnFailed();
            Owner.replica.MarkDirty();
        }

        private protected abstract void Succeeded();
    }

    private sealed class OpenJob(SnapshotFetching owner, byte[] bytes) : Job(owner)
    {
        private IncomingSnapshot? opened;

        private protected override void Work(SnapshotStore store) => opened = store.BeginIncoming(Owner.replica.Group, bytes);

        private protected override void Succeeded() => Owner.OnOpened(opened);
    }

    private sealed class AcceptJob(SnapshotFetching owner, int chunk, byte[] bytes) : Job(owner)
    {
        private readonly IncomingSnapshot target = owner.incoming!;
        private bool isRight;

        private protected override void Work(SnapshotStore store) => isRight = target.AcceptChunk(chunk, bytes);

        private protected override void Succeeded() => Owner.OnAccepted(chunk, isRight);
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
        private byte[]? bytes;

        private protected override void Work(SnapshotStore store)
        {
            bytes = new byte[from.Manifest.Chunks[chunk].Bytes];
            from.ReadChunk(chunk, bytes);
        }

        private protected override void Succeeded() => Owner.OnRead(bytes);
    }
}
