using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large sorted set: a table of <see cref="ScoreRecord"/>s by member, and an <see cref="OrderTree"/> of the same records by score.</summary>
internal sealed unsafe class BigSortedSet(Keyspace owner) : BigValue
{
    private const byte Added = 1;
    private const byte Removed = 2;
    private const byte Rescored = 3;
    private const int NodeBytes = 1024;
    private const int ElementsPerLeaf = 32;

    private RecordTable members;
    private OrderTree order;
    private long bytes;

    public override long Count => members.Count;

    public override long Bytes => bytes + members.Bytes + ((long)order.Nodes * NodeBytes);

    public override bool TellsElements => true;

    /// <summary>The members, for walks and draws.</summary>
    public ref readonly RecordTable Members => ref members;

    /// <summary>The members in order.</summary>
    public ref readonly OrderTree Order => ref order;

    /// <summary>The score of a member; false when it is not there.</summary>
    public bool TryScore(ReadOnlySpan<byte> member, out double score)
    {
        var record = members.Find(KeyHash.Of(member, owner.Seed), member);
        score = record is null ? 0 : ScoreRecord.Score(record);
        return record is not null;
    }

    /// <summary>Adds a member, or gives it another score.</summary>
    public void Put(ReadOnlySpan<byte> member, double score)
    {
        var hash = KeyHash.Of(member, owner.Seed);
        var record = members.Find(hash, member);
        if (record is null)
        {
            record = ScoreRecord.Make(owner.Arena, hash, member, score);
            Attach(record);
            if (IsKept) owner.OnElement(new ElementImage(this, Added, (nint)record, 0));
            return;
        }

        var before = BitConverter.DoubleToInt64Bits(ScoreRecord.Score(record));
        Rescore(record, score);
        if (IsKept) owner.OnElement(new ElementImage(this, Rescored, (nint)record, (nint)before));
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> member)
    {
        var record = members.Find(KeyHash.Of(member, owner.Seed), member);
        if (record is null) return false;
        Detach(record);
        if (!IsKept || !owner.OnElement(new ElementImage(this, Removed, 0, (nint)record))) ScoreRecord.Free(owner.Arena, record);
        return true;
    }

    public override void TakeBack(in ElementImage image)
    {
        switch (image.Change)
        {
            case Added:
                Detach((byte*)image.Now);
                ScoreRecord.Free(owner.Arena, (byte*)image.Now);
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
        if (image.Change == Removed) ScoreRecord.Free(owner.Arena, (byte*)image.Before);
    }

    public override void Write(SpanWriter writer)
    {
        writer.WriteUInt64((ulong)members.Count);
        if (members.Count == 0) return;
        var place = order.At(0);
        do
        {
            var record = OrderTree.RecordAt(place);
            writer.WriteUInt64((ulong)BitConverter.DoubleToInt64Bits(ScoreRecord.Score(record)));
            writer.WriteBlock(RecordHead.KeyOf(record));
        }
        while (OrderTree.TryNext(ref place));
    }

    /// <summary>Reads back what <see cref="Write"/> wrote; null when it is no such thing.</summary>
    public static BigSortedSet? Read(ref SpanReader reader, Keyspace owner)
    {
        var set = new BigSortedSet(owner);
        for (var left = reader.ReadUInt64(); left > 0 && reader.IsWhole; left--)
        {
            var score = BitConverter.Int64BitsToDouble((long)reader.ReadUInt64());
            var member = reader.ReadBlock();
            if (reader.IsWhole) set.Put(member, score);
        }

        if (reader.IsWhole) return set;
        set.FreeAll();
        return null;
    }

    public override long Free(int elementsMax)
    {
        var visitor = new Freeing { Arena = owner.Arena };
        var left = members.Drain(elementsMax, ref visitor);
        var isFree = order.FreeSome(owner.Arena, Math.Max(1, elementsMax / ElementsPerLeaf));
        return left > 0 || isFree ? left : 1;
    }

    /// <summary>Frees it at once: for one that no key holds.</summary>
    public void FreeAll()
    {
        while (Free(int.MaxValue) > 0)
        {
            // In one slice, mostly.
        }
    }

    private void Attach(byte* record)
    {
        members.Add(record);
        order.Add(owner.Arena, ScoreRecord.Score(record), record);
        bytes += ScoreRecord.SizeOf(record);
    }

    private void Detach(byte* record)
    {
        members.Remove(record);
        order.Remove(owner.Arena, ScoreRecord.Score(record), record);
        bytes -= ScoreRecord.SizeOf(record);
    }

    private void Rescore(byte* record, double score)
    {
        order.Remove(owner.Arena, ScoreRecord.Score(record), record);
        ScoreRecord.Score(record) = score;
        order.Add(owner.Arena, score, record);
    }

    private struct Freeing : IRecordVisitor
    {
        public NativeArena Arena;

        public readonly void Visit(byte* record) => ScoreRecord.Free(Arena, record);
    }
}
