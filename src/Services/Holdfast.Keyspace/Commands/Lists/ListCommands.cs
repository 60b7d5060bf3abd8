namespace Holdfast.Keyspace;

/// <summary>Lists: both ends, single elements, ranges.</summary>
internal sealed class ListCommands : ICommandFamily
{
    private readonly ListEdit edit = new();

    public void Bind(CommandTable table)
    {
        BigValues.Register(ValueKind.List, ValueEncoding.Quicklist, QuickList.Read);
        table.Bind("lpush", call => Push(call, isFirst: true, onlyIfThere: false), "Adds elements at the beginning of a list, each before the last one");
        table.Bind("rpush", call => Push(call, isFirst: false, onlyIfThere: false), "Adds elements at the end of a list");
        table.Bind("lpushx", call => Push(call, isFirst: true, onlyIfThere: true), "Adds elements at the beginning of a list that is there");
        table.Bind("rpushx", call => Push(call, isFirst: false, onlyIfThere: true), "Adds elements at the end of a list that is there");
        table.Bind("lpop", call => Pop(call, isFirst: true), "Removes elements at the beginning of a list and returns them");
        table.Bind("rpop", call => Pop(call, isFirst: false), "Removes elements at the end of a list and returns them");
        table.Bind("llen", Length, "Returns how many elements a list has");
        table.Bind("lindex", Index, "Returns the element of a number");
        table.Bind("lset", Set, "Puts another element in the place of the one of a number");
        table.Bind("linsert", Insert, "Puts an element before or behind another");
        table.Bind("lrange", Range, "Returns elements by their numbers");
        table.Bind("ltrim", Trim, "Keeps elements by their numbers and removes all others");
        table.Bind("lrem", Remove, "Removes elements of a value");
        table.Bind("lpos", ListSearch.Run, "Finds the numbers of elements of a value");
    }

    private void Push(CommandCall call, bool isFirst, bool onlyIfThere)
    {
        if (!call.TryLocate(1, ValueKind.List, out var place)) return;
        if (onlyIfThere && !place.Exists)
        {
            call.Reply.Integer(0);
            return;
        }

        var list = edit.Open(call, place);
        for (var i = 2; i < call.Count; i++) list.Push(call[i], isFirst);
        call.Reply.Integer(list.Count);
        edit.Save(call, ref place);
        call.Changed(place.Key, KeyEvents.List, isFirst ? "lpush"u8 : "rpush"u8, call.Count - 2);
    }

    private void Pop(CommandCall call, bool isFirst)
    {
        var hasCount = call.Count == 3;
        if (call.Count > 3)
        {
            call.WrongArity();
            return;
        }

        var count = 1L;
        if (hasCount && !call.TryPositive(2, out count)) return;
        var place = call.Locate(1);
        if (!place.Exists)
        {
            if (hasCount) call.Reply.NullArray();
            else call.Reply.Null();
            return;
        }

        if (place.IsOtherThan(ValueKind.List))
        {
            call.Reply.Error(CommandErrors.WrongType);
            return;
        }

        if (count == 0)
        {
            call.Reply.Array(0);
            return;
        }

        var list = edit.Open(call, place);
        count = Math.Min(count, list.Count);
        if (hasCount) call.Reply.Array(count);
        ListMoves.Take(call, list, count, isFirst);
        Finish(call, ref place, isFirst ? "lpop"u8 : "rpop"u8, count);
    }

