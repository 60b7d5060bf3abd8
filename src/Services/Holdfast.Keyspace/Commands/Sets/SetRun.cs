using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>A small set: how many members (4 bytes), then the members in the order in which they came.</summary>
internal static class SetRun
{
    public static ReadOnlySpan<byte> Empty => [0, 0, 0, 0];

    public static int CountOf(ReadOnlySpan<byte> run) => BinaryPrimitives.ReadInt32LittleEndian(run);

    /// <summary>Looks a member up: where it stands, and where the next one does.</summary>
    public static bool TryFind(ReadOnlySpan<byte> run, ReadOnlySpan<byte> member, out int from, out int to)
    {
        for (var at = PackedRun.HeadBytes; at < run.Length;)
        {
            from = at;
            var found = PackedRun.Next(run, ref at);
            to = at;
            if (found.SequenceEqual(member)) return true;
        }

        (from, to) = (run.Length, run.Length);
        return false;
    }

    /// <summary>Adds a member that is not there.</summary>
    public static void Add(RunEditor run, ReadOnlySpan<byte> member)
    {
        run.Append(member);
        AddCount(run, 1);
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public static bool Remove(RunEditor run, ReadOnlySpan<byte> member)
    {
        if (!TryFind(run.Bytes, member, out var from, out var to)) return false;
        run.Splice(from, to - from, 0);
        AddCount(run, -1);
        return true;
    }

    private static void AddCount(RunEditor run, int change) => BinaryPrimitives.WriteInt32LittleEndian(run.Bytes, BinaryPrimitives.ReadInt32LittleEndian(run.Bytes) + change);
}
