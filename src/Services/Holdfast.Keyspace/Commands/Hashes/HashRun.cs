using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>A field of a hash, with its value and when it expires (ms since the Unix epoch; -1 for never).</summary>
internal readonly ref struct HashField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long date)
{
    public ReadOnlySpan<byte> Name { get; } = name;

    public ReadOnlySpan<byte> Value { get; } = value;

    public long Date { get; } = date;

    /// <summary>Whether it has expired and nobody has deleted it yet.</summary>
    public bool IsOver(long now) => Date >= 0 && Date < now;
}

/// <summary>
/// A small hash: how many fields (4 bytes; the top bit: dated), when dated the soonest date (8), then fields in the order in which they came: name, value, and when dated the date (8). No field expires before
/// the soonest date, which may be too soon.
/// </summary>
internal static class HashRun
{
    private const uint Dated = 1u << 31;
    private const int DateBytes = 8;

    public static ReadOnlySpan<byte> Empty => [0, 0, 0, 0];

    public static bool IsDated(ReadOnlySpan<byte> run) => run[3] >= 0x80;

    public static int CountOf(ReadOnlySpan<byte> run) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(run) & ~Dated);

    /// <summary>No field expires before this date.</summary>
    public static long SoonestOf(ReadOnlySpan<byte> run) => IsDated(run) ? BinaryPrimitives.ReadInt64LittleEndian(run[PackedRun.HeadBytes..]) : long.MaxValue;

    /// <summary>Where the first field stands.</summary>
    public static int FirstOf(ReadOnlySpan<byte> run) => IsDated(run) ? PackedRun.HeadBytes + DateBytes : PackedRun.HeadBytes;

    /// <summary>The field at a place, which moves behind it; false at the end.</summary>
    public static bool TryNext(ReadOnlySpan<byte> run, scoped ref int at, out HashField field)
    {
        if (at >= run.Length)
        {
            field = default;
            return false;
        }

        var name = PackedRun.Next(run, ref at);
        var value = PackedRun.Next(run, ref at);
        field = new HashField(name, value, TakeDate(run, ref at));
        return true;
    }

    /// <summary>Looks a field up: where it stands, and where the next one does.</summary>
    public static bool TryFind(ReadOnlySpan<byte> run, scoped ReadOnlySpan<byte> name, out HashField field, out int from, out int to)
    {
        var at = FirstOf(run);
        var isDated = IsDated(run);
        while (at < run.Length)
        {
            from = at;
            var found = PackedRun.Next(run, ref at);
            var value = PackedRun.Next(run, ref at);
            if (found.SequenceEqual(name))
            {
                field = new HashField(found, value, TakeDate(run, ref at));
                to = at;
                return true;
            }

            if (isDated) at += DateBytes;
        }

        field = default;
        (from, to) = (run.Length, run.Length);
        return false;
    }

    /// <summary>Puts a field at a place, over what stands there up to another.</summary>
    public static void Put(RunEditor run, int from, int to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long date)
    {
        if (date >= 0) MakeDated(run, ref from, ref to);
        var isDated = IsDated(run.Bytes);
        var gap = run.Splice(from, to - from, PackedRun.SizeOf(name.Length) + PackedRun.SizeOf(value.Length) + (isDated ? DateBytes : 0));
        gap = gap[PackedRun.Put(gap, name)..];
        gap = gap[PackedRun.Put(gap, value)..];
        if (!isDated) return;
        BinaryPrimitives.WriteInt64LittleEndian(gap, date);
        if (date >= 0 && date < SoonestOf(run.Bytes)) SetSoonest(run, date);
    }

    /// <summary>Sets when a field expires that ends at a place; -1 for never.</summary>
    public static void SetDate(RunEditor run, int from, int to, long date)
    {
        if (date >= 0) MakeDated(run, ref from, ref to);
        if (!IsDated(run.Bytes)) return;
        BinaryPrimitives.WriteInt64LittleEndian(run.Bytes[(to - DateBytes)..], date);
        if (date >= 0 && date < SoonestOf(run.Bytes)) SetSoonest(run, date);
    }

    /// <summary>One field more, or fewer.</summary>
    public static void AddCount(RunEditor run, int change) => BinaryPrimitives.WriteUInt32LittleEndian(run.Bytes, (uint)(BinaryPrimitives.ReadUInt32LittleEndian(run.Bytes) + change));

    /// <summary>Sets from when on a field may expire.</summary>
    public static void SetSoonest(RunEditor run, long date)
    {
        if (IsDated(run.Bytes)) BinaryPrimitives.WriteInt64LittleEndian(run.Bytes[PackedRun.HeadBytes..], date);
    }

    private static long TakeDate(ReadOnlySpan<byte> run, scoped ref int at)
    {
        if (!IsDated(run)) return -1;
        at += DateBytes;
        return BinaryPrimitives.ReadInt64LittleEndian(run[(at - DateBytes)..]);
    }

    private static void MakeDated(RunEditor run, ref int from, ref int to)
    {
        if (IsDated(run.Bytes)) return;
        BinaryPrimitives.WriteInt64LittleEndian(run.Splice(PackedRun.HeadBytes, 0, DateBytes), long.MaxValue);
        run.Bytes[3] |= 0x80;
        var (first, behind) = (from, to);
        for (int at = PackedRun.HeadBytes + DateBytes, old = PackedRun.HeadBytes; at < run.Length;)
        {
            if (old == first) from = at;
            var begin = at;
            PackedRun.Next(run.Bytes, ref at);
            PackedRun.Next(run.Bytes, ref at);
            old += at - begin;
            BinaryPrimitives.WriteInt64LittleEndian(run.Splice(at, 0, DateBytes), -1);
            at += DateBytes;
            if (old == behind) to = at;
        }

        if (first == behind) from = to = run.Length;
    }
}
