using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A stream's groups on their way into a snapshot, a part at a time: as they were when the capture began, in the form of <see cref="StreamCodec.WriteGroups"/>. What is pending is borrowed, the rest is copied.</summary>
internal sealed class LentGroups : ILentTail
{
    private const int BytesPerPending = 16 + 8 + 8;

    private readonly List<Group> groups = [];
    private readonly ByteBuffer count = new(sizeof(uint));
    private bool hasBegun;
    private int group;
    private int consumer = -1; // Before the first of the group.

    public LentGroups(StreamValue stream)
    {
        new SpanWriter(count).WriteUInt32((uint)stream.Groups.Count);
        Bytes = count.Length;
        foreach (var (_, of) in stream.Groups)
        {
            var head = new ByteBuffer(64);
            StreamCodec.WriteHead(of, new SpanWriter(head));
            new SpanWriter(head).WriteUInt32((uint)of.Consumers.Count);
            var lent = new Group(of, head, of.Pending.Lend(), []);
            Bytes += head.Length;
            foreach (var (_, owner) in of.Consumers)
            {
                var consumerHead = new ByteBuffer(64);
                StreamCodec.WriteHead(owner, new SpanWriter(consumerHead));
                new SpanWriter(consumerHead).WriteUInt32((uint)owner.Pending.Count);
                lent.Consumers.Add(new Consumer(owner, consumerHead, owner.Pending.Lend()));
                Bytes += consumerHead.Length + ((long)owner.Pending.Count * BytesPerPending);
            }

            groups.Add(lent);
        }
    }

    private sealed record Group(StreamGroup Of, ByteBuffer Head, LentIds<PendingEntry> Pending, List<Consumer> Consumers);

    private sealed record Consumer(StreamConsumer Of, ByteBuffer Head, LentIds<Owned> Pending);

    public long Bytes { get; }

    public bool WriteNext(ByteBuffer target, int end)
    {
        var writer = new SpanWriter(target);
        if (!hasBegun) writer.WriteBytes(count.Written);
        hasBegun = true;
        for (; group < groups.Count && target.Length < end; (group, consumer) = (group + 1, -1))
            if (!TryEndGroup(groups[group], writer, target, end)) break;
        return group < groups.Count;
    }

    public void End()
    {
        foreach (var lent in groups)
        {
            lent.Of.Pending.EndLoan();
            foreach (var owner in lent.Consumers) owner.Of.Pending.EndLoan();
        }
    }

    /// <summary>Writes a group as far as there is room; true when it is whole.</summary>
    private bool TryEndGroup(Group of, SpanWriter writer, ByteBuffer target, int end)
    {
        if (consumer < 0)
        {
            writer.WriteBytes(of.Head.Written);
            BeginConsumer(of, writer);
        }

        while (consumer < of.Consumers.Count)
        {
            if (target.Length >= end) return false;
            if (of.Consumers[consumer].Pending.TryNext(out var id))
            {
                of.Pending.TryFind(id, out var entry);
                StreamCodec.WritePending(id, entry, writer);
            }
            else
            {
                BeginConsumer(of, writer);
            }
        }

        return true;
    }

    private void BeginConsumer(Group of, SpanWriter writer)
    {
        if (++consumer < of.Consumers.Count) writer.WriteBytes(of.Consumers[consumer].Head.Written);
    }
}
