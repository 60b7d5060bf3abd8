using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A large sorted set: a table of <see cref="ScoreRecord"/>s by member, and an <see cref="OrderTree"/> of the same records by score. Whatever is in the order is a member. A long run of members goes at once, out of the order
/// alone (<see cref="Cut"/>); their records stay in the table until they are freed, a few at a time.
/// </summary>
internal sealed unsafe class BigSortedSet(Keyspace owner) : TableValue(owner)
{
    private const byte Added = 1;
    private const byte Removed = 2;
    private const byte Rescored = 3;
    private const byte WasCut = 4;
    private const int ElementsPerLeaf = 32;

    private static readonly Mark MetAgain = new("keyspace: a member came again whose record was still to be freed", elsewhere: "SortedSetCutTests: the simulated clients use registers and transactions only");

    private RecordTable members;
    private OrderTree order;
    private List<OrderPart>? cuts;
    private long cutsMade;
    private long bytes;

    public override long Count => order.Count;

    public override long Bytes => bytes + members.Bytes + ((order.Nodes + (cuts?.Sum(static cut => (long)cut.Order.Nodes) ?? 0)) * OrderNode.Bytes);

    public override long Moment => cutsMade;

    public override ref readonly RecordTable Table => ref members;

    /// <summary>The members in order.</summary>
    public ref readonly OrderTree Order => ref order;

    /// <summary>The score of a member; false when it is not there.</summary>
    public bool TryScore(ReadOnlySpan<byte> member, out double score)
    {
        var record = Find(KeyHash.Of(member, Owner.Seed), member);
        score = record is null ? 0 : ScoreRecord.Score(record);
        return record is not null;
    }

    public override bool Shows(byte* record, long moment)
    {
        if (cuts is null || order.Contains(record)) return true;
        foreach (var cut in cuts)
            if (cut.Number > moment && cut.Order.Contains(record)) return true;
        return false;
    }

    /// <summary>Adds a member, or gives it another score.</summary>
    public void Put(ReadOnlySpan<byte> member, double score)
    {
        var hash = KeyHash.Of(member, Owner.Seed);
        Announce(hash);
        TidyBeside();
        var record = members.Find(hash, member);
        if (record is not null && !Shows(record, long.MaxValue))
        {
            // It stays where it was cut to, marked by its score, until it is freed with the others there.
            MetAgain.Hit();
            members.Remove(record);
            ScoreRecord.Score(record) = double.NaN;
            record = null;
        }

        if (record is null)
        {
            record = ScoreRecord.Make(Owner.Arena, hash, member, score);
            Attach(record);
            Tell(Added, record, 0);
            return;
        }

        var before = BitConverter.DoubleToInt64Bits(ScoreRecord.Score(record));
        Rescore(record, score);
        Tell(Rescored, record, (nint)before);
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> member)
    {
        var record = Find(KeyHash.Of(member, Owner.Seed), member);
        if (record is null) return false;
        Announce(RecordHead.Hash(record));
        Detach(record);
        if (!Tell(Removed, null, (nint)record)) ScoreRecord.Free(Owner.Arena, record);
        return true;
    }

    /// <summary>Removes some members from a rank on, but not all there are, whatever their number, at once.</summary>
    public void Cut(long rank, long count)
    {
        var cut = new OrderPart(++cutsMade, order.Cut(Owner.Arena, rank, count));
        (cuts ??= []).Add(cut);
        if (!Tell(WasCut, null, (nint)cut.Number)) Settle(cut);
    }

    /// <summary>Frees records of members that were cut. Not while a snapshot captures the set: it may have to show them.</summary>
    public override bool Tidy(int elementsMax)
    {
        for (; cuts is [{ IsForGood: true } cut, ..] && Holders == 0 && elementsMax > 0; elementsMax -= ElementsPerLeaf)
        {
            var visitor = new Leaving { Owner = this, IsInTable = true };
            if (cut.Order.FreeSome(Owner.Arena, 1, ref visitor)) cuts.RemoveAt(0);
        }

        if (cuts is []) cuts = null;
        return cuts is [{ IsForGood: true }, ..];
    }

    public override BigValue MakeEmpty() => new BigSortedSet(Owner);

    public override void TakeBack(in ElementImage image)
    {
        switch (image.Change)
        {
            case Added:
                Detach((byte*)image.Now);
                ScoreRecord.Free(Owner.Arena, (byte*)image.Now);
                break;
            case Removed:
                Attach((byte*)image.Before);
                break;
            case WasCut:
                BringBack(cuts![^1]);
                break;
            default:
                Rescore((byte*)image.Now, BitConverter.Int64BitsToDouble(image.Before));
                break;
        }
    }

    public override void Forget(in ElementImage image)
    {
        if (image.Change == Removed) ScoreRecord.Free(Owner.Arena, (byte*)image.Before);
        if (image.Change != WasCut) return;
        foreach (var cut in cuts!)
        {
            if (cut.Number != image.Before) continue;
            Settle(cut);
            return;
        }
    }

