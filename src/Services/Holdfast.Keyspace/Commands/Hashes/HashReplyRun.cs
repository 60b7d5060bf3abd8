using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>All fields of a large hash, a slice a turn: those that had not expired when it was begun.</summary>
internal sealed unsafe class HashReplyRun : ReplyRun
{
    private readonly bool names;
    private readonly bool values;
    private ulong cursor;
    private long hides;

    public HashReplyRun(bool names, bool values)
        : base(keyArgument: 1) => (this.names, this.values) = (names, values);

    protected override bool Takes(ValueKind kind) => kind is ValueKind.None or ValueKind.Hash;

    protected override long BeginElements(CommandCall call)
    {
        (cursor, hides) = (0, HashValue.HiddenBefore(call));
        return HashValue.HeldIn(call.Keyspace, PlaceOf(0));
    }

    protected override bool WriteSome(CommandCall call, RespWriter writer)
    {
        var place = PlaceOf(0);
        var writing = new Writing { Reply = writer, Names = names, Values = values, Hides = hides };
        if (place.IsBig)
        {
            ref readonly var table = ref ((BigHash)call.Keyspace.BigOf(place)).Table;
            var homes = SliceElements;
            do cursor = table.Walk(cursor, ref writing);
            while (cursor != 0 && --homes > 0);
        }
        else
        {
            HashValue.Walk(call, place, ref writing);
        }

        Elements += writing.Count;
        return cursor == 0;
    }

    private struct Writing : IFieldVisitor, IRecordVisitor
    {
        public RespWriter Reply;
        public bool Names;
        public bool Values;
        public long Hides;
        public long Count;

        public void Visit(in HashField field)
        {
            if (Names) Reply.Bulk(field.Name);
            if (Values) Reply.Bulk(field.Value);
            Count++;
        }

        public void Visit(byte* record)
        {
            var field = FieldRecord.FieldOf(record);
            if (!field.IsOver(Hides)) Visit(field);
        }
    }
}
