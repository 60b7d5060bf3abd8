using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// What executed and not yet committed entries replaced, newest last: before-images, by which a truncated tail is taken back (S20). A record that is replaced is taken over as it is, so SET copies nothing; one that is
/// changed in place is copied, up to <see cref="CopyMax"/>. A change of something larger cannot be undone, and the replica then rebuilds its state.
/// </summary>
internal sealed unsafe class UndoLog(ShardState state)
{
    /// <summary>Bytes of a value that are copied before it is changed in place.</summary>
    public const int CopyMax = 16 * 1024;

    /// <summary>Before key and value of a string that was written over: when it expires, its key's length, its encoding.</summary>
    private const int OverwrittenHead = 13;

    /// <summary>Bytes that are kept of such a string, its key included.</summary>
    private const int OverwrittenMax = 2 * 1024;

    private static readonly Mark Undone = new("keyspace: an executed tail was taken back from before-images");
    private static readonly Mark TooLarge = new("keyspace: an executed change was too large to be undone", elsewhere: "FenceTests: the simulated clients use registers and transactions only");

    private readonly Ring<Entry> entries = new();
    private readonly Ring<Image> images = new();
    private readonly ByteRing overwritten = new();

    private struct Entry
    {
        public ulong Index;
        public ulong HashBefore;
        public int Images;
        public bool CannotUndo;
    }

    private struct Image
    {
        public byte* Record;
        public Keyspace Owner;
        public int Slot;
        public bool IsFlush;
        public SlotOwnership? Slots;
        public ElementImage Element;

        // A string that was written over: its bytes in the ring, and what they take there.
        public int Length;
        public int Taken;
    }

    /// <summary>Entries that are executed and not known to be committed.</summary>
    public int Count => entries.Count;

    /// <summary>An entry is about to be executed.</summary>
    public void Begin(LogIndex index, ulong hashBefore) => entries.Add(new Entry { Index = index.Value, HashBefore = hashBefore });

    /// <summary>It changed nothing: forget it.</summary>
    public void Cancel()
    {
        Invariant.Holds(entries.Last.Images == 0 && !entries.Last.CannotUndo, "an entry without effects has changed the state");
        entries.RemoveLast();
    }

    /// <summary>Remembers a key before it is changed; true when the record is taken over.</summary>
    public bool Save(in KeyPlace place, bool isReplaced)
    {
        var record = place.Record;
        var isTaken = isReplaced && record is not null;
        if (record is null) record = MakeAbsent(place);
        else if (!isReplaced && KeyRecord.Has(record, KeyRecord.IsBig)) record = CopyShell(place);
        else if (!isReplaced && KeyRecord.Word(record) > CopyMax)
        {
            entries.Last.CannotUndo = true;
            return false;
        }
        else if (!isReplaced) record = Copy(place);
        ref var image = ref images.AddEmpty();
        image.Record = record;
        image.Owner = state.Keyspace;
        image.Slot = place.Slot;
        entries.Last.Images++;
        return isTaken;
    }

    /// <summary>Remembers a string before it is written over in place, as bytes and not as a record; false when there is no room for that, and nothing was done.</summary>
    public bool TrySaveBytes(in KeyPlace place)
    {
        var value = place.Bytes;
        var length = OverwrittenHead + place.Key.Length + value.Length;
        if (length > OverwrittenMax || !overwritten.TryAdd(length, out var run, out var taken)) return false;
        BinaryPrimitives.WriteInt64LittleEndian(run, place.Expiry);
        BinaryPrimitives.WriteInt32LittleEndian(run[8..], place.Key.Length);
        run[12] = (byte)place.Encoding;
        place.Key.CopyTo(run[OverwrittenHead..]);
        value.CopyTo(run[(OverwrittenHead + place.Key.Length)..]);
        ref var image = ref images.AddEmpty();
        image.Slot = place.Slot;
        image.Length = length;
        image.Taken = taken;
        entries.Last.Images++;
        return true;
    }

