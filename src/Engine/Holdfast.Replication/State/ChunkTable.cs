using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Commands that have come in part. Incomplete chunks are part of the state, and are dropped at the first entry of a later term, by all replicas at the same
/// place in the log (S10): whoever sent them to the old leader will not send the rest.
/// </summary>
/// <param name="bytesMax">Bytes of all commands in part; part of the replicated behaviour, and another number in tests only.</param>
internal sealed class ChunkTable(int bytesMax = ChunkTable.BytesMax)
{
    /// <summary>Bytes of all commands in part: what a node cannot hand on whole it leaves behind in part, and this is state on every replica. Beyond it the oldest is dropped.</summary>
    internal const int BytesMax = 128 * 1024 * 1024;

    /// <summary>Commands in part at once; one more is dropped instead. Part of the replicated behaviour.</summary>
    private const int CommandsMax = 64;

    /// <summary>Bytes of one command in part. Part of the replicated behaviour.</summary>
    private const int CommandBytesMax = 64 * 1024 * 1024;

    private static readonly Mark DroppedByTerm = new("replication: incomplete chunks dropped at a later term");
    private static readonly Mark OutOfOrder = new("replication: chunk out of order dropped its command");
    private static readonly Mark BytesFull = new("replication: too many bytes in chunks");
    private static readonly Mark TableFull = new("replication: too many commands in chunks");

    // In the order of their first chunk: walked for snapshots.
    private readonly List<Part> parts = [];

    private sealed class Part(ProposalId id)
    {
        public ProposalId Id { get; } = id;

        public uint Next { get; set; }

        public ByteBuffer Bytes { get; } = new();
    }

    public int Count => parts.Count;

    public void DropAll()
    {
        if (parts.Count == 0) return;
        DroppedByTerm.Hit();
        parts.Clear();
    }

    /// <summary>Takes a chunk. Returns the whole command when it was the last one, else null.</summary>
    public ByteBuffer? Take(in Envelope envelope, ReadOnlySpan<byte> bytes)
    {
        var place = Find(envelope.Id);
        if (envelope.Chunk == 0 && place < 0)
        {
            if (parts.Count >= CommandsMax)
            {
                TableFull.Hit();
                parts.RemoveAt(0);
            }

            parts.Add(new Part(envelope.Id));
            place = parts.Count - 1;
        }

        if (place < 0) return null;
        var part = parts[place];
        if (part.Next != envelope.Chunk || part.Bytes.Length + bytes.Length > CommandBytesMax)
        {
            OutOfOrder.Hit();
            parts.RemoveAt(place);
            return null;
        }

        part.Next++;
        new SpanWriter(part.Bytes).WriteBytes(bytes);
        if (envelope.Has(EnvelopeFlags.LastChunk))
        {
            parts.Remove(part);
            return part.Bytes;
        }

        DropOldestBeyond(part);
        return null;
    }

    private void DropOldestBeyond(Part newest)
    {
        long bytes = 0;
        foreach (var part in parts) bytes += part.Bytes.Length;
        for (var at = 0; bytes > bytesMax && at < parts.Count;)
        {
            if (parts[at] == newest)
            {
                at++;
                continue;
            }

            BytesFull.Hit();
            bytes -= parts[at].Bytes.Length;
            parts.RemoveAt(at);
        }
    }

    public void Encode(SpanWriter writer)
    {
        writer.WriteUInt32((uint)parts.Count);
        foreach (var part in parts)
        {
            writer.WriteUInt64(part.Id.Origin.Value);
            writer.WriteUInt64(part.Id.Number);
            writer.WriteUInt32(part.Next);
            writer.WriteBlock(part.Bytes.Written);
        }
    }

    public void Decode(ref SpanReader reader)
    {
        parts.Clear();
        var count = reader.ReadUInt32();
        for (var i = 0u; i < count && reader.IsWhole; i++)
        {
            var part = new Part(new ProposalId(new NodeId(reader.ReadUInt64()), reader.ReadUInt64())) { Next = reader.ReadUInt32() };
            new SpanWriter(part.Bytes).WriteBytes(reader.ReadBlock());
            parts.Add(part);
        }
    }

    private int Find(ProposalId id)
    {
        for (var i = 0; i < parts.Count; i++)
            if (parts[i].Id == id) return i;
        return -1;
    }
}
