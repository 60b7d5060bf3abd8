using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large sorted set: a table of <see cref="ScoreRecord"/>s by member, and an <see cref="OrderTree"/> of the same records by score.</summary>
internal sealed unsafe class BigSortedSet(Keyspace owner) : TableValue(owner)
{
    private const byte Added = 1;
    private const byte Removed = 2;
    private const byte Rescored = 3;
    private const int ElementsPerLeaf = 32;

    private RecordTable members;
    private OrderTree order;
    private long bytes;

    public override long Bytes => bytes + members.Bytes + ((long)order.Nodes * OrderNode.Bytes);

    public override ref readonly RecordTable Table => ref members;

    /// <summary>The members in order.</summary>
    public ref readonly OrderTree Order => ref order;

    /// <summary>The score of a member; false when it is not there.</summary>
    public bool TryScore(ReadOnlySpan<byte> member, out double score)
    {
        var record = members.Find(KeyHash.Of(member, Owner.Seed), member);
        score = record is null ? 0 : ScoreRecord.Score(record);
        return record is not null;
    }

    /// <summary>Adds a member, or gives it another score.</summary>
    public void Put(ReadOnlySpan<byte> member, double score)
    {
        var hash = KeyHash.Of(member, Owner.Seed);
        Announce(hash);
        var record = members.Find(hash, member);
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
        var record = members.Find(KeyHash.Of(member, Owner.Seed), member);
        if (record is null) return false;
        Announce(RecordHead.Hash(record));
        Detach(record);
        if (!Tell(Removed, null, (nint)record)) ScoreRecord.Free(Owner.Arena, record);
        return true;
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
            default:
                Rescore((byte*)image.Now, BitConverter.Int64BitsToDouble(image.Before));
                break;
        }
    }

    public override void Forget(in ElementImage image)
    {
        if (image.Change == Removed) ScoreRecord.Free(Owner.Arena, (byte*)image.Before);
    }

    public override void WriteElement(SpanWriter writer, byte* record)
    {
        writer.WriteBlock(RecordHead.KeyOf(record));
        writer.WriteUInt64((ulong)BitConverter.DoubleToInt64Bits(ScoreRecord.Score(record)));
    }

    public override long Free(int elementsMax)
    {
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

    private struct Freeing : IRecordVisitor
    {
        public NativeArena Arena;

        public readonly void Visit(byte* record) => ScoreRecord.Free(Arena, record);
    }
}
