using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>A small sorted set: how many members (4 bytes), then in order of score and member: the score (8 bytes) and the member.</summary>
internal static class SortedSetRun
{
    private const int ScoreBytes = 8;

    public static ReadOnlySpan<byte> Empty => [0, 0, 0, 0];

    public static int CountOf(ReadOnlySpan<byte> run) => BinaryPrimitives.ReadInt32LittleEndian(run);

    /// <summary>The member at a place, which moves behind it, and its score.</summary>
    public static ReadOnlySpan<byte> Next(ReadOnlySpan<byte> run, scoped ref int at, scoped out double score)
    {
        score = BinaryPrimitives.ReadDoubleLittleEndian(run[at..]);
        at += ScoreBytes;
        return PackedRun.Next(run, ref at);
    }

    /// <summary>Looks a member up: its score, where it stands, and where the next one does.</summary>
    public static bool TryFind(ReadOnlySpan<byte> run, ReadOnlySpan<byte> member, out double score, out int from, out int to)
    {
        for (var at = PackedRun.HeadBytes; at < run.Length;)
        {
            from = at;
            var found = Next(run, ref at, out score);
            to = at;
            if (found.SequenceEqual(member)) return true;
        }

        (score, from, to) = (0, run.Length, run.Length);
        return false;
    }

    /// <summary>Adds a member that is not there, where it belongs.</summary>
    public static void Add(RunEditor run, ReadOnlySpan<byte> member, double score)
    {
        // Redis keeps whole scores of small sorted sets as whole numbers, which have no negative zero.
        if (score == 0) score = 0;
        var place = run.Length;
        for (var at = PackedRun.HeadBytes; at < run.Length;)
        {
            var from = at;
            var other = Next(run.Bytes, ref at, out var otherScore);
            if (otherScore < score || (otherScore == score && other.SequenceCompareTo(member) < 0)) continue;
            place = from;
            break;
        }

        var gap = run.Splice(place, 0, ScoreBytes + PackedRun.SizeOf(member.Length));
        BinaryPrimitives.WriteDoubleLittleEndian(gap, score);
        PackedRun.Put(gap[ScoreBytes..], member);
        AddCount(run, 1);
    }

    /// <summary>Removes what stands from one place to another.</summary>
    public static void Remove(RunEditor run, int from, int to)
    {
        run.Splice(from, to - from, 0);
        AddCount(run, -1);
    }

    private static void AddCount(RunEditor run, int change) => BinaryPrimitives.WriteInt32LittleEndian(run.Bytes, BinaryPrimitives.ReadInt32LittleEndian(run.Bytes) + change);
}
