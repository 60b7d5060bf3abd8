using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// The keys of a shard, slot by slot. Every change goes through here, so that what must happen before a change (undo, the snapshot's copy) and the counts are in one place. It knows no commands,
/// no clients and no clock: a key that has expired is there until somebody removes it.
/// </summary>
internal sealed unsafe class Keyspace : IDisposable
{
    /// <summary>Bytes of a string that is copied so that it can be written over: up to here that costs less than another record, which is memory that the processor has not at hand.</summary>
    private const int OverwriteMax = 256;

    private readonly RecordTable[] slots = new RecordTable[KeySlot.Count];
    private readonly int[] volatileKeys = new int[KeySlot.Count];
    private readonly List<BigValue?> bigs = [];
    private readonly Stack<int> freeBigs = new();
    private readonly Queue<BigValue> dying = new();
    private readonly Queue<TableValue> untidy = new();
    private readonly SlotSet datedFields = new();
    private int holders;
    private int disposedBigs;
    private int disposedSlots;

    /// <summary>Where the memory comes from; big values take theirs from it too.</summary>
    public NativeArena Arena { get; } = new();

    /// <summary>The seed of the hash; part of the state. Set before the first key comes.</summary>
    public ulong Seed { get; set; }

    /// <summary>Keys that are there.</summary>
    public long KeyCount { get; private set; }

    /// <summary>Keys that will expire.</summary>
    public long VolatileCount { get; private set; }

    /// <summary>Who is told before changes; null while nobody needs to be.</summary>
    public IBeforeChange? Before { get; set; }

    /// <summary>The time of the present entry, for when keys were last used; no part of the state.</summary>
    public uint Seconds { get; set; }

    /// <summary>What new records are marked with.</summary>
    public byte Epoch { get; set; }

    /// <summary>Bytes of the tables of large collections, which are not in the arena.</summary>
    public long BigTableBytes => bigs.Sum(static each => each is TableValue value ? value.Table.Bytes : 0);

    /// <summary>Keys in a slot.</summary>
    public int CountIn(int slot) => slots[slot].Count;

    /// <summary>Keys in a slot that will expire.</summary>
    public int VolatileIn(int slot) => volatileKeys[slot];

    /// <summary>Whether a slot may hold hashes with fields that expire: true until a walk over the slot has met none.</summary>
    public bool HasFieldDatesIn(int slot) => datedFields[slot];

    /// <summary>Whether any slot may hold such.</summary>
    public bool HasFieldDates => datedFields.Count > 0;

    /// <summary>How often a hash got fields that expire: who walks a slot learns from it whether any came behind its back.</summary>
    public long FieldDatesNoted { get; private set; }

    /// <summary>A hash of this slot has fields that expire.</summary>
    public void NoteFieldDates(int slot)
    {
        FieldDatesNoted++;
        datedFields[slot] = true;
    }

    /// <summary>A walk over the slot has met no hash with fields that expire.</summary>
    public void ForgetFieldDates(int slot) => datedFields[slot] = false;

    /// <summary>The table of a slot, for walks.</summary>
    public ref readonly RecordTable Table(int slot) => ref slots[slot];

    /// <summary>Looks a key up.</summary>
    public KeyPlace Locate(ReadOnlySpan<byte> key, int slot)
    {
        var hash = KeyHash.Of(key, Seed);
        return new KeyPlace(key, hash, slot, slots[slot].Find(hash, key));
    }

    /// <summary>Has the processor fetch what looking up some keys will look at: the tables of their slots, the places in these, the records. A hint.</summary>
    public void Fetch(ReadOnlySpan<int> of, ReadOnlySpan<uint> hashes)
    {
        foreach (var slot in of) slots[slot].Fetch();
        for (var i = 0; i < of.Length; i++) slots[of[i]].FetchPlace(hashes[i]);
        for (var i = 0; i < of.Length; i++) slots[of[i]].FetchRecord(hashes[i]);
    }

    /// <summary>Looks a key up whose slot is not known.</summary>
    public KeyPlace Locate(ReadOnlySpan<byte> key) => Locate(key, KeySlot.Of(key));

    /// <summary>The big value of a place that has one.</summary>
    public BigValue BigOf(in KeyPlace place) => BigOf(place.Record);

    /// <summary>The big value of a record that has one.</summary>
    public BigValue BigOf(byte* record) => bigs[KeyRecord.Word(record)] ?? throw new InvariantBrokenException("a record names a big value that is gone");

