using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Fields that have expired. Only the leader deletes them, before the command that met the hash or in a round of its own, and logs that as an effect (S13): replicas delete what stands there, whatever their
/// clocks say.
/// </summary>
internal static unsafe class HashExpiry
{
    /// <summary>The effect: the key, from when on another field may expire, and the fields that are gone.</summary>
    public static ReadOnlySpan<byte> EffectName => "hf.hdrop"u8;

    /// <summary>Deletes the fields of a hash that have expired, and logs that.</summary>
    public static void DropFields(CommandCall call, scoped ref KeyPlace place)
    {
        var key = place.Key;
        var gathered = call.Scratch.Gathered;
        gathered.Clear();
        var looking = new Looking { Now = call.Now, Over = gathered, Soonest = long.MaxValue };
        HashValue.Walk(call, place, ref looking);
        var effect = call.Effects;
        effect.Open(3 + gathered.Count);
        effect.Argument(EffectName);
        effect.Argument(key);
        effect.Argument(looking.Soonest);
        var edit = new HashEdit(call, place);
        edit.SetSoonest(looking.Soonest);
        for (var i = 0; i < gathered.Count; i++)
        {
            effect.Argument(gathered[i]);
            edit.Remove(gathered[i]);
        }

        call.Node.Counters.ExpiredFields += gathered.Count;
        var isThere = edit.Save();
        if (gathered.Count > 0)
        {
            call.Shard.Watches.OnChanged(key);
            call.Notify(key, KeyEvents.Hash, "hexpired"u8);
        }

        if (!isThere) call.Notify(key, KeyEvents.Generic, "del"u8);
        place = call.Keyspace.Locate(place.Key, place.Slot);
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
        if (call.Count < 3 || !RespNumber.TryParse(call[2], out long soonest) || !call.TryLocate(1, ValueKind.Hash, out var place) || !place.Exists) return;
        var edit = new HashEdit(call, place);
        edit.SetSoonest(soonest);
        for (var i = 3; i < call.Count; i++) edit.Remove(call[i]);
        edit.Save();
    }

    private struct Looking : IFieldVisitor
    {
        public long Now;
        public GatheredStrings Over;
        public long Soonest;

        public void Visit(in HashField field)
        {
            if (field.IsOver(Now)) Over.Add(field.Name);
            else if (field.Date >= 0) Soonest = Math.Min(Soonest, field.Date);
        }
    }
}
