using System.Runtime.CompilerServices;

namespace Holdfast.Keyspace;

/// <summary>
/// A field of a large hash, outside the managed heap:
/// <code>
/// 0 hash   4 name length   8 name offset (13 or 21)   9 value length   13 date, when it has one        then the name, then the value
/// </code>
/// </summary>
internal static unsafe class FieldRecord
{
    private const int Plain = 13;
    private const int Dated = 21;

    public static byte* Make(NativeArena arena, uint hash, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long date)
    {
        var offset = date >= 0 ? Dated : Plain;
        var record = arena.Take(offset + name.Length + value.Length);
        RecordHead.Write(record, hash, name.Length, (byte)offset);
        Unsafe.WriteUnaligned(record + 9, value.Length);
        if (date >= 0) Unsafe.WriteUnaligned(record + Plain, date);
        name.CopyTo(new Span<byte>(record + offset, name.Length));
        value.CopyTo(new Span<byte>(record + offset + name.Length, value.Length));
        return record;
    }

    public static Span<byte> ValueOf(byte* record) => new(record + record[8] + RecordHead.KeyLength(record), Unsafe.ReadUnaligned<int>(record + 9));

    /// <summary>When it expires, ms since the Unix epoch; -1 for never.</summary>
    public static long DateOf(byte* record) => record[8] == Dated ? Unsafe.ReadUnaligned<long>(record + Plain) : -1;

    public static HashField FieldOf(byte* record) => new(RecordHead.KeyOf(record), ValueOf(record), DateOf(record));

    public static int SizeOf(byte* record) => record[8] + RecordHead.KeyLength(record) + Unsafe.ReadUnaligned<int>(record + 9);

    public static void Free(NativeArena arena, byte* record) => arena.Give(record, SizeOf(record));
}
