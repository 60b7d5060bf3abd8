using System.Runtime.CompilerServices;

namespace Holdfast.Keyspace;

/// <summary>
/// What a large list remembers so that its changes can be taken back (S20): a push needs nothing, a pop its element, anything else the blocks as they were. Images are taken back newest first and forgotten oldest first,
/// as the undo log asks.
/// </summary>
internal sealed unsafe class ListUndo
{
    public const byte PushedFirst = 1;
    public const byte PushedLast = 2;

    /// <summary>One element, saved; the number says whether it had a block of its own.</summary>
    public const byte DroppedFirst = 3;
    public const byte DroppedLast = 4;

    /// <summary>Blocks were replaced by others; what they were is here, in the order of the images.</summary>
    public const byte Replaced = 5;

    private readonly Row<Image> images = new();

    /// <summary>Blocks as they were.</summary>
    /// <param name="Index">Where they began.</param>
    /// <param name="Blocks">What they were.</param>
    /// <param name="Now">How many stand in their place.</param>
    internal readonly record struct Image(int Index, List<PackBlock> Blocks, int Now)
    {
        public void Free(NativeArena arena)
        {
            foreach (var block in Blocks)
            {
                var gone = block;
                gone.Free(arena);
            }
        }
    }

    public void Add(in Image image) => images.Add(image);

    public Image TakeLast()
    {
        var last = images[images.Count - 1];
        images.RemoveAt(images.Count - 1);
        return last;
    }

    public void ForgetFirst(NativeArena arena)
    {
        images[0].Free(arena);
        images.RemoveAt(0);
    }

    /// <summary>Copies an element's text outside the managed heap.</summary>
    public static nint Save(NativeArena arena, ReadOnlySpan<byte> text)
    {
        var block = arena.Take(4 + text.Length);
        Unsafe.WriteUnaligned(block, text.Length);
        text.CopyTo(new Span<byte>(block + 4, text.Length));
        return (nint)block;
    }

    public static ReadOnlySpan<byte> Saved(nint saved) => new((byte*)saved + 4, Unsafe.ReadUnaligned<int>((byte*)saved));

    public static void Free(NativeArena arena, nint saved) => arena.Give((byte*)saved, 4 + Unsafe.ReadUnaligned<int>((byte*)saved));
}
