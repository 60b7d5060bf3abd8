using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Members drawn by lot. What SPOP drew is logged as the removal of those members.</summary>
internal sealed unsafe class SetDrawCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("spop", Pop, "Removes and returns members of a set drawn by lot");
        table.Bind("srandmember", Random, "Returns members of a set drawn by lot");
    }

    private static void Pop(CommandCall call)
    {
        if (call.Count > 3)
        {
            call.SyntaxError();
            return;
        }

        var isOne = call.Count == 2;
        var count = 1L;
        if (!isOne && (!RespNumber.TryParse(call[2], out count) || count < 0))
        {
            call.Reply.Error(CommandErrors.NotPositive);
            return;
        }

        if (!call.TryLocate(1, ValueKind.Set, out var place)) return;
        var all = SetValue.CountOf(call.Keyspace, place);
        if (all == 0 || count == 0)
        {
            if (isOne) call.Reply.Null();
            else call.Reply.Set(0);
            return;
        }

        var drawn = call.Scratch.Gathered;
        Draw(call, place, Math.Min(count, all), all, drawn);
        if (!isOne) call.Reply.Set(drawn.Count);
        for (var i = 0; i < drawn.Count; i++) call.Reply.Bulk(drawn[i]);
        call.Changed(call[1], KeyEvents.Set, "spop"u8, drawn.Count);
        if (drawn.Count == all)
        {
            call.Keyspace.Remove(ref place);
            call.Notify(call[1], KeyEvents.Generic, "del"u8);
            var removal = call.LogInstead(2);
            removal.Argument("DEL"u8);
            removal.Argument(call[1]);
            return;
        }

        var edit = new SetEdit(call, place);
        var log = call.LogInstead(2 + drawn.Count);
        log.Argument("SREM"u8);
        log.Argument(call[1]);
        for (var i = 0; i < drawn.Count; i++)
        {
            log.Argument(drawn[i]);
            edit.Remove(drawn[i]);
        }

        edit.Save();
    }

    private static void Random(CommandCall call)
    {
        var isOne = call.Count == 2;
        var count = 1L;
        if (call.Count > 3)
        {
            call.SyntaxError();
            return;
        }

        if (!isOne && !Draws.TryCount(call, 2, default, out count, out _)) return;
        if (!call.TryLocate(1, ValueKind.Set, out var place)) return;
        var all = SetValue.CountOf(call.Keyspace, place);
        if (all == 0 || count == 0)
        {
            if (isOne) call.Reply.Null();
            else call.Reply.Array(0);
            return;
        }

        if (!Draws.AreFew(call, count)) return;
        var drawn = call.Scratch.Gathered;
        if (count < 0)
        {
            Repeat(call, place, -count, drawn);
            return;
        }

        Draw(call, place, Math.Min(count, all), all, drawn);
        if (!isOne) call.Reply.Array(drawn.Count);
        for (var i = 0; i < drawn.Count; i++) call.Reply.Bulk(drawn[i]);
    }

    /// <summary>Draws so many different members: of a large set by drawing until they are found, when they are few; else in one walk.</summary>
    private static void Draw(CommandCall call, in KeyPlace place, long count, long all, GatheredStrings drawn)
    {
        drawn.Clear();
        if (place.IsBig && count <= all / 4)
        {
            ref readonly var members = ref ((BigSet)call.Keyspace.BigOf(place)).Table;
            var seen = call.Scratch.Drawn;
            seen.Clear();
            while (seen.Count < count)
            {
                var record = members.Draw(call.Node.Dice);
                if (seen.Add((nint)record)) drawn.Add(RecordHead.KeyOf(record));
            }

            return;
        }

        var choosing = new Choosing { Selection = new Selection(call.Node.Dice, count, all), Into = drawn };
        SetValue.Walk(call.Keyspace, place, ref choosing);
    }

    /// <summary>Draws each anew, so that one may come again.</summary>
    private static void Repeat(CommandCall call, in KeyPlace place, long times, GatheredStrings gathered)
    {
        call.Reply.Array(times);
        if (place.IsBig)
        {
            ref readonly var members = ref ((BigSet)call.Keyspace.BigOf(place)).Table;
            for (; times > 0; times--) call.Reply.Bulk(RecordHead.KeyOf(members.Draw(call.Node.Dice)));
            return;
        }

        gathered.Clear();
        var all = SetValue.CountOf(call.Keyspace, place);
        var choosing = new Choosing { Selection = new Selection(call.Node.Dice, all, all), Into = gathered };
        SetValue.Walk(call.Keyspace, place, ref choosing);
        for (; times > 0; times--) call.Reply.Bulk(gathered[call.Node.Dice.Next(gathered.Count)]);
    }

    private struct Choosing : IMemberVisitor
    {
        public Selection Selection;
        public GatheredStrings Into;

        public readonly bool IsDone => false;

        public void Visit(ReadOnlySpan<byte> member)
        {
            if (Selection.TakesNext()) Into.Add(member);
        }
    }
}
