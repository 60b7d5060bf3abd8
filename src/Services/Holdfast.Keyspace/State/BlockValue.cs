using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A block that is lent: as it was when the loan began.</summary>
/// <param name="Pack">Its elements.</param>
/// <param name="Master">What a stream's entries in it count from; zero in a list.</param>
internal readonly record struct LentBlock(PackBlock Pack, StreamId Master);

/// <summary>What comes behind the blocks of a value, as it was when it was lent.</summary>
internal interface ILentTail
{
    /// <summary>Bytes that it takes when it is written.</summary>
    long Bytes { get; }

    /// <summary>Writes the next part, until the target is about as long as that; false when it was the last.</summary>
    bool WriteNext(ByteBuffer target, int end);

    /// <summary>The borrower is done.</summary>
    void End();
}

/// <summary>
/// A big value whose elements stand in blocks, one behind the other. A snapshot captures it by borrowing the blocks as they are, and writes them a part at a time while writes go on (S10): whoever changes a lent block changes a
/// copy. So every change goes through <see cref="Own"/>, and what is given up through <see cref="Free(ref PackBlock)"/>.
/// </summary>
/// <param name="arena">Where its memory comes from.</param>
internal abstract class BlockValue(NativeArena arena) : BigValue
{
    private BlockLoan? loan;
    private int loans;

    public NativeArena Arena => arena;

    /// <summary>How many blocks there are.</summary>
    public abstract int Blocks { get; }

    /// <summary>Whether a snapshot has borrowed its blocks.</summary>
    public bool IsLent => loan is not null;

    /// <summary>Lends all its blocks, to one borrower at a time. What they are stays as it is until <see cref="EndLoan"/>; nobody frees the value before that.</summary>
    public LentBlock[] Lend()
    {
        Invariant.Holds(loan is null, "the blocks of a value were lent twice");
        loan = new BlockLoan(++loans, arena);
        var lent = new LentBlock[Blocks];
        for (var i = 0; i < lent.Length; i++)
        {
            ref var block = ref BlockAt(i);
            block.Loan = loans;
            lent[i] = new LentBlock(block, MasterOf(i));
        }

        return lent;
    }

    /// <summary>The borrower is done.</summary>
    public void EndLoan()
    {
        loan!.End();
        loan = null;
    }

    public sealed override void Write(SpanWriter writer)
    {
        WriteHead(writer);
        for (var i = 0; i < Blocks; i++) WriteBlock(writer, new LentBlock(BlockAt(i), MasterOf(i)));
        WriteTail(writer);
    }

    /// <summary>Writes what comes before the blocks, how many they are included.</summary>
    public abstract void WriteHead(SpanWriter writer);

    /// <summary>Writes a block, in so many bytes as <see cref="BytesOf(in LentBlock)"/> says.</summary>
    public abstract void WriteBlock(SpanWriter writer, in LentBlock block);

    /// <summary>Writes what comes behind the blocks.</summary>
    public abstract void WriteTail(SpanWriter writer);

    /// <summary>Lends what comes behind the blocks, as it is; null when there is never anything.</summary>
    public virtual ILentTail? LendTail() => null;

    /// <summary>Bytes that a block takes when it is written.</summary>
    public abstract int BytesOf(in LentBlock block);

    /// <summary>What the entries of a stream's block count from.</summary>
    public virtual StreamId MasterOf(int block) => StreamId.Zero;

    /// <summary>A block, to be looked at.</summary>
    protected abstract ref PackBlock BlockAt(int block);

    /// <summary>A block, to be changed, or to be given to another owner; the copy of one that is lent.</summary>
    protected ref PackBlock Own(int block)
    {
        ref var mine = ref BlockAt(block);
        loan?.Own(ref mine);
        return ref mine;
    }

    /// <summary>Frees a block that is needed no more, once nobody looks at it.</summary>
    protected void Free(ref PackBlock block)
    {
        if (loan is null || !loan.TryKeep(block)) block.Free(arena);
    }
}
