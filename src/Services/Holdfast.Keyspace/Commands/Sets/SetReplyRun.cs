using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>All members of a large set, a slice a turn.</summary>
internal sealed class SetReplyRun : ReplyRun
{
    private ulong cursor;

    public SetReplyRun()
        : base(keyArgument: 1)
    {
        // It is asked for nothing but all.
    }

    protected override bool Takes(ValueKind kind) => kind is ValueKind.None or ValueKind.Set;

    protected override long BeginElements(CommandCall call)
    {
        cursor = 0;
        return SetValue.CountOf(call.Keyspace, PlaceOf(0));
    }

    protected override bool WriteSome(CommandCall call, RespWriter writer)
    {
        var writing = new Writing { Reply = writer };
        cursor = SetValue.WalkSome(call.Keyspace, PlaceOf(0), cursor, SliceElements, ref writing);
        Elements += writing.Count;
        return cursor == 0;
    }

    private struct Writing : IMemberVisitor
    {
        public RespWriter Reply;
        public long Count;

        public readonly bool IsDone => false;

        public void Visit(ReadOnlySpan<byte> member)
        {
            Reply.Bulk(member);
            Count++;
        }
    }
}
