using System.Buffers.Binary;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A stream as pieces: with the first its counters, then nodes, then groups. What a group has pending may take many pieces: each says again whose it is, and whoever reads adds it to what is there (<see cref="StreamCodec.TryReadMore"/>).
/// </summary>
internal sealed class StreamPieces(StreamValue stream) : IValuePieces
{
    private readonly StreamGroup[] groups = [.. stream.Groups.Values];
    private StreamConsumer[]? consumers; // Of the group that is being written.
    private bool hasBegun;
    private int node;
    private int group;
    private int consumer;
    private StreamId pending;

    public bool WriteNext(ByteBuffer target, int bytesMax)
    {
        var end = target.Length + bytesMax;
        var writer = new SpanWriter(target);
        if (!hasBegun) StreamCodec.WriteCounters(stream, writer);
        hasBegun = true;
        var nodes = BeginCount(target);
        for (var first = node; node < stream.Nodes && target.Length < end; SetCount(target, nodes, ++node - first)) StreamCodec.WriteNode(stream.MasterOf(node), stream.PackOf(node), writer);
        return WriteGroups(target, end);
    }

    private bool WriteGroups(ByteBuffer target, int end)
    {
        var count = BeginCount(target);
        for (var parts = 1; node == stream.Nodes && group < groups.Length && target.Length < end; parts++)
        {
            WriteGroup(target, groups[group], end);
            SetCount(target, count, parts);
        }

        return node < stream.Nodes || group < groups.Length;
    }

    private void WriteGroup(ByteBuffer target, StreamGroup of, int end)
    {
        StreamCodec.WriteHead(of, new SpanWriter(target));
        var count = BeginCount(target);
        consumers ??= [.. of.Consumers.Values];
        for (var parts = 1; consumer < consumers.Length && target.Length < end; parts++)
        {
            WriteConsumer(target, of, consumers[consumer], end);
            SetCount(target, count, parts);
        }

        if (consumer == consumers.Length) (group, consumer, consumers) = (group + 1, 0, null);
    }

    private void WriteConsumer(ByteBuffer target, StreamGroup of, StreamConsumer owner, int end)
    {
        StreamCodec.WriteHead(owner, new SpanWriter(target));
        var count = BeginCount(target);
        var isDone = false;
        for (var entries = 1; !isDone && target.Length < end; entries++)
        {
            isDone = !owner.Pending.TryAtLeast(pending, out var id, out _);
            if (isDone) break;
            StreamCodec.WritePending(of, id, new SpanWriter(target));
            SetCount(target, count, entries);
            isDone = !id.TryNext(out pending);
        }

        if (isDone) (consumer, pending) = (consumer + 1, StreamId.Zero);
    }

    private static int BeginCount(ByteBuffer target)
    {
        new SpanWriter(target).WriteUInt32(0);
        return target.Length - sizeof(uint);
    }

    private static void SetCount(ByteBuffer target, int at, int count) => BinaryPrimitives.WriteUInt32LittleEndian(target.Patch(at, sizeof(uint)), (uint)count);
}
