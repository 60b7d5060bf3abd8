using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// A hash table of records outside the managed heap, found by bytes within them: the keys of a slot, the fields of a large hash, the members of a large set. Eight bytes a place: the record's
/// address and sixteen bits of its hash, so most misses cost no second look. Open addressing, linear probing, no tombstones.
/// <para>A record begins with its hash (4 bytes), its key's length (4 bytes) and its key's offset (1 byte): see <see cref="RecordHead"/>.</para>
/// <para>It grows step by step: while two arrays exist, each change moves a few places of the old one. A cursor walks homes in bit-reversed order and is right over growth and shrinking: what is there all
/// the time is met at least once (the idea is Pieter Noordhuis's, as in SCAN).</para>
/// A struct, for there are 16384 of them: keep it where it lives and never copy it.
/// </summary>
internal unsafe struct RecordTable
{
    private const int MovesPerChange = 16;
    private const int SmallestLog = 2;
    private const ulong AddressMask = (1UL << 48) - 1;

    private ulong* places;
    private ulong* old;
    private int log;
    private int oldLog;
    private int moved;
    private int oldCount;
    private int drained;

    /// <summary>Records in it.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of its arrays.</summary>
    public readonly long Bytes => (places is null ? 0 : 8L << log) + (old is null ? 0 : 8L << oldLog);

    /// <summary>The record of a key, or null.</summary>
    public readonly byte* Find(uint hash, ReadOnlySpan<byte> key)
    {
        if (Count == 0) return null;
        var found = Find(places, log, hash, key);
        return found is null && old is not null ? Find(old, oldLog, hash, key) : found;
    }

    /// <summary>Has the processor fetch this table's head.</summary>
    public readonly void Fetch() => Fetch((byte*)Unsafe.AsPointer(in log));

    /// <summary>Has it fetch the place where a hash is at home.</summary>
    public readonly void FetchPlace(uint hash)
    {
        if (places is not null) Fetch((byte*)(places + (hash & Mask(log))));
    }

    /// <summary>Has it fetch the record of a hash, if it stands near its home: the first two lines, which hold most keys with their values.</summary>
    public readonly void FetchRecord(uint hash)
    {
        const int PlacesMax = 4;
        const int LineBytes = 64;
        if (places is null) return;
        var at = hash & Mask(log);
        for (var left = PlacesMax; left > 0 && places[at] != 0; left--, at = (at + 1) & Mask(log))
        {
            if (places[at] >> 48 != hash >> 16) continue;
            Fetch(Address(places[at]));
            Fetch(Address(places[at]) + LineBytes);
            return;
        }
    }

    /// <summary>Adds a record whose key is not there.</summary>
    public void Add(byte* record)
    {
        if (places is null) Allocate(SmallestLog);
        else if (old is not null) MoveSome(MovesPerChange);
        else if ((Count + 1) * 4L > (3L << log)) BeginResize(log + 1);
        Put(places, log, record);
        Count++;
    }

    /// <summary>Takes out a record that is there.</summary>
    public void Remove(byte* record)
    {
        var isRemoved = RemoveFrom(places, log, record);
        if (!isRemoved && old is not null && RemoveFrom(old, oldLog, record))
        {
            isRemoved = true;
            oldCount--;
        }

        Invariant.Holds(isRemoved, "a record that was to be removed is not in its table");
        Count--;
        if (Count == 0) Free();
        else if (old is not null) MoveSome(MovesPerChange);
        else if (log > SmallestLog + 2 && Count * 8L < 1L << log) BeginResize(log - 1);
    }

    /// <summary>A record has moved in memory; its hash and key are the same.</summary>
    public readonly void Replace(byte* before, byte* after)
    {
        var place = PlaceOf(places, log, before);
        if (place is null && old is not null) place = PlaceOf(old, oldLog, before);
        Invariant.Holds(place is not null, "a record that moved is not in its table");
        *place = Tagged(after);
    }

