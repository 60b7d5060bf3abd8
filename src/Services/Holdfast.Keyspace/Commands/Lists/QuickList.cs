using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>Where an element of a list is: the block, and the offset in it. Valid until the list is changed; <see cref="None"/> is beyond either end.</summary>
internal readonly record struct ListPlace(int Block, int At)
{
    public static ListPlace None => new(-1, -1);

    public bool IsThere => Block >= 0;
}

/// <summary>
/// A list as a row of listpacks outside the managed heap, each of at most <see cref="BlockBytesMax"/> unless a single element is larger. Both ends cost the same however long it is; the middle costs a walk over blocks.
/// Small lists are one such block and stand in their key's record (<see cref="ListEdit"/>).
/// </summary>
/// <param name="arena">Where its memory comes from.</param>
/// <param name="keyspace">Who is told of its changes once a key holds it; null for a list that no key will hold.</param>
internal sealed class QuickList(NativeArena arena, Keyspace? keyspace = null) : BlockValue(arena)
{
    /// <summary>Bytes of a block: Redis's default (list-max-listpack-size -2).</summary>
    public const int BlockBytesMax = 8192;

    private const int RoomOfBlock = 1024;

    private readonly Row<PackBlock> blocks = new();
    private ListUndo? undo;
    private bool isQuiet;
    private long count;
    private long bytes;

    public override int Blocks => blocks.Count;

    /// <summary>Somebody may want its changes back (S20).</summary>
    private bool Tells => IsKept && !isQuiet && keyspace is { Before: not null };

    public override long Count => count;

    public override long Bytes => bytes;

    /// <summary>The only block's bytes.</summary>
    public ReadOnlySpan<byte> Single => blocks[0].Bytes;

    /// <summary>A block's bytes, for whoever writes the list out.</summary>
    public ReadOnlySpan<byte> BytesOf(int block) => blocks[block].Bytes;

    /// <summary>Elements of a block.</summary>
    public int CountOf(int block) => blocks[block].Count;

    public ListPlace First => Blocks == 0 ? ListPlace.None : FirstOf(0);

    public ListPlace Last => Blocks == 0 ? ListPlace.None : LastOf(Blocks - 1);

    public ListPlace FirstOf(int block) => new(block, Listpack.First(blocks[block].Bytes));

    public ListPlace LastOf(int block) => new(block, Listpack.Last(blocks[block].Bytes));

    public ListPlace Next(ListPlace place)
    {
        var at = Listpack.Next(blocks[place.Block].Bytes, place.At);
        if (at >= 0) return place with { At = at };
        return place.Block + 1 == Blocks ? ListPlace.None : new ListPlace(place.Block + 1, Listpack.Head);
    }

    public ListPlace Before(ListPlace place)
    {
        var at = Listpack.Before(blocks[place.Block].Bytes, place.At);
        if (at >= 0) return place with { At = at };
        return place.Block == 0 ? ListPlace.None : new ListPlace(place.Block - 1, Listpack.Last(blocks[place.Block - 1].Bytes));
    }

    /// <summary>The element of a number, from the end when it is negative.</summary>
    public ListPlace Seek(long index)
    {
        if (index < 0) index += count;
        if (index < 0 || index >= count) return ListPlace.None;
        if (index <= count / 2)
        {
            for (var block = 0; ; index -= blocks[block++].Count)
                if (index < blocks[block].Count) return At(block, (int)index);
        }

        var fromEnd = count - 1 - index;
        for (var block = Blocks - 1; ; fromEnd -= blocks[block--].Count)
            if (fromEnd < blocks[block].Count) return At(block, blocks[block].Count - 1 - (int)fromEnd);
    }

    /// <summary>An element as text.</summary>
    public ReadOnlySpan<byte> Value(ListPlace place, Span<byte> scratch) => Listpack.Value(blocks[place.Block].Bytes, place.At, scratch);

    public bool IsEqual(ListPlace place, ReadOnlySpan<byte> text) => Listpack.Equals(blocks[place.Block].Bytes, place.At, text);

