using System.Runtime.CompilerServices;

namespace Holdfast.Keyspace;

/// <summary>
/// A key with its value, outside the managed heap:
/// <code>
///  0 hash   4 key length   8 key offset (24 or 32)   9 kind  10 encoding  11 flags
/// 12 last access (seconds, 32 bits)   16 snapshot epoch  17 frequency  18 free  20 value length, or the big value's number
/// 24 expiry in ms since the Unix epoch, when it has one        then the key, then the value (or the address of its blob)
/// </code>
/// A key of 16 bytes with a value of 64 takes 104 bytes and a place of 8 in the table (bench: <c>bench/peers/redis.sh memory</c>).
/// </summary>
internal static unsafe class KeyRecord
{
    public const byte HasExpiry = 1;
    public const byte IsBlob = 2;
    public const byte IsBig = 4;

    /// <summary>An undo record of a key that was not there.</summary>
    public const byte IsAbsent = 8;

    /// <summary>An undo record beside which its big value lives on.</summary>
    public const byte IsShell = 16;

    /// <summary>Longer values get a block of their own with room to grow.</summary>
    public const int InlineMax = 2048;

    private const int BlobHead = 8;

    public static ValueKind Kind(byte* record) => (ValueKind)record[9];

    public static ValueEncoding Encoding(byte* record) => (ValueEncoding)record[10];

    public static void SetEncoding(byte* record, ValueEncoding encoding) => record[10] = (byte)encoding;

    public static bool Has(byte* record, byte flag) => (record[11] & flag) != 0;

    public static ref uint Access(byte* record) => ref Unsafe.AsRef<uint>(record + 12);

    public static ref byte Epoch(byte* record) => ref record[16];

    public static ref byte Frequency(byte* record) => ref record[17];

    /// <summary>The value's length, or the big value's number.</summary>
    public static ref int Word(byte* record) => ref Unsafe.AsRef<int>(record + 20);

    /// <summary>When it expires, in ms; -1 for never.</summary>
    public static long Expiry(byte* record) => Has(record, HasExpiry) ? Unsafe.ReadUnaligned<long>(record + 24) : -1;

    public static void SetExpiry(byte* record, long milliseconds) => Unsafe.WriteUnaligned(record + 24, milliseconds);

    /// <summary>The value's bytes; empty for a big value.</summary>
    public static Span<byte> Bytes(byte* record)
    {
        if (Has(record, IsBig)) return default;
        var inline = record + record[8] + RecordHead.KeyLength(record);
        return Has(record, IsBlob) ? new Span<byte>(BlobOf(record) + BlobHead, Word(record)) : new Span<byte>(inline, Word(record));
    }

    /// <summary>Bytes of the record's own block.</summary>
    public static int SizeOf(byte* record) => record[8] + RecordHead.KeyLength(record) + (Has(record, IsBlob) ? 8 : Has(record, IsBig) ? 0 : Word(record));

    /// <summary>A new record without a value; its big value's number or its bytes are the caller's to fill in.</summary>
    public static byte* Make(NativeArena arena, uint hash, ReadOnlySpan<byte> key, ValueKind kind, ValueEncoding encoding, int length, bool isBig, long expiry)
    {
        var isBlob = !isBig && length > InlineMax;
        var offset = (byte)(expiry >= 0 ? 32 : 24);
        var record = arena.Take(offset + key.Length + (isBlob ? 8 : isBig ? 0 : length));
        RecordHead.Write(record, hash, key.Length, offset);
        record[9] = (byte)kind;
        record[10] = (byte)encoding;
        record[11] = (byte)((expiry >= 0 ? HasExpiry : 0) | (isBlob ? IsBlob : 0) | (isBig ? IsBig : 0));
        Access(record) = 0;
        *(uint*)(record + 16) = 0;
        Word(record) = length;
        if (expiry >= 0) SetExpiry(record, expiry);
        key.CopyTo(new Span<byte>(record + offset, key.Length));
        if (isBlob) PutBlob(record, MakeBlob(arena, length));
        return record;
    }

    /// <summary>Frees the record and its bytes; a big value is the caller's.</summary>
    public static void Free(NativeArena arena, byte* record)
    {
        if (Has(record, IsBlob)) FreeBlob(arena, BlobOf(record));
        arena.Give(record, SizeOf(record));
    }

    /// <summary>Frees the record alone: its blob and its big value live on in another.</summary>
    public static void FreeShell(NativeArena arena, byte* record) => arena.Give(record, SizeOf(record));

    /// <summary>How many bytes a blob of this value may have without moving.</summary>
    public static int BlobCapacity(byte* record) => *(int*)BlobOf(record);

    public static byte* BlobOf(byte* record) => Unsafe.ReadUnaligned<nuint>(record + record[8] + RecordHead.KeyLength(record)) is var address ? (byte*)address : null;

    public static void PutBlob(byte* record, byte* blob) => Unsafe.WriteUnaligned(record + record[8] + RecordHead.KeyLength(record), (nuint)blob);

    /// <summary>A blob that grows may be twice as large as what is in it, up to a megabyte more, so that appending is cheap.</summary>
    public static byte* MakeBlob(NativeArena arena, int length, bool grows = false)
    {
        var capacity = grows ? (int)Math.Min((long)length + Math.Min(length, 1024 * 1024), int.MaxValue - 8192) : length;
        var size = NativeArena.Rounded(BlobHead + capacity);
        var blob = arena.Take(size);
        *(int*)blob = size - BlobHead;
        return blob;
    }

    public static byte* BlobBytes(byte* blob) => blob + BlobHead;

    public static void FreeBlob(NativeArena arena, byte* blob) => arena.Give(blob, BlobHead + *(int*)blob);
}
