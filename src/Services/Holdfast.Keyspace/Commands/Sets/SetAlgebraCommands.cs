using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Unions, intersections and differences of sets.</summary>
internal sealed unsafe class SetAlgebraCommands : ICommandFamily
{
    private enum Operation : byte
    {
        Union = 0,
        Intersection = 1,
        Difference = 2,
    }

    public void Bind(CommandTable table)
    {
        table.Bind("sunion", call => Reply(call, Operation.Union), "Returns the members of any of some sets");
        table.Bind("sinter", call => Reply(call, Operation.Intersection), "Returns the members of all of some sets");
        table.Bind("sdiff", call => Reply(call, Operation.Difference), "Returns the members of a set that are in none of some others");
        table.Bind("sunionstore", call => Store(call, Operation.Union), "Stores the members of any of some sets in a key");
        table.Bind("sinterstore", call => Store(call, Operation.Intersection), "Stores the members of all of some sets in a key");
        table.Bind("sdiffstore", call => Store(call, Operation.Difference), "Stores the members of a set that are in none of some others in a key");
        table.Bind("sintercard", InterCard, "Counts the members of all of some sets");
    }

    private static void Reply(CommandCall call, Operation operation)
    {
        if (!TryCompute(call, operation, 1, call.Count - 1, long.MaxValue)) return;
        var found = call.Scratch.Gathered;
        call.Reply.Set(found.Count);
        for (var i = 0; i < found.Count; i++) call.Reply.Bulk(found[i]);
    }

    private static void Store(CommandCall call, Operation operation)
    {
        call.Locate(1);
        if (!TryCompute(call, operation, 2, call.Count - 2, long.MaxValue)) return;
        var found = call.Scratch.Gathered;
        var target = call.Locate(1);
        var wasThere = target.Exists;
        var edit = new SetEdit(call, target, replaces: true);
        for (var i = 0; i < found.Count; i++) edit.Add(found[i]);
        if (edit.Save()) call.Changed(call[1], KeyEvents.Set, operation switch { Operation.Union => "sunionstore"u8, Operation.Intersection => "sinterstore"u8, _ => "sdiffstore"u8 });
        else if (wasThere) call.Changed(call[1], KeyEvents.Generic, "del"u8);
        call.Reply.Integer(found.Count);
    }

    private static void InterCard(CommandCall call)
    {
        if (!KeyNumber.TryParse(call, 1, out var keys)) return;
        var limit = long.MaxValue;
        for (var at = 2 + keys; at < call.Count; at++)
        {
            if (!call.Is(at, "LIMIT"u8) || at + 1 == call.Count)
            {
                call.SyntaxError();
                return;
            }

            if (!KeyNumber.TryLimit(call, ++at, out limit)) return;
        }

        if (TryCompute(call, Operation.Intersection, 2, keys, limit)) call.Reply.Integer(call.Scratch.Gathered.Count);
    }

    /// <summary>Gathers the result; false when a key holds something else, which is said. (Keys that have expired are gone before the sets are looked at.)</summary>
    private static bool TryCompute(CommandCall call, Operation operation, int firstKey, int keys, long limit)
    {
        var sets = call.Scratch.Records;
        sets.Clear();
        for (var i = 0; i < keys; i++)
        {
            if (!call.TryLocate(firstKey + i, ValueKind.Set, out var place)) return false;
            sets.Add((nint)place.Record);
        }

        var found = call.Scratch.Gathered;
        found.Clear();
        switch (operation)
        {
            case Operation.Union: Unite(call.Keyspace, sets, found); break;
            case Operation.Intersection: Intersect(call.Keyspace, sets, found, limit); break;
            default:
                var subtracting = new Filtering { Keyspace = call.Keyspace, Others = sets, From = 1, Wanted = false, Into = found, Limit = limit };
                SetValue.Walk(call.Keyspace, PlaceOf(sets[0]), ref subtracting);
                break;
        }

        return true;
    }

    private static void Unite(Keyspace keyspace, List<nint> sets, GatheredStrings found)
    {
        var seen = new BigSet(keyspace);
        var uniting = new Uniting { Seen = seen, Into = found };
        foreach (var set in sets) SetValue.Walk(keyspace, PlaceOf(set), ref uniting);
        seen.Free(int.MaxValue);
    }

    /// <summary>Walks the smallest set and asks the others, the small ones first.</summary>
    private static void Intersect(Keyspace keyspace, List<nint> sets, GatheredStrings found, long limit)
    {
        for (var i = 1; i < sets.Count; i++)
            for (var at = i; at > 0 && SetValue.CountOf(keyspace, PlaceOf(sets[at])) < SetValue.CountOf(keyspace, PlaceOf(sets[at - 1])); at--)
                (sets[at], sets[at - 1]) = (sets[at - 1], sets[at]);
        var filtering = new Filtering { Keyspace = keyspace, Others = sets, From = 1, Wanted = true, Into = found, Limit = limit == 0 ? long.MaxValue : limit };
        SetValue.Walk(keyspace, PlaceOf(sets[0]), ref filtering);
    }

    private static KeyPlace PlaceOf(nint record) => new(default, 0, 0, (byte*)record);

    /// <summary>Takes the members that are in all of the others, or in none.</summary>
    private struct Filtering : IMemberVisitor
    {
        public Keyspace Keyspace;
        public List<nint> Others;
        public int From;
        public bool Wanted;
        public GatheredStrings Into;
        public long Limit;

        public readonly bool IsDone => Into.Count >= Limit;

        public readonly void Visit(ReadOnlySpan<byte> member)
        {
            for (var i = From; i < Others.Count; i++)
                if (SetValue.Contains(Keyspace, PlaceOf(Others[i]), member) != Wanted) return;
            Into.Add(member);
        }
    }

    private struct Uniting : IMemberVisitor
    {
        public BigSet Seen;
        public GatheredStrings Into;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member)
        {
            if (Seen.Add(member)) Into.Add(member);
        }
    }
}
