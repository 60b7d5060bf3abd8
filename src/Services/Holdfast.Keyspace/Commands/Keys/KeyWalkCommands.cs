using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Walks over all keys that are served here: KEYS, SCAN, RANDOMKEY, DBSIZE, FLUSHALL. They visit the shards that this node leads, one after the other, each in an entry of its own. A SCAN cursor
/// is a slot and a place in its table; both mean the same on every replica, so it survives a failover.
/// </summary>
internal sealed unsafe class KeyWalkCommands : ICommandFamily
{
    private const int KeysMax = 10_000_000;
    private const int SlotBits = 14;
    private const int KeysPerSlice = 8192;

    public void Bind(CommandTable table)
    {
        table.Bind("dbsize", DbSize, "Counts the keys of this node's slots", CommandPlace.EveryShard);
        table.Bind("keys", Keys, "Returns all keys of this node's slots that match a pattern", CommandPlace.EveryShard);
        table.Bind("randomkey", RandomKey, "Returns some key", CommandPlace.EveryShard);
        table.Bind("flushall", Flush, "Deletes all keys of this node's slots", CommandPlace.EveryShard);
        table.Bind("flushdb", Flush, "Deletes all keys of this node's slots", CommandPlace.EveryShard);
        table.Bind("scan", Scan, "Walks over the keys of this node's slots, a few at a time", CommandPlace.EveryShard);
    }

    private static bool IsLast(CommandCall call) => call.Client is not { } client || client.ShardsVisited + 1 >= client.Gathering.Shards;

    private static void DbSize(CommandCall call)
    {
        var gathering = call.Client!.Gathering;
        if (gathering.Shards > 0) gathering.Number += call.Shard.State.ServedKeys;
        if (IsLast(call)) call.Reply.Integer(gathering.Number);
    }

    private static void Keys(CommandCall call)
    {
        var gathering = call.Client!.Gathering;
        if (gathering.Shards > 0)
        {
            // A slice of the slots at a time: between them the loop serves others, and entries of others come in between, as they may.
            var visitor = new Matching { Pattern = call[1], IsAll = call[1].SequenceEqual("*"u8), Now = call.Now, Found = gathering.Keys };
            for (; gathering.Slot < KeySlot.Count && gathering.Keys.Count < KeysMax && (visitor.Seen < KeysPerSlice || call.Client.Transaction.IsOpen); gathering.Slot++) WalkServed(call, gathering.Slot, ref visitor);
            gathering.IsUnfinished = gathering.Slot < KeySlot.Count && gathering.Keys.Count < KeysMax;
            if (gathering.IsUnfinished) return;
            gathering.Slot = 0;
        }

        if (IsLast(call)) ReplyKeys(call.Reply, gathering.Keys);
    }

    private static void WalkServed(CommandCall call, int slot, ref Matching visitor)
    {
        if (call.Shard.State.Slots.Owned[slot]) call.Keyspace.Table(slot).WalkAll(ref visitor);
    }

    private static void RandomKey(CommandCall call)
    {
        var gathering = call.Client!.Gathering;
        if (gathering.Shards > 0 && gathering.Keys.Count == 0 && call.Shard.State.ServedKeys > 0) Draw(call, gathering.Keys);
        if (!IsLast(call)) return;
        if (gathering.Keys.Count > 0) call.Reply.Bulk(gathering.Keys[0]);
        else call.Reply.Null();
    }

    private static void Draw(CommandCall call, List<byte[]> found)
    {
        for (var tries = 0; tries < 100; tries++)
        {
            var draw = call.Node.Dice.NextUInt64();
            var slot = (int)(draw % KeySlot.Count);
            while (call.Keyspace.CountIn(slot) == 0 || !call.Shard.State.Slots.Owned[slot]) slot = (slot + 1) % KeySlot.Count;
            var record = call.Keyspace.Table(slot).Near((uint)(draw >> 32));
            if (KeyRecord.Expiry(record) >= 0 && KeyRecord.Expiry(record) < call.Now) continue;
            found.Add(RecordHead.KeyOf(record).ToArray());
            return;
        }
    }

    private static void Flush(CommandCall call)
    {
        if (call.Count > 2 || (call.Count == 2 && !call.Is(1, "SYNC"u8) && !call.Is(1, "ASYNC"u8)))
        {
            if (call.Client is null || call.Client.ShardsVisited == 0) call.SyntaxError();
            if (call.Client is not null) call.Client.Gathering.Shards = 0;
            return;
        }

        if (call.Client is null || call.Client.Gathering.Shards > 0)
        {
            if (call.Client is not null && call.Shard.State.Slots.HasSealed)
            {
                // What is sealed is the target's already, or may be; nothing was flushed here yet, and soon it can be.
                call.Client.Gathering.Shards = 0;
                call.Reply.Error(CommandErrors.Moving);
                return;
            }

            var keys = call.Keyspace.KeyCount;
            if (keys > 0) call.Shard.Flush();
            call.CountChanges(keys);
        }

        if (IsLast(call)) call.Reply.Ok();
    }