    /// <summary>Calls for every record at the cursor's home, and returns the next cursor; zero when the walk is over. The visitor changes nothing.</summary>
    public readonly ulong Walk<TVisitor>(ulong cursor, ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        if (Count == 0) return 0;
        if (old is null)
        {
            VisitHome(places, log, (uint)cursor & Mask(log), ref visitor);
            return Next(cursor, log);
        }

        var isGrowing = log > oldLog;
        var (small, smallLog) = ((nint)(isGrowing ? old : places), isGrowing ? oldLog : log);
        var (large, largeLog) = ((nint)(isGrowing ? places : old), isGrowing ? log : oldLog);
        VisitHome((ulong*)small, smallLog, (uint)cursor & Mask(smallLog), ref visitor);
        do
        {
            VisitHome((ulong*)large, largeLog, (uint)cursor & Mask(largeLog), ref visitor);
            cursor = Next(cursor, largeLog);
        }
        while (((cursor & Mask(largeLog)) ^ (cursor & Mask(smallLog))) != 0);
        return cursor;
    }

    /// <summary>Calls for every record with this very hash. The visitor changes nothing.</summary>
    public readonly void WalkHash<TVisitor>(uint hash, ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        if (Count == 0) return;
        VisitHash(places, log, hash, ref visitor);
        if (old is not null) VisitHash(old, oldLog, hash, ref visitor);
    }

    /// <summary>A record, each with the same chance; null when there is none. Places are drawn until one is taken, and a table is never emptier than an eighth for long.</summary>
    public readonly byte* Draw(SeededRandom dice)
    {
        const int TriesMax = 4096;
        if (Count == 0) return null;
        var all = (1 << log) + (old is null ? 0 : 1 << oldLog);
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var at = dice.Next(all);
            var place = at < 1 << log ? places[at] : old[at - (1 << log)];
            if (place != 0) return Address(place);
        }