    /// <summary>Adds an element at an end.</summary>
    public void Push(ReadOnlySpan<byte> text, bool isFirst)
    {
        var size = Listpack.SizeOf(text);
        if (Blocks == 0 || !HasRoom(isFirst ? 0 : Blocks - 1, size)) Open(isFirst ? 0 : Blocks, PackBlock.Make(Arena, Math.Max(size, Blocks == 0 ? 0 : RoomOfBlock)));
        ref var block = ref Own(isFirst ? 0 : Blocks - 1);
        Note(block, -1);
        block.Insert(Arena, isFirst ? Listpack.First(block.Bytes) : -1, text);
        Note(block, 1);
        if (Tells) keyspace!.OnElement(new ElementImage(this, isFirst ? ListUndo.PushedFirst : ListUndo.PushedLast, 0, 0));
    }

    /// <summary>Puts an element before or behind another.</summary>
    public void Insert(ListPlace place, ReadOnlySpan<byte> text, bool isBehind)
    {
        using var image = Around(place.Block);
        var at = place.At;
        var index = place.Block;
        if (isBehind) at += Listpack.SizeAt(blocks[index].Bytes, at);
        if (!HasRoom(index, Listpack.SizeOf(text)))
        {
            // The block is parted at the place: the element goes to the end of the first part, or into a block between both.
            if (at < blocks[index].Length - 1 && at > Listpack.Head) Part(index, at);
            else if (at == Listpack.Head) index--;
            at = -1;
            if (index < 0 || !HasRoom(index, Listpack.SizeOf(text))) Open(++index, PackBlock.Make(Arena, Listpack.SizeOf(text)));
        }

        ref var block = ref Own(index);
        Note(block, -1);
        block.Insert(Arena, at == block.Length - 1 ? -1 : at, text);
        Note(block, 1);
    }

    /// <summary>Puts another text in the place of an element.</summary>
    public void Replace(ListPlace place, ReadOnlySpan<byte> text)
    {
        using var image = Around(place.Block);
        ref var block = ref Own(place.Block);
        if (block.Count > 1 && block.Length + Listpack.SizeOf(text) - Listpack.SizeAt(block.Bytes, place.At) > BlockBytesMax)
        {
            Insert(place, text, isBehind: true);

            // Inserting may have parted the block, never before the place.
            Remove(place);
            return;
        }

        Note(block, -1);
        block.Replace(Arena, place.At, text);
        Note(block, 1);
    }

    /// <summary>Removes an element; the place of the one that followed it.</summary>
    public ListPlace Remove(ListPlace place)
    {
        using var image = Around(place.Block);
        if (blocks[place.Block].Count == 1)
        {
            Close(place.Block);
            return place.Block < Blocks ? new ListPlace(place.Block, Listpack.Head) : ListPlace.None;
        }

        ref var block = ref Own(place.Block);
        Note(block, -1);
        block.Remove(Arena, place.At, place.At + Listpack.SizeAt(block.Bytes, place.At), 1);
        Note(block, 1);
        if (place.At < block.Length - 1) return place;
        return place.Block + 1 < Blocks ? new ListPlace(place.Block + 1, Listpack.Head) : ListPlace.None;
    }

    /// <summary>Removes so many elements of a text from a block that has as many, those nearest to its beginning or to its end; undone as one.</summary>
    public void RemoveEqual(int block, ReadOnlySpan<byte> text, int elements, bool fromEnd)
    {
        using var image = Tells ? new Scope(this, block, block + 1) : default;
        if (elements == blocks[block].Count)
        {
            Close(block);
            return;
        }

        for (var at = fromEnd ? LastOf(block) : FirstOf(block); elements > 0;)
        {
            var before = fromEnd ? Before(at) : ListPlace.None;
            if (IsEqual(at, text))
            {
                at = Remove(at);
                elements--;
            }
            else if (!fromEnd)
            {
                at = Next(at);
            }

            if (fromEnd) at = before;
        }
    }

    /// <summary>Removes so many elements at an end.</summary>
    public void Drop(long elements, bool isFirst)
    {
        if (Tells && elements == 1 && Blocks > 0) DropOne(isFirst);
        else if (Tells && elements > 0) DropTold(elements, isFirst);
        else DropUntold(elements, isFirst, null);
    }