    /// <summary>Remembers a change of an element of a big value.</summary>
    public void Save(in ElementImage element)
    {
        images.Add(new Image { Element = element });
        entries.Last.Images++;
    }

    /// <summary>Remembers a whole keyspace that was flushed.</summary>
    public void SaveAll(Keyspace flushed) => Add(new Image { Owner = flushed, IsFlush = true });

    /// <summary>Remembers which slots the shard had.</summary>
    public void Save(SlotOwnership before) => Add(new Image { Slots = before });

    /// <summary>Remembers that a big value goes from one key to another; whatever the other held is remembered already.</summary>
    public void SaveMove(in KeyPlace source, in KeyPlace target)
    {
        var unnamed = MakeAbsent(target);
        unnamed[11] |= KeyRecord.IsShell;
        Add(new Image { Record = unnamed, Owner = state.Keyspace, Slot = target.Slot });
        Add(new Image { Record = CopyShell(source), Owner = state.Keyspace, Slot = source.Slot });
    }

    /// <summary>Something changed that has no before-image: taking the entry back means to rebuild.</summary>
    public void CannotTakeBack() => entries.Last.CannotUndo = true;

    /// <summary>Everything up to here is committed: what it replaced is gone for good.</summary>
    public void Confirm(LogIndex through)
    {
        while (entries.Count > 0 && entries.First.Index <= through.Value)
        {
            for (var left = entries.First.Images; left > 0; left--)
            {
                if (images.First.Taken > 0) overwritten.RemoveFirst(images.First.Taken);
                else if (images.First.Element.Owner is { } value) value.Forget(images.First.Element);
                else if (images.First.IsFlush) state.Retire(images.First.Owner);
                else if (images.First.Record is not null) Free(images.First);
                images.RemoveFirst();
            }

            entries.RemoveFirst();
        }
    }

    /// <summary>Takes back everything from an entry on, newest first; false when something of it cannot be. The hash becomes what it was.</summary>
    public bool TryUndo(LogIndex from, ref ulong hash)
    {
        for (var i = entries.Count - 1; i >= 0 && entries[i].Index >= from.Value; i--)
        {
            if (!entries[i].CannotUndo) continue;
            TooLarge.Hit();
            return false;
        }

        while (entries.Count > 0 && entries.Last.Index >= from.Value)
        {
            for (var left = entries.Last.Images; left > 0; left--)
            {
                var image = images.Last;
                images.RemoveLast();
                TakeBack(image);
            }

            hash = entries.Last.HashBefore;
            entries.RemoveLast();
            Undone.Hit();
        }

        return true;
    }

    /// <summary>The state that it belongs to is gone.</summary>
    public void Clear()
    {
        for (var i = 0; i < images.Count; i++)
            if (images[i].IsFlush) state.Retire(images[i].Owner);
        entries.Clear();
        images.Clear();
        overwritten.Clear();
    }

    private void Add(in Image image)
    {
        images.Add(image);
        entries.Last.Images++;
    }

    private void TakeBack(in Image image)
    {
        if (image.Taken > 0)
        {
            TakeBackBytes(overwritten.Last(image.Length), image.Slot);
            overwritten.RemoveLast(image.Taken);
            return;
        }

        if (image.Element.Owner is { } value)
        {
            value.TakeBack(image.Element);
            return;
        }

        if (image.IsFlush)
        {
            state.Bring(image.Owner);
            return;
        }

        if (image.Slots is { } slots)
        {
            if (!state.KeepsLostOwnership) state.Bring(slots);
            return;
        }

        var key = RecordHead.KeyOf(image.Record);
        var isAbsent = KeyRecord.Has(image.Record, KeyRecord.IsAbsent);
        if (KeyRecord.Has(image.Record, KeyRecord.IsShell))
        {
            if (!isAbsent) image.Record[11] &= unchecked((byte)~KeyRecord.IsShell);
            state.Keyspace.RestoreShell(key, image.Slot, isAbsent ? null : image.Record);
        }
        else
        {
            state.Keyspace.Restore(key, image.Slot, isAbsent ? null : image.Record);
        }

        if (isAbsent) Free(image);
    }

