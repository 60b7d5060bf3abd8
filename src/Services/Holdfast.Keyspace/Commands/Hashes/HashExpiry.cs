using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Fields that have expired. Only the leader finds them, before the command that meets the hash or in a round of its own, and logs until when: replicas delete the same ones, for they have the same dates, and never by
/// their own clocks (S13).
/// </summary>
internal static unsafe class HashExpiry
{
    /// <summary>The effect: the key, and the moment; fields whose dates are before it are gone.</summary>
    public static ReadOnlySpan<byte> EffectName => "hf.hdrop"u8;

    /// <summary>Deletes the fields of a hash that have expired, and logs that.</summary>
    public static void DropFields(CommandCall call, scoped ref KeyPlace place)
    {
        var key = place.Key;
        var effect = call.Effects;
        effect.Open(3);
        effect.Argument(EffectName);
        effect.Argument(key);
        effect.Argument(call.Now);
        var dropped = Drop(call, place, call.Now, out var isThere);
        if (dropped > 0)
        {
            call.Node.Counters.ExpiredFields += dropped;
            call.Shard.Watches.OnChanged(key);
            call.Notify(key, KeyEvents.Hash, "hexpired"u8);
        }

        if (!isThere) call.Notify(key, KeyEvents.Generic, "del"u8);
        place = call.Keyspace.Locate(key, place.Slot);
    }

    /// <summary>As <see cref="DropFields(CommandCall, ref KeyPlace)"/>, of the hash of a record.</summary>
    public static void DropFields(CommandCall call, nint address)
    {
        var record = (byte*)address;
        var key = call.Scratch.Key;
        key.Load(RecordHead.KeyOf(record));
        var place = new KeyPlace(key.Bytes, RecordHead.Hash(record), KeySlot.Of(key.Bytes), record);
        DropFields(call, ref place);
    }

    /// <summary>Replays the effect.</summary>
    public static void Replay(CommandCall call)
    {
        if (call.Count != 3 || !RespNumber.TryParse(call[2], out long moment) || !call.TryLocate(1, ValueKind.Hash, out var place) || !place.Exists) return;
        Drop(call, place, moment, out _);
    }

    private static int Drop(CommandCall call, KeyPlace place, long moment, out bool isThere)
    {
        var gathered = call.Scratch.Gathered;
        gathered.Clear();
        var looking = new Looking { Moment = moment, Over = gathered, Soonest = long.MaxValue };
        HashValue.Walk(call, place, ref looking);
        var edit = new HashEdit(call, place);
        edit.SetSoonest(looking.Soonest);
        for (var i = 0; i < gathered.Count; i++) edit.Remove(gathered[i]);
        isThere = edit.Save();
        return gathered.Count;
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
