using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Sets: members one by one.</summary>
internal sealed unsafe class SetCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        BigValues.Register(ValueKind.Set, ValueEncoding.HashTable, (ref SpanReader reader, Keyspace owner) => TableValue.Read(new BigSet(owner), ref reader));
        table.Bind("sadd", Add, "Adds members to a set");
        table.Bind("srem", Remove, "Removes members of a set, and the set with its last one");
        table.Bind("smove", Move, "Moves a member from one set to another");
        table.Bind("sismember", IsMember, "Says whether a member is in a set");
        table.Bind("smismember", AreMembers, "Says of members whether they are in a set");
        table.Bind("scard", Count, "Counts the members of a set");
        table.Bind("smembers", Members, "Returns all members of a set");
        table.Bind("sscan", Scan, "Walks over the members of a set, a few at a time");
    }

    private static void Add(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Set, out var place)) return;
        var edit = new SetEdit(call, place);
        var added = 0;
        for (var i = 2; i < call.Count; i++)
            if (edit.Add(call[i])) added++;
        edit.Save();
        if (added > 0) call.Changed(call[1], KeyEvents.Set, "sadd"u8, added);
        call.Reply.Integer(added);
    }

    private static void Remove(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Set, out var place)) return;
        var removed = 0;
        if (place.Exists)
        {
            var edit = new SetEdit(call, place);
            for (var i = 2; i < call.Count && edit.Count > 0; i++)
                if (edit.Remove(call[i])) removed++;
            if (removed > 0)
            {
                call.Changed(call[1], KeyEvents.Set, "srem"u8, removed);
                if (!edit.Save()) call.Notify(call[1], KeyEvents.Generic, "del"u8);
            }
        }

        call.Reply.Integer(removed);
    }

    private static void Move(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Set, out var source)) return;
        if (!source.Exists)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!call.TryLocate(2, ValueKind.Set, out var target)) return;
        if (call[1].SequenceEqual(call[2]))
        {
            call.Reply.Integer(SetValue.Contains(call.Keyspace, source, call[3]) ? 1 : 0);
            return;
        }

        var from = new SetEdit(call, source);
        if (!from.Remove(call[3]))
        {
            call.Reply.Integer(0);
            return;
        }

        call.Changed(call[1], KeyEvents.Set, "srem"u8);
        if (!from.Save()) call.Notify(call[1], KeyEvents.Generic, "del"u8);
        var to = new SetEdit(call, target);
        if (to.Add(call[3]))
        {
            to.Save();
            call.Changed(call[2], KeyEvents.Set, "sadd"u8);
        }

        call.Reply.Integer(1);
    }

    private static void IsMember(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.Set, out var place)) call.Reply.Integer(SetValue.Contains(call.Keyspace, place, call[2]) ? 1 : 0);
    }

    private static void AreMembers(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Set, out var place)) return;
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++) call.Reply.Integer(SetValue.Contains(call.Keyspace, place, call[i]) ? 1 : 0);
    }

    private static void Count(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.Set, out var place)) call.Reply.Integer(SetValue.CountOf(call.Keyspace, place));
    }

    private static void Members(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Set, out var place)) return;
        var count = SetValue.CountOf(call.Keyspace, place);
        var run = SlicedRun.Of<SetReplyRun>(call) ?? (ReplyRun.IsWorthSlicing(call, count) ? new SetReplyRun() : null);
        if (run?.TryFinish(call) == false) return;
        call.Reply.Set(run?.Elements ?? count);
        if (run is not null)
        {
            call.Reply.Raw(run.Written);
            return;
        }

        var writing = new Writing { Reply = call.Reply };
        SetValue.Walk(call.Keyspace, place, ref writing);
    }

    private static void Scan(CommandCall call)
    {
        if (!ScanGathering.TryCursor(call, 2, out var cursor) || !call.TryLocate(1, ValueKind.Set, out var place)) return;
        if (!place.Exists)
        {
            ScanGathering.ReplyNothing(call.Reply);
            return;
        }

        if (!ScanOptions.TryParse(call, 3, hasType: false, out var options)) return;
        call.Scratch.Scan.Begin(options);
        var scanning = new Scanning { Into = call.Scratch.Scan };
        if (place.IsBig) cursor = call.Scratch.Scan.Walk(((BigSet)call.Keyspace.BigOf(place)).Table, cursor, ref scanning);
        else SetValue.Walk(call.Keyspace, place, ref scanning);
        call.Scratch.Scan.Reply(call.Reply, place.IsBig ? cursor : 0);
    }

    private struct Writing : IMemberVisitor
    {
        public RespWriter Reply;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member) => Reply.Bulk(member);
    }

    private struct Scanning : IMemberVisitor, IRecordVisitor
    {
        public ScanGathering Into;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member) => Into.Offer(member);

        public readonly void Visit(byte* record) => Into.Offer(RecordHead.KeyOf(record));
    }
}