    public override void WriteElement(SpanWriter writer, byte* record)
    {
        writer.WriteBlock(RecordHead.KeyOf(record));
        writer.WriteUInt64((ulong)BitConverter.DoubleToInt64Bits(ScoreRecord.Score(record)));
    }

    public override long Free(int elementsMax)
    {
        if (cuts is [var cut, ..])
        {
            var leaving = new Leaving { Owner = this, IsInTable = false };
            if (cut.Order.FreeSome(Owner.Arena, Math.Max(1, elementsMax / ElementsPerLeaf), ref leaving)) cuts.RemoveAt(0);
            return 1;
        }

        var visitor = new Freeing { Arena = Owner.Arena };
        var left = members.Drain(elementsMax, ref visitor);
        var isFree = order.FreeSome(Owner.Arena, Math.Max(1, elementsMax / ElementsPerLeaf));
        return left > 0 || isFree ? left : 1;
    }

    protected override void ReadElement(ref SpanReader reader)
    {
        var member = reader.ReadBlock();
        var score = BitConverter.Int64BitsToDouble((long)reader.ReadUInt64());
        if (reader.IsWhole) Put(member, score);
    }

    /// <summary>The record of a member, or null.</summary>
    private byte* Find(uint hash, ReadOnlySpan<byte> member)
    {
        var record = members.Find(hash, member);
        return record is not null && Shows(record, long.MaxValue) ? record : null;
    }

    /// <summary>A cut is for good: what it took out is freed from now on.</summary>
    private void Settle(OrderPart cut)
    {
        cut.IsForGood = true;
        Owner.HaveTidied(this);
    }

    /// <summary>Whoever adds frees as much, so that what waits to be freed does not pile up.</summary>
    private void TidyBeside()
    {
        if (cuts is [{ IsForGood: true, Due: var due } cut, ..] && (cut.Due = (due + 1) % ElementsPerLeaf) == 0) Tidy(ElementsPerLeaf);
    }

    /// <summary>Takes back a cut, the last one.</summary>
    private void BringBack(OrderPart cut)
    {
        cuts!.Remove(cut);
        if (cuts.Count == 0) cuts = null;
        var visitor = new Returning { Owner = this };
        cut.Order.FreeSome(Owner.Arena, int.MaxValue, ref visitor);
    }

    private void Attach(byte* record)
    {
        members.Add(record);
        order.Add(Owner.Arena, ScoreRecord.Score(record), record);
        bytes += ScoreRecord.SizeOf(record);
    }

    private void Detach(byte* record)
    {
        members.Remove(record);
        order.Remove(Owner.Arena, ScoreRecord.Score(record), record);
        bytes -= ScoreRecord.SizeOf(record);
    }

    private void Rescore(byte* record, double score)
    {
        order.Remove(Owner.Arena, ScoreRecord.Score(record), record);
        ScoreRecord.Score(record) = score;
        order.Add(Owner.Arena, score, record);
    }

    /// <summary>A run of members that were cut, as an order of its own.</summary>
    private sealed class OrderPart(long number, OrderTree order)
    {
        public OrderTree Order = order;

        /// <summary>Which of the set's cuts.</summary>
        public long Number => number;

        /// <summary>Whether it will not be taken back.</summary>
        public bool IsForGood { get; set; }

        /// <summary>Members that were added since something of it was freed.</summary>
        public int Due { get; set; }
    }

    /// <summary>Members that were cut are freed; those whose records have left the table already, in any case.</summary>
    private readonly struct Leaving : IOrderVisitor
    {
        public BigSortedSet Owner { get; init; }

        /// <summary>Whether the others are to be taken out of the table; otherwise the table frees them.</summary>
        public bool IsInTable { get; init; }

        public void Visit(in OrderEntry entry)
        {
            var hasLeft = double.IsNaN(ScoreRecord.Score(entry.Record));
            if (!hasLeft && !IsInTable) return;
            if (!hasLeft) Owner.members.Remove(entry.Record);
            Owner.bytes -= ScoreRecord.SizeOf(entry.Record);
            ScoreRecord.Free(Owner.Owner.Arena, entry.Record);
        }
    }

    private readonly struct Returning : IOrderVisitor
    {
        public BigSortedSet Owner { get; init; }

        public void Visit(in OrderEntry entry)
        {
            if (double.IsNaN(ScoreRecord.Score(entry.Record))) Owner.members.Add(entry.Record);
            ScoreRecord.Score(entry.Record) = entry.Score;
            Owner.order.Add(Owner.Owner.Arena, entry.Score, entry.Record);
        }
    }

    private struct Freeing : IRecordVisitor
    {
        public NativeArena Arena;

        public readonly void Visit(byte* record) => ScoreRecord.Free(Arena, record);
    }
}
