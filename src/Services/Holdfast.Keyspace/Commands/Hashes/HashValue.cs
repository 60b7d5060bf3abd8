namespace Holdfast.Keyspace;

/// <summary>Sees the fields of a hash.</summary>
internal interface IFieldVisitor
{
    /// <summary>A field.</summary>
    void Visit(in HashField field);
}

/// <summary>Reading hashes, small and large.</summary>
internal static unsafe class HashValue
{
    /// <summary>Looks up the hash at an argument; fields that have expired are deleted first, as far as that takes no time, and that is logged. False when the key holds something else, which is said.</summary>
    public static bool TryLocateHash(this CommandCall call, int argument, out KeyPlace place)
    {
        if (!call.TryLocate(argument, ValueKind.Hash, out place)) return false;
        if (place.Exists && call.Mode == CallMode.Execute && SoonestOf(call.Keyspace, place) < call.Now) HashExpiry.DropMet(call, ref place);
        return true;
    }

    /// <summary>No field of the hash expires before this date.</summary>
    public static long SoonestOf(Keyspace keyspace, in KeyPlace place) => place.IsBig ? ((BigHash)keyspace.BigOf(place)).Soonest : HashRun.SoonestOf(place.Bytes);

    /// <summary>How many fields the hash holds, those included that have expired.</summary>
    public static long HeldIn(Keyspace keyspace, in KeyPlace place) => !place.Exists ? 0 : place.IsBig ? keyspace.BigOf(place).Count : HashRun.CountOf(place.Bytes);

    /// <summary>How many fields there are.</summary>
    public static long CountOf(CommandCall call, in KeyPlace place)
    {
        var held = HeldIn(call.Keyspace, place);
        if (held == 0 || SoonestOf(call.Keyspace, place) >= HiddenBefore(call)) return held;
        if (place.IsBig) return held - ((BigHash)call.Keyspace.BigOf(place)).CountOver(call.Now);
        var counting = new Counting();
        Walk(call, place, ref counting);
        return counting.Count;
    }

    /// <summary>Fields whose dates are before this one are not seen: a follower deletes none, and a leader not all at once. An effect sees whatever is there (S13).</summary>
    public static long HiddenBefore(CommandCall call) => call.IsReplay ? long.MinValue : call.Now;

    /// <summary>Looks a field up, if it has not expired.</summary>
    public static bool TryGet(CommandCall call, in KeyPlace place, ReadOnlySpan<byte> name, out HashField field)
    {
        field = default;
        if (!place.Exists) return false;
        if (place.IsBig)
        {
            var record = ((BigHash)call.Keyspace.BigOf(place)).Find(name);
            if (record is null) return false;
            field = FieldRecord.FieldOf(record);
        }
        else if (!HashRun.TryFind(place.Bytes, name, out field, out _, out _))
        {
            return false;
        }

        return !field.IsOver(HiddenBefore(call));
    }

    /// <summary>Calls for every field that has not expired: of a small hash in the order in which they came.</summary>
    public static void Walk<TVisitor>(CommandCall call, in KeyPlace place, ref TVisitor visitor)
        where TVisitor : IFieldVisitor => Walk(call.Keyspace, place, HiddenBefore(call), ref visitor);

    /// <summary>Calls for every field that the hash holds, those included that have expired.</summary>
    public static void WalkHeld<TVisitor>(Keyspace keyspace, in KeyPlace place, ref TVisitor visitor)
        where TVisitor : IFieldVisitor => Walk(keyspace, place, long.MinValue, ref visitor);

    private static void Walk<TVisitor>(Keyspace keyspace, in KeyPlace place, long hides, ref TVisitor visitor)
        where TVisitor : IFieldVisitor
    {
        if (!place.Exists) return;
        if (place.IsBig)
        {
            var records = new Records<TVisitor>(ref visitor, hides);
            ((BigHash)keyspace.BigOf(place)).Table.WalkAll(ref records);
            return;
        }

        var run = place.Bytes;
        for (var at = HashRun.FirstOf(run); HashRun.TryNext(run, ref at, out var field);)
            if (!field.IsOver(hides)) visitor.Visit(field);
    }

    private struct Counting : IFieldVisitor
    {
        public long Count;

        public void Visit(in HashField field) => Count++;
    }

    private readonly ref struct Records<TVisitor>(ref TVisitor visitor, long hides) : IRecordVisitor
        where TVisitor : IFieldVisitor
    {
        private readonly ref TVisitor visitor = ref visitor;

        public void Visit(byte* record)
        {
            var field = FieldRecord.FieldOf(record);
            if (!field.IsOver(hides)) visitor.Visit(field);
        }
    }
}
