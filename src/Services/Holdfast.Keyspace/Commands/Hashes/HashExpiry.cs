using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Fields that have expired. Only the leader finds them, before the command that meets the hash or in a round of its own, and logs until when: replicas delete the same ones, for they have the same dates, and never by
/// their own clocks (S13). Of many that have expired together a large hash loses some at a time, by name; the others are not seen meanwhile, and one that a command names goes before it is executed.
/// </summary>
internal static unsafe class HashExpiry
{
    /// <summary>Fields that a round deletes at once.</summary>
    public const int DroppedByRound = 1024;

    /// <summary>Fields that a command deletes which it does not name: it waits for that, and so do all behind it.</summary>
    public const int DroppedByCommand = 128;

    private static readonly Mark DroppedInParts = new("keyspace: fields that expired together were deleted a part at a time", elsewhere: "HashFieldExpiryTests: the simulated clients use registers and transactions only");

    /// <summary>The effect: the key, and the moment; fields whose dates are before it are gone.</summary>
    public static ReadOnlySpan<byte> EffectName => "hf.hdrop"u8;

    /// <summary>Deletes fields of a hash that a command has met, and logs that: all that have expired, or some and those that the command names.</summary>
    public static void DropMet(CommandCall call, scoped ref KeyPlace place) => Drop(call, ref place, DroppedByCommand, isNamed: true);

    /// <summary>Deletes fields of the hash of a record that have expired, and logs that; how many.</summary>
    public static int DropSome(CommandCall call, nint address)
    {
        var record = (byte*)address;
        var key = call.Scratch.Key;
        key.Load(RecordHead.KeyOf(record));
        var place = new KeyPlace(key.Bytes, RecordHead.Hash(record), KeySlot.Of(key.Bytes), record);
        return Drop(call, ref place, DroppedByRound, isNamed: false);
    }

    /// <summary>Replays the effect.</summary>
    public static void Replay(CommandCall call)
    {
        if (call.Count != 3 || !RespNumber.TryParse(call[2], out long moment) || !call.TryLocate(1, ValueKind.Hash, out var place) || !place.Exists) return;
        Gather(call, place, moment, int.MaxValue, out var soonest);
        Remove(call, place, soonest);
    }

    private static int Drop(CommandCall call, scoped ref KeyPlace place, int fieldsMax, bool isNamed)
    {
        var key = place.Key;
        var now = call.Now;
        var over = Gather(call, place, now, fieldsMax, out var soonest);
        if (soonest < now && isNamed) GatherNamed(call, (BigHash)call.Keyspace.BigOf(place), over);
        Log(call, key, over, isAll: soonest >= now);
        var isThere = Remove(call, place, soonest);
        if (over.Count > 0)
        {
            call.Node.Counters.ExpiredFields += over.Count;
            call.Shard.Watches.OnChanged(key);
            call.Notify(key, KeyEvents.Hash, "hexpired"u8);
        }

        if (!isThere) call.Notify(key, KeyEvents.Generic, "del"u8);
        place = call.Keyspace.Locate(key, place.Slot);
        return over.Count;
    }

    /// <summary>Gathers the names of fields whose dates are before a moment: of a large hash the first ones to expire, up to so many. When the first of the others expires: before that moment, if some were left.</summary>
    private static GatheredStrings Gather(CommandCall call, in KeyPlace place, long moment, int fieldsMax, out long soonest)
    {
        var over = call.Scratch.Gathered;
        over.Clear();
        if (place.IsBig)
        {
            soonest = ((BigHash)call.Keyspace.BigOf(place)).GatherOver(moment, fieldsMax, over);
            return over;
        }

        var looking = new Looking { Moment = moment, Over = over, Soonest = long.MaxValue };
        HashValue.WalkHeld(call.Keyspace, place, ref looking);
        soonest = looking.Soonest;
        return over;
    }

    /// <summary>Of the others, those that the command names: it would take them for fields that are there. (An argument that is no name, and happens to be one, does no harm.)</summary>
    private static void GatherNamed(CommandCall call, BigHash hash, GatheredStrings over)
    {
        DroppedInParts.Hit();
        for (var i = 2; i < call.Count; i++)
        {
            var record = hash.Find(call[i]);
            if (record is not null && FieldRecord.FieldOf(record).IsOver(call.Now)) over.Add(call[i]);
        }
    }

    private static void Log(CommandCall call, ReadOnlySpan<byte> key, GatheredStrings over, bool isAll)
    {
        var effect = call.Effects;
        effect.Open(isAll ? 3 : 2 + over.Count);
        effect.Argument(isAll ? EffectName : "HDEL"u8);
        effect.Argument(key);
        if (isAll) effect.Argument(call.Now);
        for (var i = 0; !isAll && i < over.Count; i++) effect.Argument(over[i]);
    }

    /// <summary>Removes what was gathered; true when the key is there afterwards.</summary>
    private static bool Remove(CommandCall call, KeyPlace place, long soonest)
    {
        var over = call.Scratch.Gathered;
        var edit = new HashEdit(call, place);
        edit.SetSoonest(soonest);
        for (var i = 0; i < over.Count; i++) edit.Remove(over[i]);
        return edit.Save();
    }

    private struct Looking : IFieldVisitor
    {
        public long Moment;
        public GatheredStrings Over;
        public long Soonest;

        public void Visit(in HashField field)
        {
            if (field.IsOver(Moment)) Over.Add(field.Name);
            else if (field.Date >= 0) Soonest = Math.Min(Soonest, field.Date);
        }
    }
}
