using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Hashes as a whole: all fields, some drawn by lot, a few at a time.</summary>
internal sealed unsafe class HashWalkCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("hgetall", call => All(call, names: true, values: true), "Returns all fields and values of a hash");
        table.Bind("hkeys", call => All(call, names: true, values: false), "Returns the names of all fields of a hash");
        table.Bind("hvals", call => All(call, names: false, values: true), "Returns the values of all fields of a hash");
        table.Bind("hrandfield", Random, "Returns fields of a hash drawn by lot");
        table.Bind("hscan", Scan, "Walks over the fields of a hash, a few at a time");
    }

    private static void All(CommandCall call, bool names, bool values)
    {
        if (!call.TryLocateHash(1, out var place)) return;
        var run = SlicedRun.Of<HashReplyRun>(call) ?? (ReplyRun.IsWorthSlicing(call, HashValue.HeldIn(call.Keyspace, place)) ? new HashReplyRun(names, values) : null);
        if (run?.TryFinish(call) == false) return;
        var count = run?.Elements ?? HashValue.CountOf(call, place);
        if (names && values) call.Reply.Map(count);
        else call.Reply.Array(count);
        if (run is not null)
        {
            call.Reply.Raw(run.Written);
            return;
        }

        var writing = new Writing { Reply = call.Reply, Names = names, Values = values };
        HashValue.Walk(call, place, ref writing);
    }

    private static void Random(CommandCall call)
    {
        var isOne = call.Count == 2;
        var (count, withValues) = (1L, false);
        if (!isOne && !Draws.TryCount(call, 2, "WITHVALUES"u8, out count, out withValues)) return;
        if (!call.TryLocateHash(1, out var place)) return;
        var all = HashValue.CountOf(call, place);
        if (all == 0 || count == 0)
        {
            if (isOne) call.Reply.Null();
            else call.Reply.Array(0);
            return;
        }

        if (!Draws.AreFew(call, count)) return;
        count = Math.Min(count, all);
        var isNested = withValues && call.Reply.Protocol >= 3;
        if (!isOne) call.Reply.Array(Math.Abs(count) * (withValues && !isNested ? 2 : 1));
        var writing = new Writing { Reply = call.Reply, Names = true, Values = withValues, IsNested = isNested };
        if (count < 0)
        {
            Repeat(call, place, -count, writing);
        }
        else
        {
            var choosing = new Choosing { Selection = new Selection(call.Node.Dice, count, all), Writing = writing };
            HashValue.Walk(call, place, ref choosing);
        }
    }

    /// <summary>Draws each anew, so that one may come again.</summary>
    private static void Repeat(CommandCall call, in KeyPlace place, long times, in Writing writing)
    {
        if (place.IsBig)
        {
            var big = (BigHash)call.Keyspace.BigOf(place);
            while (times > 0 && TryDraw(call, big, out var field))
            {
                writing.Visit(field);
                times--;
            }

            if (times == 0) return;
        }

        var gathered = call.Scratch.Gathered;
        gathered.Clear();
        var gathering = new Gathering { Into = gathered };
        HashValue.Walk(call, place, ref gathering);
        for (; times > 0; times--)
        {
            var number = call.Node.Dice.Next(gathered.Count / 2) * 2;
            writing.Visit(new HashField(gathered[number], gathered[number + 1], -1));
        }
    }

    /// <summary>Draws a field that has not expired; false when most have, and none was found.</summary>
    private static bool TryDraw(CommandCall call, BigHash big, out HashField field)
    {
        const int TriesMax = 64;
        for (var tries = 0; tries < TriesMax; tries++)
        {
            field = FieldRecord.FieldOf(big.Table.Draw(call.Node.Dice));
            if (!field.IsOver(HashValue.HiddenBefore(call))) return true;
        }

        field = default;
        return false;
    }

    private static void Scan(CommandCall call)
    {
        if (!ScanGathering.TryCursor(call, 2, out var cursor) || !call.TryLocateHash(1, out var place)) return;
        if (!place.Exists)
        {
            ScanGathering.ReplyNothing(call.Reply);
            return;
        }

        if (!ScanOptions.TryParse(call, 3, hasType: false, out var options)) return;
        call.Scratch.Scan.Begin(options);
        var scanning = new Scanning { Into = call.Scratch.Scan, Hides = HashValue.HiddenBefore(call) };
        if (place.IsBig) cursor = call.Scratch.Scan.Walk(((BigHash)call.Keyspace.BigOf(place)).Table, cursor, ref scanning);
        else HashValue.Walk(call, place, ref scanning);
        call.Scratch.Scan.Reply(call.Reply, place.IsBig ? cursor : 0);
    }

    private struct Writing : IFieldVisitor
    {
        public RespWriter Reply;
        public bool Names;
        public bool Values;
        public bool IsNested;

        public readonly void Visit(in HashField field)
        {
            if (IsNested) Reply.Array(2);
            if (Names) Reply.Bulk(field.Name);
            if (Values) Reply.Bulk(field.Value);
        }
    }

    private struct Choosing : IFieldVisitor
    {
        public Selection Selection;
        public Writing Writing;

        public void Visit(in HashField field)
        {
            if (Selection.TakesNext()) Writing.Visit(field);
        }
    }

    private struct Gathering : IFieldVisitor
    {
        public GatheredStrings Into;

        public readonly void Visit(in HashField field)
        {
            Into.Add(field.Name);
            Into.Add(field.Value);
        }
    }

    private struct Scanning : IFieldVisitor, IRecordVisitor
    {
        public ScanGathering Into;
        public long Hides;

        public readonly void Visit(in HashField field)
        {
            if (Into.Offer(field.Name)) Into.Add(field.Value);
        }

        public readonly void Visit(byte* record)
        {
            var field = FieldRecord.FieldOf(record);
            if (!field.IsOver(Hides)) Visit(field);
        }
    }
}