    /// <summary>Sets the key to a run of bytes, whatever it was before. Its expiry goes unless it is given.</summary>
    public void Set(scoped ref KeyPlace place, ValueKind kind, ValueEncoding encoding, scoped ReadOnlySpan<byte> bytes, long expiry = -1)
    {
        if (HasShape(place, bytes.Length, expiry) && (Before is not { } before || (bytes.Length <= OverwriteMax && kind == ValueKind.String && place.Kind == ValueKind.String && before.BeforeOverwrite(place))))
        {
            place.Record[9] = (byte)kind;
            place.Record[10] = (byte)encoding;
            if (expiry >= 0) KeyRecord.SetExpiry(place.Record, expiry);
            bytes.CopyTo(KeyRecord.Bytes(place.Record));
            return;
        }

        bytes.CopyTo(Fill(ref place, kind, encoding, bytes.Length, expiry));
    }

    /// <summary>As <see cref="Set"/>, and the caller writes the bytes: all of them, at once.</summary>
    public Span<byte> Fill(scoped ref KeyPlace place, ValueKind kind, ValueEncoding encoding, int length, long expiry = -1)
    {
        var record = KeyRecord.Make(Arena, place.Hash, place.Key, kind, encoding, length, false, expiry);
        Replace(ref place, record);
        return KeyRecord.Bytes(record);
    }

    /// <summary>Sets the key to a big value.</summary>
    public void SetBig(scoped ref KeyPlace place, ValueKind kind, ValueEncoding encoding, BigValue value, long expiry = -1)
    {
        var record = KeyRecord.Make(Arena, place.Hash, place.Key, kind, encoding, Keep(value), true, expiry);
        Replace(ref place, record);
    }

    /// <summary>The big value of a key, to be changed: said beforehand, as everything that changes.</summary>
    public BigValue OpenBig(in KeyPlace place)
    {
        Before?.BeforeElements(place);
        return BigOf(place);
    }

    /// <summary>The bytes of a key that is there, to be changed in place, with another length: what is new is zero, what was is kept.</summary>
    public Span<byte> Open(scoped ref KeyPlace place, int length, ValueEncoding encoding)
    {
        Before?.BeforeChange(place, isReplaced: false);
        var record = place.Record;
        var before = KeyRecord.Word(record);
        if (length != before) record = Resize(ref place, length);
        KeyRecord.SetEncoding(record, encoding);
        var bytes = KeyRecord.Bytes(record);
        if (length > before) bytes[before..].Clear();
        return bytes;
    }

    /// <summary>Sets or (with -1) takes away when the key expires.</summary>
    public void SetExpiry(scoped ref KeyPlace place, long milliseconds)
    {
        var record = place.Record;
        if (KeyRecord.Expiry(record) == milliseconds) return;
        Before?.BeforeChange(place, isReplaced: false);
        if (KeyRecord.Has(record, KeyRecord.HasExpiry) && milliseconds >= 0)
        {
            KeyRecord.SetExpiry(record, milliseconds);
            return;
        }

        var isBig = KeyRecord.Has(record, KeyRecord.IsBig);
        var isBlob = KeyRecord.Has(record, KeyRecord.IsBlob);
        var moved = KeyRecord.Make(Arena, place.Hash, place.Key, KeyRecord.Kind(record), KeyRecord.Encoding(record), isBlob ? 8 : KeyRecord.Word(record), isBig, milliseconds);
        if (isBlob)
        {
            moved[11] |= KeyRecord.IsBlob;
            KeyRecord.PutBlob(moved, KeyRecord.BlobOf(record));
        }
        else if (!isBig)
        {
            KeyRecord.Bytes(record).CopyTo(KeyRecord.Bytes(moved));
        }

        KeyRecord.Word(moved) = KeyRecord.Word(record);
        *(ulong*)(moved + 12) = *(ulong*)(record + 12);
        slots[place.Slot].Replace(record, moved);
        CountVolatile(place.Slot, milliseconds >= 0 ? 1 : -1);
        KeyRecord.FreeShell(Arena, record);
        place.Record = moved;
    }

    /// <summary>Sets the target to what the source holds, its expiry included; the copy of a big value was made before.</summary>
    public void CopyTo(scoped in KeyPlace source, scoped ref KeyPlace target, BigValue? copy = null)
    {
        if (datedFields[source.Slot] && source.Kind == ValueKind.Hash) NoteFieldDates(target.Slot);
        if (!source.IsBig)
        {
            Set(ref target, source.Kind, source.Encoding, source.Bytes, source.Expiry);
            return;
        }

        SetBig(ref target, source.Kind, source.Encoding, copy ?? throw new InvariantBrokenException("a big value was copied without a copy of it"), source.Expiry);
    }

