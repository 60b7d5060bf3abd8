namespace Holdfast.Keyspace;

/// <summary>An element that is sorted: where its text stands, and its weight when it is sorted as a number.</summary>
internal readonly record struct SortElement(int Block, int At, int Length, double Weight);

/// <summary>The texts of elements, in blocks: none is an object of its own, and none is copied again while more are added.</summary>
internal sealed class SortTexts
{
    private const int BlockBytes = 256 * 1024;

    private readonly List<byte[]> blocks = [];
    private int used;

    public ReadOnlySpan<byte> this[in SortElement element] => blocks[element.Block].AsSpan(element.At, element.Length);

    public SortElement Add(ReadOnlySpan<byte> text, double weight)
    {
        if (blocks.Count == 0 || used + text.Length > blocks[^1].Length)
        {
            blocks.Add(new byte[Math.Max(BlockBytes, text.Length)]);
            used = 0;
        }

        text.CopyTo(blocks[^1].AsSpan(used));
        used += text.Length;
        return new SortElement(blocks.Count - 1, used - text.Length, text.Length, weight);
    }
}
