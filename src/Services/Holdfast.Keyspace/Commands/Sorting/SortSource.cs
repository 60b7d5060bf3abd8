namespace Holdfast.Keyspace;

/// <summary>The elements of what can be sorted, in their own order, some at a time.</summary>
internal static unsafe class SortSource
{
    public static bool CanRead(ValueKind kind) => kind is ValueKind.List or ValueKind.Set or ValueKind.SortedSet;

    /// <summary>How many elements there are.</summary>
    public static long CountOf(CommandCall call, in KeyPlace place) => place.Kind switch
    {
        ValueKind.Set => SetValue.CountOf(call.Keyspace, place),
        ValueKind.SortedSet => SortedSetValue.CountOf(call.Keyspace, place),
        _ => new ListEdit().Read(call, place).Count,
    };

    /// <summary>Gives about so many elements to the run, from a cursor on; where it goes on, and zero at the end. Holds as long as the value is not changed.</summary>
    public static ulong Read(CommandCall call, scoped in KeyPlace place, ulong cursor, int elementsMax, SortRun run)
    {
        var visitor = new Gathering { Run = run };
        switch (place.Kind)
        {
            case ValueKind.Set when place.IsBig:
                ref readonly var table = ref ((BigSet)call.Keyspace.BigOf(place)).Table;
                for (var until = run.Count + elementsMax; run.Count < until;)
                {
                    cursor = table.Walk(cursor, ref visitor);
                    if (cursor == 0) return 0;
                }

                return cursor;
            case ValueKind.Set:
                SetValue.Walk(call.Keyspace, place, ref visitor);
                return 0;
            case ValueKind.SortedSet:
                SortedSetValue.Walk(call, place, (long)cursor, elementsMax, isReverse: false, ref visitor);
                return (long)cursor + elementsMax < SortedSetValue.CountOf(call.Keyspace, place) ? cursor + (ulong)elementsMax : 0;
            default:
                var list = new ListEdit().Read(call, place);
                var at = cursor == 0 ? list.First : list.Seek((long)cursor);
                Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
                for (var left = elementsMax; at.IsThere && left > 0; at = list.Next(at), left--) run.Add(list.Value(at, scratch));
                return at.IsThere ? cursor + (ulong)elementsMax : 0;
        }
    }

    private struct Gathering : IMemberVisitor, IScoreVisitor, IRecordVisitor
    {
        public SortRun Run;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member) => Run.Add(member);

        public readonly void Visit(ReadOnlySpan<byte> member, double score) => Run.Add(member);

        public readonly void Visit(byte* record) => Run.Add(RecordHead.KeyOf(record));
    }
}