    public override void TakeBack(in ElementImage image)
    {
        isQuiet = true;
        switch (image.Change)
        {
            case ListUndo.PushedFirst or ListUndo.PushedLast:
                DropUntold(1, image.Change == ListUndo.PushedFirst, null);
                break;
            case ListUndo.DroppedFirst or ListUndo.DroppedLast:
                PutBack(image);
                break;
            default:
                var old = undo!.TakeLast();
                for (var left = old.Now; left > 0; left--) Close(old.Index);
                for (var i = 0; i < old.Blocks.Count; i++) Open(old.Index + i, old.Blocks[i]);
                break;
        }

        isQuiet = false;
    }

    public override void Forget(in ElementImage image)
    {
        if (image.Change is ListUndo.DroppedFirst or ListUndo.DroppedLast) ListUndo.Free(Arena, image.Before);
        else if (image.Change == ListUndo.Replaced) undo!.ForgetFirst(Arena);
    }

    private void DropOne(bool isFirst)
    {
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var saved = ListUndo.Save(Arena, Value(isFirst ? First : Last, scratch));
        var closes = blocks[isFirst ? 0 : Blocks - 1].Count == 1;
        DropUntold(1, isFirst, null);
        if (!keyspace!.OnElement(new ElementImage(this, isFirst ? ListUndo.DroppedFirst : ListUndo.DroppedLast, closes ? 1 : 0, saved))) ListUndo.Free(Arena, saved);
    }

    private void DropTold(long elements, bool isFirst)
    {
        var gone = new List<PackBlock>();
        var now = DropUntold(elements, isFirst, gone) ? 1 : 0;
        if (!isFirst) gone.Reverse();
        Tell(new ListUndo.Image(isFirst ? 0 : Blocks - now, gone, now));
    }

    /// <summary>Puts an element back that was dropped from an end, into a block of its own if it had one.</summary>
    private void PutBack(in ElementImage image)
    {
        var isFirst = image.Change == ListUndo.DroppedFirst;
        if (image.Now == 1) Open(isFirst ? 0 : Blocks, PackBlock.Make(Arena, 64));
        ref var block = ref Own(isFirst ? 0 : Blocks - 1);
        Note(block, -1);
        block.Insert(Arena, isFirst ? Listpack.First(block.Bytes) : -1, ListUndo.Saved(image.Before));
        Note(block, 1);
        ListUndo.Free(Arena, image.Before);
    }

    /// <summary>A change in the midst touches a block, the one before it, and what comes between and behind them.</summary>
    private Scope Around(int block) => Tells ? new Scope(this, Math.Max(0, block - 1), block + 1) : default;

    private void Tell(in ListUndo.Image image)
    {
        undo ??= new ListUndo();
        undo.Add(image);
        if (!keyspace!.OnElement(new ElementImage(this, ListUndo.Replaced, 0, 0))) undo.TakeLast().Free(Arena);
    }

    /// <summary>Remembers blocks as they are; when it is disposed, the list tells that they were replaced.</summary>
    public readonly ref struct Scope : IDisposable
    {
        private readonly QuickList? list;
        private readonly List<PackBlock>? copies;
        private readonly int from;
        private readonly int blocksBefore;

        public Scope(QuickList list, int from, int to)
        {
            (this.list, this.from, blocksBefore) = (list, from, list.Blocks);
            list.isQuiet = true;
            copies = [];
            for (var i = from; i < to; i++) copies.Add(PackBlock.Of(list.Arena, list.blocks[i].Bytes, list.blocks[i].Count));
        }

        public void Dispose()
        {
            if (list is null) return;
            list.isQuiet = false;
            list.Tell(new ListUndo.Image(from, copies!, copies!.Count + list.Blocks - blocksBefore));
        }
    }

    /// <summary>Blocks that go as a whole are freed, or given over; true when one more was changed, as it was given over.</summary>
    private bool DropUntold(long elements, bool isFirst, List<PackBlock>? gone)
    {
        while (elements > 0 && Blocks > 0)
        {
            var index = isFirst ? 0 : Blocks - 1;
            ref var block = ref blocks[index];
            if (block.Count <= elements)
            {
                elements -= block.Count;
                if (gone is null) Close(index);
                else
                {
                    block = ref Own(index);
                    gone.Add(block);
                    Note(block, -1);
                    blocks.RemoveAt(index);
                }

                continue;
            }

            gone?.Add(PackBlock.Of(Arena, block.Bytes, block.Count));
            block = ref Own(index);
            var edge = Listpack.Seek(block.Bytes, isFirst ? (int)elements : -(int)elements);
            Note(block, -1);
            if (isFirst) block.Remove(Arena, Listpack.Head, edge, (int)elements);
            else block.Remove(Arena, edge, block.Length - 1, (int)elements);
            Note(block, 1);
            return true;
        }

        return false;
    }