    /// <summary>Gives the target what the source holds, its expiry included, and removes the source; a big value stays where it is.</summary>
    public void MoveTo(scoped ref KeyPlace source, scoped ref KeyPlace target)
    {
        if (!source.IsBig)
        {
            CopyTo(source, ref target);
            Remove(ref source);
            return;
        }

        if (datedFields[source.Slot] && source.Kind == ValueKind.Hash) NoteFieldDates(target.Slot);
        var record = source.Record;
        Replace(ref target, KeyRecord.Make(Arena, target.Hash, target.Key, source.Kind, source.Encoding, KeyRecord.Word(record), true, source.Expiry));
        Before?.BeforeMove(source, target);
        Detach(record, source.Slot);
        KeyRecord.FreeShell(Arena, record);
        source.Record = null;
    }

    /// <summary>Removes a key that is there.</summary>
    public void Remove(scoped ref KeyPlace place)
    {
        var record = place.Record;
        var isTaken = Before is { } before && before.BeforeChange(place, isReplaced: true);
        Detach(record, place.Slot);
        if (!isTaken) Bury(record);
        place.Record = null;
    }

    /// <summary>Puts a record back that was taken over, in the place of whatever is there now; null puts back that there was nothing.</summary>
    public void Restore(ReadOnlySpan<byte> key, int slot, byte* record)
    {
        var place = Locate(key, slot);
        if (place.Record is not null)
        {
            Detach(place.Record, slot);
            Bury(place.Record);
        }

        if (record is null) return;
        if (KeyRecord.Kind(record) == ValueKind.Hash) NoteFieldDates(slot);
        Attach(record, slot);
    }

    /// <summary>Puts a record back that names the same big value as the one that is there, or as one that was moved away; null: the value that is there goes on under another name.</summary>
    public void RestoreShell(ReadOnlySpan<byte> key, int slot, byte* record)
    {
        var place = Locate(key, slot);
        if (place.Record is not null)
        {
            Detach(place.Record, slot);
            KeyRecord.FreeShell(Arena, place.Record);
        }

        if (record is not null) Attach(record, slot);
    }

    /// <summary>Elements of a big value that have this hash are about to change.</summary>
    public void BeforeElement(TableValue value, uint hash) => Before?.BeforeElement(value, hash);

    /// <summary>An element of a big value was changed; true when what it replaced must be kept.</summary>
    public bool OnElement(in ElementImage image) => Before is { } before && before.OnElement(image);

    /// <summary>Frees a record that nobody names any more, with its value; a big one in slices.</summary>
    public void Bury(byte* record)
    {
        if (KeyRecord.Has(record, KeyRecord.IsBig)) Drop(KeyRecord.Word(record));
        KeyRecord.Free(Arena, record);
    }

    /// <summary>Adds a record that was made here, for a key that is not there: for whoever restores a snapshot.</summary>
    public void Attach(byte* record, int slot)
    {
        KeyRecord.Epoch(record) = Epoch;
        KeyRecord.Access(record) = Seconds;
        KeyRecord.Frequency(record) = Eviction.FrequencyOfNew;
        slots[slot].Add(record);
        KeyCount++;
        if (KeyRecord.Has(record, KeyRecord.HasExpiry)) CountVolatile(slot, 1);
    }

    /// <summary>Gives a big value a number.</summary>
    public int Keep(BigValue value)
    {
        value.IsKept = true;
        if (freeBigs.TryPop(out var number))
        {
            bigs[number] = value;
            return number;
        }

        bigs.Add(value);
        return bigs.Count - 1;
    }

    /// <summary>Frees a big value that no key holds, in slices.</summary>
    public void Discard(BigValue value) => dying.Enqueue(value);

    /// <summary>Has a value freed of what is no element of it any more, in slices.</summary>
    public void HaveTidied(TableValue value) => untidy.Enqueue(value);

    /// <summary>Frees big values that are gone, and elements that are, up to so many; true while there are more.</summary>
    public bool FreeSome(int elementsMax)
    {
        for (var held = 0; elementsMax > 0 && dying.TryPeek(out var value);)
        {
            if (value.Holders > 0)
            {
                if (++held > dying.Count) break;
                dying.Enqueue(dying.Dequeue());
                continue;
            }

            var before = value.Count;
            if (value.Free(elementsMax) > 0) return true;
            elementsMax -= (int)Math.Clamp(before, 1, elementsMax);
            dying.Dequeue();
        }

        if (elementsMax > 0 && untidy.TryDequeue(out var other) && other.Tidy(elementsMax)) untidy.Enqueue(other);
        return dying.Count + untidy.Count > 0;
    }

