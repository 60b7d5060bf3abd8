namespace Holdfast.Keyspace;

/// <summary>
/// Blocks of a large value that a snapshot is yet to write. While they are lent their owner changes none of them: it takes a copy first, and what it gives up stays until the loan ends.
/// </summary>
/// <param name="number">What lent blocks carry (<see cref="PackBlock.Loan"/>).</param>
/// <param name="arena">Where their memory comes from.</param>
internal sealed class BlockLoan(int number, NativeArena arena)
{
    private readonly List<PackBlock> givenUp = [];

    /// <summary>The block is about to be changed: when it is lent, a copy takes its place.</summary>
    public void Own(ref PackBlock block)
    {
        if (block.Loan != number) return;
        givenUp.Add(block);
        block = PackBlock.Of(arena, block.Bytes, block.Count);
    }

    /// <summary>The owner needs the block no more: when it is lent it stays, and is freed when the loan ends. False when it is not lent.</summary>
    public bool TryKeep(in PackBlock block)
    {
        if (block.Loan != number) return false;
        givenUp.Add(block);
        return true;
    }

    /// <summary>Nobody looks at the blocks any more, but their owner.</summary>
    public void End()
    {
        foreach (var each in givenUp)
        {
            var gone = each;
            gone.Free(arena);
        }

        givenUp.Clear();
    }
}