    /// <summary>Takes a copy of a small list's only block.</summary>
    public void Load(ReadOnlySpan<byte> pack) => Open(blocks.Count, PackBlock.Of(Arena, pack, Listpack.Count(pack), 64));

    /// <summary>Looks at a small list where it lies; nothing may be changed.</summary>
    public void Borrow(ReadOnlySpan<byte> pack)
    {
        if (blocks.Count == 0) blocks.Add(default);
        blocks[0] = PackBlock.Borrow(pack);
        (count, bytes) = (blocks[0].Count, pack.Length);
    }

    /// <summary>Adds a copy of another list's block behind all others.</summary>
    public void AddCopy(QuickList source, int block) => Open(Blocks, PackBlock.Of(Arena, source.blocks[block].Bytes, source.blocks[block].Count));

    public override BigValue MakeEmpty() => new QuickList(Arena, keyspace);

    public override ulong CopySome(BigValue source, ulong cursor, int elementsMax, int bytesMax)
    {
        var list = (QuickList)source;
        var block = (int)cursor;
        for (; block < list.Blocks && elementsMax > 0 && bytesMax > 0; block++)
        {
            AddCopy(list, block);
            (elementsMax, bytesMax) = (elementsMax - list.blocks[block].Count, bytesMax - list.blocks[block].Length);
        }

        return block < list.Blocks ? (ulong)block : 0;
    }

    public override void Abandon() => keyspace?.Discard(this);

    public override void WriteHead(SpanWriter writer) => writer.WriteUInt32((uint)Blocks);

    public override void WriteBlock(SpanWriter writer, in LentBlock block) => writer.WriteBlock(block.Pack.Bytes);

    public override void WriteTail(SpanWriter writer)
    {
        // Its blocks are all of it.
    }

    public override int BytesOf(in LentBlock block) => 4 + block.Pack.Length;

    public static BigValue Read(ref SpanReader reader, Keyspace keyspace)
    {
        var list = new QuickList(keyspace.Arena, keyspace);
        list.TryReadMore(ref reader);
        return list;
    }

    public override IValuePieces ToPieces() => new ListPieces(this);

    public override bool TryReadMore(ref SpanReader reader)
    {
        var before = Blocks;
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var pack = reader.ReadBlock();
            if (Listpack.IsSound(pack, out var elements) && elements > 0) Open(Blocks, PackBlock.Of(Arena, pack, elements));
        }

        if (Tells && Blocks > before) Tell(new ListUndo.Image(before, [], Blocks - before));
        return reader.IsWhole;
    }

    public override long Free(int elementsMax)
    {
        while (elementsMax > 0 && Blocks > 0)
        {
            elementsMax -= blocks[Blocks - 1].Count;
            Close(Blocks - 1);
        }

        return count;
    }

    protected override ref PackBlock BlockAt(int block) => ref blocks[block];

    private ListPlace At(int block, int index)
    {
        var middle = blocks[block].Count / 2;
        return new ListPlace(block, Listpack.Seek(blocks[block].Bytes, index <= middle ? index : index - blocks[block].Count));
    }

    private bool HasRoom(int index, int size) => blocks[index].Length + size <= BlockBytesMax;

    /// <summary>Counts a block in or out.</summary>
    private void Note(in PackBlock block, int sign)
    {
        count += sign * block.Count;
        bytes += sign * block.Length;
    }

    private void Part(int index, int at)
    {
        ref var block = ref Own(index);
        var before = 0;
        for (var walk = Listpack.Head; walk < at; walk += Listpack.SizeAt(block.Bytes, walk)) before++;
        Note(block, -1);
        var tail = block.SplitAt(Arena, at, before);
        Note(block, 1);
        Open(index + 1, tail);
    }

    private void Open(int index, in PackBlock made)
    {
        blocks.Insert(index, made);
        Note(made, 1);
    }

    private void Close(int index)
    {
        Note(blocks[index], -1);
        Free(ref blocks[index]);
        blocks.RemoveAt(index);
    }
}