    private void TakeBackBytes(ReadOnlySpan<byte> run, int slot)
    {
        var keyspace = state.Keyspace;
        var key = run.Slice(OverwrittenHead, BinaryPrimitives.ReadInt32LittleEndian(run[8..]));
        var value = run[(OverwrittenHead + key.Length)..];
        var record = KeyRecord.Make(keyspace.Arena, KeyHash.Of(key, keyspace.Seed), key, ValueKind.String, (ValueEncoding)run[12], value.Length, false, BinaryPrimitives.ReadInt64LittleEndian(run));
        value.CopyTo(KeyRecord.Bytes(record));
        keyspace.Restore(key, slot, record);
    }

    /// <summary>A record that names the same big value: what is changed is the record, such as when it expires.</summary>
    private byte* CopyShell(in KeyPlace place)
    {
        var record = place.Record;
        var copy = KeyRecord.Make(state.Keyspace.Arena, place.Hash, place.Key, KeyRecord.Kind(record), KeyRecord.Encoding(record), KeyRecord.Word(record), true, KeyRecord.Expiry(record));
        copy[11] |= KeyRecord.IsShell;
        return copy;
    }

    private byte* MakeAbsent(in KeyPlace place)
    {
        var record = KeyRecord.Make(state.Keyspace.Arena, place.Hash, place.Key, ValueKind.None, ValueEncoding.Raw, 0, false, -1);
        record[11] = KeyRecord.IsAbsent;
        return record;
    }

    private byte* Copy(in KeyPlace place)
    {
        var record = place.Record;
        var bytes = KeyRecord.Bytes(record);
        var copy = KeyRecord.Make(state.Keyspace.Arena, place.Hash, place.Key, KeyRecord.Kind(record), KeyRecord.Encoding(record), bytes.Length, false, KeyRecord.Expiry(record));
        bytes.CopyTo(KeyRecord.Bytes(copy));
        return copy;
    }

    /// <summary>An image lies in the memory of the keyspace that it was taken from, which a FLUSHALL since may have replaced.</summary>
    private static void Free(in Image image)
    {
        if (KeyRecord.Has(image.Record, KeyRecord.IsAbsent) || KeyRecord.Has(image.Record, KeyRecord.IsShell)) KeyRecord.FreeShell(image.Owner.Arena, image.Record);
        else image.Owner.Bury(image.Record);
    }
}

/// <summary>A queue open at both ends, over an array that grows and is reused.</summary>
internal sealed class Ring<T>
    where T : struct
{
    private T[] items = new T[16];
    private int start;

    public int Count { get; private set; }

    public ref T First => ref this[0];

    public ref T Last => ref this[Count - 1];

    public ref T this[int index] => ref items[(start + index) & (items.Length - 1)];

    public void Add(in T item)
    {
        if (Count == items.Length) Grow();
        items[(start + Count++) & (items.Length - 1)] = item;
    }

    /// <summary>Adds an item that is yet to be filled in: a large one is then not copied. The reference holds until the next is added.</summary>
    public ref T AddEmpty()
    {
        if (Count == items.Length) Grow();
        return ref items[(start + Count++) & (items.Length - 1)];
    }

    public void RemoveFirst()
    {
        items[start] = default;
        start = (start + 1) & (items.Length - 1);
        Count--;
    }

    public void RemoveLast() => items[(start + --Count) & (items.Length - 1)] = default;

    public void Clear()
    {
        Array.Clear(items);
        start = Count = 0;
    }

    private void Grow()
    {
        var larger = new T[items.Length * 2];
        for (var i = 0; i < Count; i++) larger[i] = this[i];
        (items, start) = (larger, 0);
    }
}
