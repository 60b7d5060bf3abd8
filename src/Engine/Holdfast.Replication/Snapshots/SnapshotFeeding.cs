using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>Serves this replica's newest snapshot to others: manifest, then chunks as they are asked for. Keeps nothing about who asks; who got no answer asks again.</summary>
internal sealed class SnapshotFeeding(Replica owner)
{
    private readonly Replica replica = owner;

    /// <summary>Answers being read from disk at once; what is asked beyond that is dropped and asked again.</summary>
    private const int JobsMax = 16;

    private readonly ByteBuffer frame = new();
    private SnapshotReader? reader; // Only the worker touches it.
    private int underway;

    public void OnManifestRequest(NodeId from)
    {
        if (underway < JobsMax) Post(new ManifestJob(this, from));
    }

    public void OnChunkRequest(NodeId from, ref SpanReader request)
    {
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

    private sealed class ManifestJob(SnapshotFeeding owner, NodeId to) : SnapshotJob(owner.replica.Loop)
    {
        private byte[]? manifest;

        private protected override void Work(SnapshotStore store) => manifest = store.Latest(owner.replica.Group)?.Encode();

        internal override void Done()
        {
            owner.underway--;
            if (Failure is not null) return;
            owner.replica.BeginFrame(owner.frame, FrameKind.ManifestReply).WriteBytes(manifest);
            owner.replica.Loop.Mesh.TrySend(to, owner.frame.Written);
        }
    }

    private sealed class ChunkJob(SnapshotFeeding owner, NodeId to, LogPosition position, int chunk) : SnapshotJob(owner.replica.Loop)
    {
        private byte[]? bytes;

        private protected override void Work(SnapshotStore store)
        {
            if (owner.Open(store, position) is not { } source || chunk >= source.Manifest.Chunks.Length) return;
            bytes = new byte[source.Manifest.Chunks[chunk].Bytes];
            source.ReadChunk(chunk, bytes);
        }

        internal override void Done()
        {
            owner.underway--;
            if (Failure is not null || bytes is null) return;
            var writer = owner.replica.BeginFrame(owner.frame, FrameKind.ChunkReply);
            MessageCodec.WritePosition(writer, position);
            writer.WriteUInt32((uint)chunk);
            writer.WriteBytes(bytes);
            owner.replica.Loop.Mesh.TrySend(to, owner.frame.Written);
        }
    }
}
