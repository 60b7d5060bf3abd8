using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Sees the members of a set.</summary>
internal interface IMemberVisitor
{
    /// <summary>Whether it has seen enough.</summary>
    bool IsDone { get; }

    /// <summary>A member.</summary>
    void Visit(ReadOnlySpan<byte> member);
}

/// <summary>Reading sets in each of their forms.</summary>
internal static unsafe class SetValue
{
    /// <summary>How many members there are.</summary>
    public static long CountOf(Keyspace keyspace, in KeyPlace place) => !place.Exists ? 0 : place.Encoding switch
    {
        ValueEncoding.IntSet => IntSetRun.CountOf(place.Bytes),
        ValueEncoding.Listpack => SetRun.CountOf(place.Bytes),
        _ => keyspace.BigOf(place).Count,
    };

    /// <summary>Whether a member is in it.</summary>
    public static bool Contains(Keyspace keyspace, in KeyPlace place, ReadOnlySpan<byte> member) => place.Exists && place.Encoding switch
    {
        ValueEncoding.IntSet => RespNumber.TryParse(member, out long number) && IntSetRun.TryFind(place.Bytes, number, out _),
        ValueEncoding.Listpack => SetRun.TryFind(place.Bytes, member, out _, out _),
        _ => ((BigSet)keyspace.BigOf(place)).Contains(member),
    };

    /// <summary>Calls for every member, until the visitor has seen enough.</summary>
    public static void Walk<TVisitor>(Keyspace keyspace, in KeyPlace place, ref TVisitor visitor)
        where TVisitor : IMemberVisitor
    {
        var cursor = 0UL;
        do cursor = WalkSome(keyspace, place, cursor, int.MaxValue, ref visitor);
        while (cursor != 0 && !visitor.IsDone);
    }

    /// <summary>Calls for about so many members from a cursor on, until the visitor has seen enough; where it goes on, and zero at the end. Holds as long as the set is not changed. A small set is walked whole.</summary>
    public static ulong WalkSome<TVisitor>(Keyspace keyspace, in KeyPlace place, ulong cursor, int membersMax, ref TVisitor visitor)
        where TVisitor : IMemberVisitor
    {
        if (!place.Exists) return 0;
        if (place.IsBig)
        {
            var records = new Records<TVisitor>(ref visitor);
            ref readonly var table = ref ((BigSet)keyspace.BigOf(place)).Table;
            var homes = membersMax;
            do cursor = table.Walk(cursor, ref records);
            while (cursor != 0 && !visitor.IsDone && --homes > 0);
            return cursor;
        }

        var run = place.Bytes;
        if (place.Encoding == ValueEncoding.Listpack)
        {
            for (var at = PackedRun.HeadBytes; at < run.Length && !visitor.IsDone;) visitor.Visit(PackedRun.Next(run, ref at));
            return 0;
        }

        Span<byte> text = stackalloc byte[24];
        for (var i = 0; i < IntSetRun.CountOf(run) && !visitor.IsDone; i++) visitor.Visit(text[..RespNumber.Format(IntSetRun.At(run, i), text)]);
        return 0;
    }

    private readonly ref struct Records<TVisitor>(ref TVisitor visitor) : IRecordVisitor
        where TVisitor : IMemberVisitor
    {
        private readonly ref TVisitor visitor = ref visitor;

        public void Visit(byte* record)
        {
            if (!visitor.IsDone) visitor.Visit(RecordHead.KeyOf(record));
        }
    }
}
