using System.Runtime.CompilerServices;

namespace Holdfast.Keyspace;

/// <summary>
/// A member of a large sorted set, outside the managed heap:
/// <code>
/// 0 hash   4 member length   8 member offset (17)   9 score        then the member
/// </code>
/// </summary>
internal static unsafe class ScoreRecord
{
    private const byte HeadBytes = 17;

    public static byte* Make(NativeArena arena, uint hash, ReadOnlySpan<byte> member, double score)
    {
        var record = arena.Take(HeadBytes + member.Length);
        RecordHead.Write(record, hash, member.Length, HeadBytes);
        Score(record) = score;
        member.CopyTo(new Span<byte>(record + HeadBytes, member.Length));
        return record;
    }

    public static ref double Score(byte* record) => ref Unsafe.AsRef<double>(record + 9);

    public static int SizeOf(byte* record) => HeadBytes + RecordHead.KeyLength(record);

    public static void Free(NativeArena arena, byte* record) => arena.Give(record, SizeOf(record));
}
