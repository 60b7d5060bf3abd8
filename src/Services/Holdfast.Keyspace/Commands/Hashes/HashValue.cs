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
    /// <summary>Looks up the hash at an argument; fields that have expired are deleted first, and that is logged. False when the key holds something else, which is said.</summary>
    public static bool TryLocateHash(this CommandCall call, int argument, out KeyPlace place)
    {
        if (!call.TryLocate(argument, ValueKind.Hash, out place)) return false;
        if (place.Exists && call.Mode == CallMode.Execute && SoonestOf(call.Keyspace, place) < call.Now) HashExpiry.DropFields(call, ref place);
        return true;
    }

    /// <summary>No field of the hash expires before this date.</summary>
    public static long SoonestOf(Keyspace keyspace, in KeyPlace place) => place.IsBig ? ((BigHash)keyspace.BigOf(place)).Soonest : HashRun.SoonestOf(place.Bytes);

    /// <summary>How many fields there are.</summary>
    public static long CountOf(CommandCall call, in KeyPlace place)
    {
        if (!place.Exists) return 0;
        if (call.Mode == CallMode.ReadOnly && SoonestOf(call.Keyspace, place) < call.Now)
        {
            var counting = new Counting();
            Walk(call, place, ref counting);
            return counting.Count;
        }

        return place.IsBig ? call.Keyspace.BigOf(place).Count : HashRun.CountOf(place.Bytes);
    }

    /// <summary>Looks a field up. A follower, who deletes nothing, does not see one that has expired.</summary>
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

        return call.Mode != CallMode.ReadOnly || !field.IsOver(call.Now);
    }

    /// <summary>Calls for every field: of a small hash in the order in which they came.</summary>
    public static void Walk<TVisitor>(CommandCall call, in KeyPlace place, ref TVisitor visitor)
        where TVisitor : IFieldVisitor
    {
        if (!place.Exists) return;
        var hides = call.Mode == CallMode.ReadOnly ? call.Now : long.MinValue;
        if (place.IsBig)
        {
            var records = new Records<TVisitor>(ref visitor, hides);
            ((BigHash)call.Keyspace.BigOf(place)).Table.WalkAll(ref records);
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
