using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Serves this replica's newest snapshot to others, whatever its role: manifest, then chunks as they are asked for; an empty chunk says that it is not here (any
/// more). Keeps nothing about who asks; who got no answer asks again.
/// </summary>
internal sealed class SnapshotFeeding(Replica owner)
{
    /// <summary>Answers being read from disk at once; what is asked beyond that is dropped and asked again.</summary>
    private const int JobsMax = 16;

    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(5);

    private static readonly Mark NotHere = new("replication: snapshot asked for that is not here");
    private static readonly Mark TakenForOther = new("replication: snapshot taken because another replica needs one");

    private readonly Replica replica = owner;
    private readonly ByteBuffer frame = new();
    private SnapshotReader? reader; // Only the worker touches it.
    private Instant askedAt = Instant.Zero - BusyFor;
    private int underway;

    /// <summary>Somebody is fetching from here: a newer snapshot, and the log's compaction with it, would make what they have in vain.</summary>
    public bool IsBusy(Instant now) => now - askedAt < BusyFor;

    /// <summary>A new snapshot is being taken, and nobody fetches: the one before is closed, or its space would stay taken after it was deleted, for as long as the process lives.</summary>
    public void Rest(Instant now)
    {
        if (!IsBusy(now)) replica.Loop.Snapshots.Post(new RestJob(this));
    }

    public void OnManifestRequest(Instant now, NodeId from, ref SpanReader request)
    {
        askedAt = now;
        var wanted = MessageCodec.ReadPosition(ref request);
        if (request.IsWhole && underway < JobsMax) Post(new ManifestJob(this, from, wanted));
    }

    public void OnChunkRequest(Instant now, NodeId from, ref SpanReader request)
    {
        askedAt = now;
        var position = MessageCodec.ReadPosition(ref request);
        var chunk = request.ReadUInt32();
        if (request.IsWhole && chunk < SnapshotManifest.ChunksMax && underway < JobsMax) Post(new ChunkJob(this, from, position, (int)chunk));
    }

    private void Post(SnapshotJob job)
    {
        underway++;
        replica.Loop.Snapshots.Post(job);
    }

    private SnapshotReader? Open(SnapshotStore store, LogPosition position)
    {
        if (reader?.Manifest.Position == position) return reader;
        reader?.Dispose();
        return reader = store.Open(replica.Group, position);
    }

    private sealed class RestJob(SnapshotFeeding owner) : SnapshotJob(owner.replica.Loop)
    {
        private protected override void Work(SnapshotStore store)
        {
            owner.reader?.Dispose();
            owner.reader = null;
        }

        internal override void Done()
        {
        }
    }

    private sealed class ManifestJob(SnapshotFeeding owner, NodeId to, LogPosition wanted) : SnapshotJob(owner.replica.Loop)
    {
        private SnapshotManifest? manifest;

        private protected override void Work(SnapshotStore store) => manifest = store.Latest(owner.replica.Group);

        internal override void Done()
        {
            owner.underway--;
            var replica = owner.replica;
            if (Failure is null && manifest is not null && manifest.Position.Index >= wanted.Index)
            {
                replica.BeginFrame(owner.frame, FrameKind.ManifestReply).WriteBytes(manifest.Encode());
                replica.Loop.Mesh.TrySend(to, owner.frame.Written);
                return;
            }

            NotHere.Hit();
            if (!replica.Taking.IsIdle || replica.ReadableTo < wanted.Index) return;
            // This replica's state is new enough: by the time it is asked again there is a snapshot of it.
            TakenForOther.Hit();
            replica.Taking.Force();
            replica.MarkDirty();
        }
    }

    private sealed class ChunkJob(SnapshotFeeding owner, NodeId to, LogPosition position, int chunk) : SnapshotJob(owner.replica.Loop)
    {
        private PooledBytes? bytes;

        private protected override void Work(SnapshotStore store)
        {
            if (owner.Open(store, position) is not { } source || chunk >= source.Manifest.Chunks.Length) return;
            var read = PooledBytes.Rent(source.Manifest.Chunks[chunk].Bytes);
            source.ReadChunk(chunk, read.Span);
            bytes = read;
        }

        internal override void Done()
        {
            owner.underway--;
            if (bytes is null) NotHere.Hit();
            var writer = owner.replica.BeginFrame(owner.frame, FrameKind.ChunkReply);
            MessageCodec.WritePosition(writer, position);
            writer.WriteUInt32((uint)chunk);
            if (bytes is { } read)
            {
                writer.WriteBytes(read.Span);
                read.Return();
            }

            owner.replica.Loop.Mesh.TrySend(to, owner.frame.Written);
        }
    }
}