    private void Length(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.List, out var place)) call.Reply.Integer(place.Exists ? edit.Read(call, place).Count : 0);
    }

    private void Index(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.List, out var place)) return;
        if (!place.Exists)
        {
            call.Reply.Null();
            return;
        }

        if (!call.TryInteger(2, out var index)) return;
        var list = edit.Read(call, place);
        var found = list.Seek(index);
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        if (found.IsThere) call.Reply.Bulk(list.Value(found, scratch));
        else call.Reply.Null();
    }

    private void Set(CommandCall call)
    {
        var place = call.Locate(1);
        if (!place.Exists) call.Reply.Error(CommandErrors.NoSuchKey);
        else if (place.IsOtherThan(ValueKind.List)) call.Reply.Error(CommandErrors.WrongType);
        else if (call.TryInteger(2, out var index))
        {
            if (!edit.Read(call, place).Seek(index).IsThere)
            {
                call.Reply.Error(CommandErrors.IndexOutOfRange);
                return;
            }

            var list = edit.Open(call, place);
            list.Replace(list.Seek(index), call[3]);
            edit.Save(call, ref place);
            call.Changed(place.Key, KeyEvents.List, "lset"u8);
            call.Reply.Ok();
        }
    }

    private void Insert(CommandCall call)
    {
        var isBehind = call.Is(2, "AFTER"u8);
        if (!isBehind && !call.Is(2, "BEFORE"u8))
        {
            call.SyntaxError();
            return;
        }

        var run = SlicedRun.Of<ListPivotRun>(call) ?? call.Scratch.ListPivot.ForNext();
        if (!TryFinish(call, run)) return;
        if (!run.Found.IsThere)
        {
            call.Reply.Integer(run.IsThere ? -1 : 0);
            return;
        }

        var place = call.Keyspace.Locate(call[1]);
        var list = edit.Open(call, place);
        list.Insert(run.Found, call[4], isBehind);
        call.Reply.Integer(list.Count);
        edit.Save(call, ref place);
        call.Changed(place.Key, KeyEvents.List, "linsert"u8);
    }

    private void Range(CommandCall call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var end) || !call.TryLocate(1, ValueKind.List, out var place)) return;
        var list = place.Exists ? edit.Read(call, place) : null;
        var (askedStart, askedEnd) = (start, end);
        (start, end) = Clip(start, end, list?.Count ?? 0);
        if ((SlicedRun.Of<ListReplyRun>(call) ?? (ReplyRun.IsWorthSlicing(call, end - start + 1) ? new ListReplyRun(askedStart, askedEnd) : null)) is { } run)
        {
            if (!run.TryFinish(call)) return;
            call.Reply.Array(run.Elements);
            call.Reply.Raw(run.Written);
            return;
        }

        if (list is null || start > end)
        {
            call.Reply.Array(0);
            return;
        }

        call.Reply.Array(end - start + 1);
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var at = list.Seek(start);
        for (var left = end - start + 1; left > 0; left--, at = left > 0 ? list.Next(at) : at) call.Reply.Bulk(list.Value(at, scratch));
    }

    private void Trim(CommandCall call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var end) || !call.TryLocate(1, ValueKind.List, out var place)) return;
        call.Reply.Ok();
        if (!place.Exists) return;
        var count = edit.Read(call, place).Count;
        (start, end) = Clip(start, end, count);
        var (head, tail) = start > end ? (count, 0) : (start, count - 1 - end);
        if (head + tail > 0)
        {
            var list = edit.Open(call, place);
            list.Drop(head, isFirst: true);
            list.Drop(tail, isFirst: false);
            edit.Save(call, ref place);
        }

        call.Changed(place.Key, KeyEvents.List, "ltrim"u8, head + tail);
        if (!place.Exists) call.Notify(place.Key, KeyEvents.Generic, "del"u8);
    }

    private void Remove(CommandCall call)
    {
        if (!call.TryInteger(2, out var wanted)) return;
        var run = SlicedRun.Of<ListRemovalRun>(call) ?? call.Scratch.ListRemoval.For(wanted);
        if (!TryFinish(call, run)) return;
        if (run.Removed > 0)
        {
            var place = call.Keyspace.Locate(call[1]);
            run.Store(call, edit, ref place);
            Say(call, place, "lrem"u8, run.Removed);
        }

        call.Reply.Integer(run.Removed);
    }

    /// <summary>Whether a walk has come to its end. If not, the command goes on later, or its key holds something else, which is said.</summary>
    private static bool TryFinish(CommandCall call, ListRun run)
    {
        if (!run.TryFinish(call)) return false;
        if (run.IsOfOtherKind) call.Reply.Error(CommandErrors.WrongType);
        return !run.IsOfOtherKind;
    }

    /// <summary>The range within so many elements; empty when the start is greater than the end.</summary>
    public static (long Start, long End) Clip(long start, long end, long count)
    {
        start = Math.Max(0, start < 0 ? start + count : start);
        end = end < 0 ? end + count : end;
        return start >= count ? (1, 0) : (start, Math.Min(end, count - 1));
    }

    private void Finish(CommandCall call, ref KeyPlace place, ReadOnlySpan<byte> name, long changes)
    {
        edit.Save(call, ref place);
        Say(call, place, name, changes);
    }

    /// <summary>Elements were removed.</summary>
    private static void Say(CommandCall call, in KeyPlace place, ReadOnlySpan<byte> name, long changes)
    {
        call.Changed(place.Key, KeyEvents.List, name, changes);
        if (!place.Exists) call.Notify(place.Key, KeyEvents.Generic, "del"u8);
    }
}
