using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// Makes room when keys take more memory than they may (maxmemory): the leader looks at some keys, deletes the one that is missed least by the policy, and logs that as a deletion, so that replicas need no policy. The best of
/// what was looked at is kept for the next time (Redis's pool), so a few samples come near to the true order.
/// </summary>
internal sealed unsafe class Eviction(KeyspaceNode node)
{
    /// <summary>What a new key's use is counted from, so that it is not the first to go.</summary>
    public const byte FrequencyOfNew = 5;

    /// <summary>Fewer bytes are none: Redis itself takes more before it has a key, and who allows it so few (maxmemory 1) wants every write refused.</summary>
    private const long LeastMemory = 1024;

    private const int PoolMax = 16;
    private const int KeysPerCommand = 128;
    private const int Draws = 8;

    private static readonly Mark Evicted = new("keyspace: a key was evicted", elsewhere: "EvictionTests: simulated shards have no bound on their memory");

    private readonly List<(byte[] Key, int Slot, ulong Score)> pool = [];

    /// <summary>Whether keys take more than they may.</summary>
    public bool IsOver => node.Settings.MemoryMax is > 0 and var most && (most < LeastMemory || node.MemoryUsed > most);

    /// <summary>Deletes keys of the call's shard until there is room, or nothing that may go is left, or it is enough for once.</summary>
    public void MakeRoom(CommandCall call)
    {
        if (node.Settings.MemoryMax == 0 || node.Settings.Policy == EvictionPolicy.NoEviction || !IsOver) return;
        var begun = node.ReadClock();
        Evict(call);
        node.Latency.Add(LatencyMonitor.EvictionCycle, (node.ReadClock() - begun).Ticks / 10);
    }

    private void Evict(CommandCall call)
    {
        for (var left = KeysPerCommand; left > 0 && IsOver; left--)
        {
            if (Choose(call.Keyspace, call.Shard.State.Slots.Owned, call.Now) is not (var key and not null, var slot)) return;
            call.Evict(key, slot);
            Evicted.Hit();
        }
    }

    /// <summary>A key was used.</summary>
    public void OnUsed(byte* record, long now)
    {
        var seconds = (uint)(now / 1000);
        if (node.Settings.IsLfu)
        {
            var used = Decayed(record, seconds);
            var odds = 1.0 / ((Math.Max(0, used - FrequencyOfNew) * node.Settings.LfuLogFactor) + 1);
            if (used < 255 && node.Dice.Chance(odds)) used++;
            KeyRecord.Frequency(record) = (byte)used;
        }

        KeyRecord.Access(record) = seconds;
    }

    /// <summary>How often a key is used: a logarithm, less what time has taken of it.</summary>
    public int Decayed(byte* record, uint seconds)
    {
        var minutes = (seconds - KeyRecord.Access(record)) / 60;
        var lost = node.Settings.LfuDecayMinutes > 0 && seconds >= KeyRecord.Access(record) ? minutes / node.Settings.LfuDecayMinutes : 0;
        return (int)Math.Max(0, KeyRecord.Frequency(record) - lost);
    }

    private (byte[]? Key, int Slot) Choose(Keyspace keyspace, SlotSet owned, long now)
    {
        var isVolatile = node.Settings.Policy >= EvictionPolicy.VolatileLru;
        if ((isVolatile ? keyspace.VolatileCount : keyspace.KeyCount) == 0) return default;
        if (node.Settings.Policy is EvictionPolicy.AllKeysRandom or EvictionPolicy.VolatileRandom) return Draw(keyspace, owned, isVolatile, out var any) is var drawn && any is not null ? (RecordHead.KeyOf(any).ToArray(), drawn) : default;
        for (var left = node.Settings.Samples; left > 0; left--)
        {
            var slot = Draw(keyspace, owned, isVolatile, out var record);
            if (record is not null) Keep(RecordHead.KeyOf(record), slot, Score(record, now));
        }

        while (pool.Count > 0)
        {
            var (key, slot, _) = pool[^1];
            pool.RemoveAt(pool.Count - 1);
            var place = keyspace.Locate(key, slot);
            if (place.Exists && owned[slot] && (!isVolatile || place.Expiry >= 0)) return (key, slot);
        }

        return default;
    }

    /// <summary>How little a key is missed: the higher, the sooner it goes.</summary>
    private ulong Score(byte* record, long now)
    {
        var seconds = (uint)(now / 1000);
        if (node.Settings.Policy == EvictionPolicy.VolatileTtl) return ulong.MaxValue - (ulong)KeyRecord.Expiry(record);
        if (node.Settings.IsLfu) return (ulong)(255 - Decayed(record, seconds));
        return seconds > KeyRecord.Access(record) ? seconds - KeyRecord.Access(record) : 0;
    }

    private void Keep(ReadOnlySpan<byte> key, int slot, ulong score)
    {
        foreach (var known in pool)
            if (known.Slot == slot && key.SequenceEqual(known.Key)) return;
        if (pool.Count == PoolMax && pool[0].Score >= score) return;
        var at = pool.FindIndex(each => each.Score > score);
        pool.Insert(at < 0 ? pool.Count : at, (key.ToArray(), slot, score));
        if (pool.Count > PoolMax) pool.RemoveAt(0);
    }

    /// <summary>Any key, or any that will expire; its slot.</summary>
    private int Draw(Keyspace keyspace, SlotSet owned, bool isVolatile, out byte* record)
    {
        record = null;
        var slot = node.Dice.Next(node.Bug == PlantedShardBug.UndenseSampling ? KeySlot.Count / 2 : KeySlot.Count);
        for (var left = KeySlot.Count; left > 0 && ((isVolatile ? keyspace.VolatileIn(slot) : keyspace.CountIn(slot)) == 0 || !owned[slot]); left--) slot = (slot + 1) % KeySlot.Count;
        if (!owned[slot]) return slot; // What is sealed or staged changes by moves only (S21).
        for (var left = Draws; left > 0; left--)
        {
            var found = keyspace.Table(slot).Near((uint)node.Dice.NextUInt64());
            if (found is null || (isVolatile && KeyRecord.Expiry(found) < 0)) continue;
            record = found;
            return slot;
        }

        var visitor = new FirstVolatile();
        keyspace.Table(slot).WalkAll(ref visitor);
        record = (byte*)visitor.Found;
        return slot;
    }

    private struct FirstVolatile : IRecordVisitor
    {
        public nint Found;

        public void Visit(byte* record)
        {
            if (Found == 0 && KeyRecord.Expiry(record) >= 0) Found = (nint)record;
        }
    }
}