    private static void Scan(CommandCall call)
    {
        var client = call.Client!;
        if (!ulong.TryParse(call[1], NumberStyles.None, CultureInfo.InvariantCulture, out var cursor))
        {
            Finish(call);
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }

        if (!ScanOptions.TryParse(call, 2, hasType: true, out var options))
        {
            Finish(call);
            return;
        }

        if (client.Gathering.Shards == 0)
        {
            ReplyScan(call.Reply, 0, client.Gathering.Keys);
            return;
        }

        // The slots of this shard from the cursor's slot on; when there are none left here, the next shard goes on.
        if (client.ShardsVisited > 0 && client.Gathering.Number >= 0) cursor = 0;
        var (slot, place) = ((int)(cursor & (KeySlot.Count - 1)), cursor >> SlotBits);
        var owned = call.Shard.State.Slots.Owned;
        var isMine = owned[slot] || !IsAnotherShards(call, slot);
        if (isMine && Walk(call, owned, ref slot, ref place, options, client.Gathering.Keys))
        {
            Finish(call);
            ReplyScan(call.Reply, (place << SlotBits) | (uint)slot, client.Gathering.Keys);
            return;
        }

        client.Gathering.Number = isMine ? 1 : -1;
        if (IsLast(call)) ReplyScan(call.Reply, 0, client.Gathering.Keys);
    }

    /// <summary>Whether a shard that is led here and comes later has the slot.</summary>
    private static bool IsAnotherShards(CommandCall call, int slot)
    {
        var later = call.Client!.ShardsVisited;
        foreach (var seat in call.Node.Topology.Led)
            if (later-- < 0 && seat.Machine.State.Slots.Owned[slot]) return true;
        return false;
    }

    /// <summary>Walks until enough was looked at; true when there is more in this shard.</summary>
    private static bool Walk(CommandCall call, SlotSet owned, ref int slot, ref ulong place, in ScanOptions options, List<byte[]> found)
    {
        var homesLeft = options.Count * 10;
        var visitor = new Matching { Pattern = options.Pattern, IsAll = options.IsAll, Kind = options.Kind, Now = call.Now, Found = found };
        while (slot < KeySlot.Count)
        {
            if (!owned[slot] || call.Keyspace.CountIn(slot) == 0)
            {
                (slot, place) = (slot + 1, 0);
                continue;
            }

            place = call.Keyspace.Table(slot).Walk(place, ref visitor);
            if (place == 0) slot++;
            if (visitor.Seen < options.Count && --homesLeft > 0) continue;
            while (place == 0 && slot < KeySlot.Count && (!owned[slot] || call.Keyspace.CountIn(slot) == 0)) slot++;
            return slot < KeySlot.Count;
        }

        return false;
    }

    private static void Finish(CommandCall call) => call.Client!.Gathering.Shards = 0;

    private static void ReplyScan(RespWriter reply, ulong cursor, List<byte[]> keys)
    {
        reply.Array(2);
        reply.Bulk(cursor.ToString(CultureInfo.InvariantCulture));
        ReplyKeys(reply, keys);
    }

    private static void ReplyKeys(RespWriter reply, List<byte[]> keys)
    {
        reply.Array(keys.Count);
        foreach (var key in keys) reply.Bulk(key);
    }

    private ref struct Matching : IRecordVisitor
    {
        public ReadOnlySpan<byte> Pattern;
        public bool IsAll;
        public ValueKind Kind;
        public long Now;
        public int Seen;
        public List<byte[]> Found;

        public void Visit(byte* record)
        {
            Seen++;
            if (Kind != ValueKind.None && KeyRecord.Kind(record) != Kind) return;
            if (KeyRecord.Expiry(record) is >= 0 and var expiry && expiry < Now) return;
            var key = RecordHead.KeyOf(record);
            if (IsAll || Glob.Matches(Pattern, key)) Found.Add(key.ToArray());
        }
    }
}

/// <summary>What stands behind the cursor of SCAN, HSCAN, SSCAN and ZSCAN.</summary>
internal readonly ref struct ScanOptions
{
    public ReadOnlySpan<byte> Pattern { get; init; }

    public bool IsAll { get; init; }

    public long Count { get; init; }

    /// <summary>TYPE; none for any. Unknown is a kind that no key has.</summary>
    public ValueKind Kind { get; init; }

    /// <summary>Parses them; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, int from, bool hasType, out ScanOptions options)
    {
        options = default;
        ReadOnlySpan<byte> pattern = "*"u8;
        var (count, kind) = (10L, ValueKind.None);
        for (var at = from; at < call.Count; at += 2)
        {
            if (call.Is(at, "COUNT"u8) && at + 1 < call.Count)
            {
                if (!call.TryInteger(at + 1, out count)) return false;
                if (count < 1) return Refuse(call);
            }
            else if (call.Is(at, "MATCH"u8) && at + 1 < call.Count) pattern = call[at + 1];
            else if (hasType && call.Is(at, "TYPE"u8) && at + 1 < call.Count) kind = KindOf(call[at + 1]);
            else return Refuse(call);
        }

        options = new ScanOptions { Pattern = pattern, IsAll = pattern.SequenceEqual("*"u8), Count = count, Kind = kind };
        return true;
    }

    private static bool Refuse(CommandCall call)
    {
        call.SyntaxError();
        return false;
    }

    private static ValueKind KindOf(ReadOnlySpan<byte> name)
    {
        foreach (var kind in (ValueKind[])[ValueKind.String, ValueKind.List, ValueKind.Set, ValueKind.SortedSet, ValueKind.Hash, ValueKind.Stream])
            if (Ascii.EqualsIgnoreCase(name, ValueNames.NameOf(kind))) return kind;
        return (ValueKind)255;
    }
}