    /// <summary>An empty one that takes this one's place: of the same seed, in the same snapshot epoch.</summary>
    public Keyspace Emptied() => new() { Seed = Seed, Epoch = Epoch };

    /// <summary>Somebody walks it: it must not be freed.</summary>
    public void Hold() => holders++;

    public void LetGo() => holders--;

    public bool IsHeld => holders > 0;

    /// <summary>Frees a part of it, when nobody looks at it any more; true when nothing is left.</summary>
    public bool DisposeSome(int parts)
    {
        const int ElementsPerPart = 64;
        for (; dying.TryPeek(out var value); dying.Dequeue())
            if (value.Free(parts * ElementsPerPart) > 0) return false;
        for (; disposedBigs < bigs.Count; disposedBigs++)
            if (bigs[disposedBigs] is { } value && value.Free(parts * ElementsPerPart) > 0) return false;
        for (var left = parts; disposedSlots < slots.Length && left > 0; left--) slots[disposedSlots++].Free();
        return disposedSlots == slots.Length && Arena.ReleaseSome(parts);
    }

    public void Dispose()
    {
        while (!DisposeSome(slots.Length))
        {
            // In slices that are as large as they can be.
        }
    }

    private void Replace(scoped ref KeyPlace place, byte* record)
    {
        var old = place.Record;
        var isTaken = Before is { } before && before.BeforeChange(place, isReplaced: true);
        if (old is null)
        {
            Attach(record, place.Slot);
        }
        else
        {
            KeyRecord.Epoch(record) = Epoch;
            KeyRecord.Frequency(record) = KeyRecord.Frequency(old);
            KeyRecord.Access(record) = KeyRecord.Access(old);
            slots[place.Slot].Replace(old, record);
            CountVolatile(place.Slot, (KeyRecord.Has(record, KeyRecord.HasExpiry) ? 1 : 0) - (KeyRecord.Has(old, KeyRecord.HasExpiry) ? 1 : 0));
            if (!isTaken) Bury(old);
        }

        place.Record = record;
    }

    /// <summary>Whether a value of this length can be written over the one that is there: no memory moves then.</summary>
    private static bool HasShape(in KeyPlace place, int length, long expiry)
    {
        var record = place.Record;
        return record is not null && KeyRecord.Word(record) == length && (record[11] & (KeyRecord.IsBig | KeyRecord.IsBlob)) == 0
            && KeyRecord.Has(record, KeyRecord.HasExpiry) == expiry >= 0;
    }

    private byte* Resize(scoped ref KeyPlace place, int length)
    {
        var record = place.Record;
        if (KeyRecord.Has(record, KeyRecord.IsBlob) && length > KeyRecord.InlineMax)
        {
            if (length > KeyRecord.BlobCapacity(record))
            {
                var blob = KeyRecord.MakeBlob(Arena, length, grows: true);
                KeyRecord.Bytes(record).CopyTo(new Span<byte>(KeyRecord.BlobBytes(blob), length));
                KeyRecord.FreeBlob(Arena, KeyRecord.BlobOf(record));
                KeyRecord.PutBlob(record, blob);
            }

            KeyRecord.Word(record) = length;
            return record;
        }

        var moved = KeyRecord.Make(Arena, place.Hash, place.Key, KeyRecord.Kind(record), KeyRecord.Encoding(record), length, false, KeyRecord.Expiry(record));
        *(ulong*)(moved + 12) = *(ulong*)(record + 12);
        KeyRecord.Word(moved) = length;
        var kept = KeyRecord.Bytes(record);
        kept[..Math.Min(kept.Length, length)].CopyTo(KeyRecord.Bytes(moved));
        slots[place.Slot].Replace(record, moved);
        KeyRecord.Free(Arena, record);
        return place.Record = moved;
    }

    private void Detach(byte* record, int slot)
    {
        slots[slot].Remove(record);
        KeyCount--;
        if (KeyRecord.Has(record, KeyRecord.HasExpiry)) CountVolatile(slot, -1);
    }

    private void CountVolatile(int slot, int change)
    {
        if (change == 0) return;
        volatileKeys[slot] += change;
        VolatileCount += change;
    }

    private void Drop(int number)
    {
        dying.Enqueue(bigs[number]!);
        bigs[number] = null;
        freeBigs.Push(number);
    }
}
