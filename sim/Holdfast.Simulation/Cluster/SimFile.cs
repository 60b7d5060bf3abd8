using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// A file as two things: what programs read (the page cache) and what would be left after a power loss (the platter). Between them stands the state of each
/// sector. A sector is written whole or not at all; anything larger may be torn.
/// </summary>
internal sealed class SimFile
{
    public const int SectorBytes = 512;

    private const byte Clean = 0;
    private const byte Dirty = 1;

    /// <summary>A failed sync took the sector for written: the cache shows it, nothing will ever write it, and a power loss takes it (S7).</summary>
    private const byte CleanButLost = 2;

    private readonly List<int> dirty = [];
    private byte[] cache = [];
    private byte[] platter = [];
    private byte[] states = [];
    private long[] writtenAt = [];
    private long durableLength;

    public long Length { get; private set; }

    /// <summary>The sectors that hold something.</summary>
    public int SectorCount => (int)((Length + SectorBytes - 1) / SectorBytes);

    /// <summary>Whether the cache shows more than the platter has.</summary>
    public bool ShowsMoreThanDurable => dirty.Count > 0 || durableLength != Length;

    public bool HasLostPages { get; private set; }

    /// <summary>What a run of sectors holds on the platter.</summary>
    public ReadOnlySpan<byte> Platter(int sector, int count) => platter.AsSpan(sector * SectorBytes, count * SectorBytes);

    public int Read(long offset, Span<byte> target)
    {
        var count = (int)Math.Clamp(Length - offset, 0, target.Length);
        if (count > 0) cache.AsSpan((int)offset, count).CopyTo(target);
        return count;
    }

    /// <summary>Reads past the cache, as O_DIRECT does: dirty sectors are written first, and what a failed sync called clean shows the platter's old content.</summary>
    public int ReadUncached(long offset, Span<byte> target)
    {
        var count = (int)Math.Clamp(Length - offset, 0, target.Length);
        if (count == 0) return 0;
        for (var sector = (int)(offset / SectorBytes); sector * (long)SectorBytes < offset + count; sector++)
            if (states[sector] == Dirty) WriteBack(sector);
        platter.AsSpan((int)offset, count).CopyTo(target);
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> source, ref long order)
    {
        Reserve(offset + source.Length);
        Length = Math.Max(Length, offset + source.Length);
        source.CopyTo(cache.AsSpan((int)offset));
        for (var sector = (int)(offset / SectorBytes); sector * (long)SectorBytes < offset + source.Length; sector++)
        {
            if (writtenAt[sector] == 0) dirty.Add(sector);
            states[sector] = Dirty;
            writtenAt[sector] = ++order;
        }
    }

    public void Extend(long length)
    {
        Reserve(length);
        Length = Math.Max(Length, length);
    }

    /// <summary>The sync has come through. Hands each run of sectors that became durable to <paramref name="onDurable"/>.</summary>
    public void Sync(Action<SimFile, int, int>? onDurable)
    {
        dirty.Sort();
        foreach (var sector in dirty) WriteBack(sector);
        durableLength = Length;
        for (var at = 0; at < dirty.Count && onDurable is not null;)
        {
            var first = dirty[at];
            var count = 1;
            while (at + count < dirty.Count && dirty[at + count] == first + count) count++;
            onDurable(this, first, count);
            at += count;
        }

        ForgetDirty();
    }

    /// <summary>The sync has failed: some sectors reached the platter, the others are called clean all the same.</summary>
    public void FailSync(SeededRandom dice)
    {
        foreach (var sector in dirty)
        {
            if (dice.Chance(0.5)) WriteBack(sector);
            else states[sector] = CleanButLost;
        }

        HasLostPages = true;
        if (dice.Chance(0.5)) durableLength = Length;
        ForgetDirty();
    }

    /// <summary>What a power loss leaves. <paramref name="keeps"/> says of an unsynced sector, by its place in the order of writes, whether it reached the platter.</summary>
    public void LosePower(Func<long, bool> keeps, bool keepsLength)
    {
        foreach (var sector in dirty)
            if (keeps(writtenAt[sector])) WriteBack(sector);
        ForgetDirty();
        if (keepsLength) durableLength = Length;
        Length = durableLength;
        platter.AsSpan((int)Length).Clear();
        platter.CopyTo(cache, 0);
        Array.Clear(states);
        HasLostPages = false;
    }

    /// <summary>The orders of the writes that no sync has covered.</summary>
    public IEnumerable<long> UnsyncedOrders()
    {
        foreach (var sector in dirty) yield return writtenAt[sector];
    }

    /// <summary>Bits fall over. What the cache shows of a clean sector is read from the platter again.</summary>
    public bool Rot(int sector, SeededRandom dice)
    {
        var place = platter.AsSpan(sector * SectorBytes, SectorBytes);
        if (states[sector] != Clean || place.IndexOfAnyExcept((byte)0) < 0) return false;
        for (var i = 0; i < 4; i++) place[dice.Next(SectorBytes)] ^= (byte)(1 << dice.Next(8));
        for (var at = 0; at < SectorBytes; at += 8) place[at] ^= (byte)dice.Next(1, 256);
        place.CopyTo(cache.AsSpan(sector * SectorBytes));
        return true;
    }

    /// <summary>Whether the platter holds anything but zeros there.</summary>
    public bool HoldsSomething(int sector) => platter.AsSpan(sector * SectorBytes, SectorBytes).IndexOfAnyExcept((byte)0) >= 0;

    private void ForgetDirty()
    {
        foreach (var sector in dirty) writtenAt[sector] = 0;
        dirty.Clear();
    }

    private void WriteBack(int sector)
    {
        cache.AsSpan(sector * SectorBytes, SectorBytes).CopyTo(platter.AsSpan(sector * SectorBytes));
        states[sector] = Clean;
    }

    private void Reserve(long length)
    {
        if (length <= cache.Length) return;
        var size = (int)Math.Max((length + SectorBytes - 1) / SectorBytes * SectorBytes, cache.Length * 2L);
        Array.Resize(ref cache, size);
        Array.Resize(ref platter, size);
        Array.Resize(ref states, size / SectorBytes);
        Array.Resize(ref writtenAt, size / SectorBytes);
    }
}