        return Near((uint)dice.NextUInt64());
    }

    /// <summary>Takes out up to so many records, in any order, for an owner that frees them all: nothing is looked up any more. Returns how many are left.</summary>
    public int Drain<TVisitor>(int recordsMax, ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        while (recordsMax > 0 && Count > 0)
        {
            if (drained == 1 << log)
            {
                NativeMemory.Free(places);
                places = old;
                old = null;
                (log, drained) = (oldLog, 0);
            }

            ref var place = ref places[drained++];
            if (place == 0) continue;
            visitor.Visit(Address(place));
            place = 0;
            Count--;
            recordsMax--;
        }

        if (Count == 0) Free();
        return Count;
    }

    /// <summary>The first record at or after a place, for sampling; null when there is none at all. The draw is any 32 bits.</summary>
    public readonly byte* Near(uint draw)
    {
        if (Count == 0) return null;
        var inOld = old is not null && (draw % (uint)Count) < (uint)oldCount;
        inOld |= old is not null && Count == oldCount;
        var array = inOld ? old : places;
        var bits = inOld ? oldLog : log;
        for (var at = (draw * 0x9E3779B1u >> 3) & Mask(bits); ; at = (at + 1) & Mask(bits))
            if (array[at] != 0) return Address(array[at]);
    }

    /// <summary>Calls for every record. The visitor changes nothing in the table.</summary>
    public readonly void WalkAll<TVisitor>(ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        for (var at = 0u; places is not null && at <= Mask(log); at++)
            if (places[at] != 0) visitor.Visit(Address(places[at]));
        for (var at = 0u; old is not null && at <= Mask(oldLog); at++)
            if (old[at] != 0) visitor.Visit(Address(old[at]));
    }

    /// <summary>Frees the arrays; the records are their owner's.</summary>
    public void Free()
    {
        NativeMemory.Free(places);
        NativeMemory.Free(old);
        this = default;
    }

    private static void Fetch(byte* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }

    private static uint Mask(int bits) => (1u << bits) - 1;

    private static byte* Address(ulong place) => (byte*)(place & AddressMask);

    private static ulong Tagged(byte* record) => (ulong)record | ((ulong)(*(uint*)record >> 16) << 48);

    private static uint HomeOf(byte* record, int bits) => *(uint*)record & Mask(bits);

    private static ulong Next(ulong cursor, int bits)
    {
        cursor |= ~(ulong)Mask(bits);
        cursor = Reverse(Reverse(cursor) + 1);
        return cursor;
    }

    /// <summary>The bits in the other direction: the order in which a cursor passes hashes.</summary>
    internal static ulong Reverse(ulong value)
    {
        value = ((value >> 1) & 0x5555555555555555) | ((value & 0x5555555555555555) << 1);
        value = ((value >> 2) & 0x3333333333333333) | ((value & 0x3333333333333333) << 2);
        value = ((value >> 4) & 0x0F0F0F0F0F0F0F0F) | ((value & 0x0F0F0F0F0F0F0F0F) << 4);
        return System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(value);
    }

    private static byte* Find(ulong* array, int bits, uint hash, ReadOnlySpan<byte> key)
    {
        var tag = hash >> 16;
        for (var at = hash & Mask(bits); array[at] != 0; at = (at + 1) & Mask(bits))
        {
            if (array[at] >> 48 != tag) continue;
            var record = Address(array[at]);
            if (*(uint*)record == hash && RecordHead.KeyOf(record).SequenceEqual(key)) return record;
        }

        return null;
    }

    private static ulong* PlaceOf(ulong* array, int bits, byte* record)
    {
        for (var at = HomeOf(record, bits); array[at] != 0; at = (at + 1) & Mask(bits))
            if (Address(array[at]) == record) return array + at;
        return null;
    }

    private static void Put(ulong* array, int bits, byte* record)
    {
        var at = HomeOf(record, bits);
        while (array[at] != 0) at = (at + 1) & Mask(bits);
        array[at] = Tagged(record);
    }

    /// <summary>Takes a place out and closes the gap, so that every run stays whole from each record's home on.</summary>
    private static bool RemoveFrom(ulong* array, int bits, byte* record)
    {
        var place = PlaceOf(array, bits, record);
        if (place is null) return false;
        var mask = Mask(bits);
        var gap = (uint)(place - array);
        for (var at = (gap + 1) & mask; array[at] != 0; at = (at + 1) & mask)
        {
            var home = HomeOf(Address(array[at]), bits);
            if (((at - home) & mask) < ((at - gap) & mask)) continue;
            array[gap] = array[at];
            gap = at;
        }

        array[gap] = 0;
        return true;
    }

    private static void VisitHash<TVisitor>(ulong* array, int bits, uint hash, ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        for (var at = hash & Mask(bits); array[at] != 0; at = (at + 1) & Mask(bits))
        {
            var record = Address(array[at]);
            if (*(uint*)record == hash) visitor.Visit(record);
        }
    }

    private static void VisitHome<TVisitor>(ulong* array, int bits, uint home, ref TVisitor visitor)
        where TVisitor : IRecordVisitor, allows ref struct
    {
        for (var at = home; array[at] != 0; at = (at + 1) & Mask(bits))
        {
            var record = Address(array[at]);
            if (HomeOf(record, bits) == home) visitor.Visit(record);
        }
    }

    private void Allocate(int bits)
    {
        log = bits;
        places = (ulong*)NativeMemory.AllocZeroed((nuint)(8L << bits));
    }

    private void BeginResize(int bits)
    {
        old = places;
        (oldLog, oldCount, moved) = (log, Count, 0);
        Allocate(bits);
        MoveSome(MovesPerChange);
    }

    /// <summary>Moves records of the old array. Runs are moved whole from their first place on, so that what stays is still found from its home.</summary>
    private void MoveSome(int runs)
    {
        var mask = Mask(oldLog);
        for (; runs > 0 && oldCount > 0; runs--)
        {
            while (old[moved] == 0) moved = (int)((uint)(moved + 1) & mask);
            // The first place with something may be in the middle of a run that wraps around: begin where the run does.
            var at = (uint)moved;
            while (old[(at - 1) & mask] != 0) at = (at - 1) & mask;
            for (; old[at] != 0; at = (at + 1) & mask)
            {
                Put(places, log, Address(old[at]));
                old[at] = 0;
                oldCount--;
            }
        }

        if (oldCount > 0) return;
        NativeMemory.Free(old);
        old = null;
    }
}

/// <summary>Sees the records of a table.</summary>
internal unsafe interface IRecordVisitor
{
    /// <summary>A record.</summary>
    void Visit(byte* record);
}

/// <summary>What every record of a table begins with.</summary>
internal static unsafe class RecordHead
{
    public static uint Hash(byte* record) => *(uint*)record;

    public static int KeyLength(byte* record) => *(int*)(record + 4);

    public static ReadOnlySpan<byte> KeyOf(byte* record) => new(record + record[8], *(int*)(record + 4));

    public static void Write(byte* record, uint hash, int keyLength, byte keyOffset)
    {
        *(uint*)record = hash;
        *(int*)(record + 4) = keyLength;
        record[8] = keyOffset;
    }
}
