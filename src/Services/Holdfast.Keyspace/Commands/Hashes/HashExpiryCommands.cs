using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Times to live of single fields, as Redis 7.4 has them: built from its documentation, for 7.0.15 knows none.</summary>
internal sealed class HashExpiryCommands : ICommandFamily
{
    /// <summary>Dates beyond this many ms since the Unix epoch are refused: 46 bits, as in Redis.</summary>
    private const long DateMax = (1L << 46) - 1;

    private const long NoField = -2;
    private const long NoDate = -1;
    private const long ConditionFailed = 0;
    private const long Done = 1;
    private const long Deleted = 2;

    private enum Condition : byte
    {
        None = 0,
        OnlyWithout = 1,
        OnlyWith = 2,
        OnlyLater = 3,
        OnlySooner = 4,
    }

    public void Bind(CommandTable table)
    {
        table.AddInternal(System.Text.Encoding.ASCII.GetString(HashExpiry.EffectName), HashExpiry.Replay);
        table.Bind("hexpire", call => Expire(call, 1000, isDate: false), "Sets the time to live of fields of a hash in seconds");
        table.Bind("hpexpire", call => Expire(call, 1, isDate: false), "Sets the time to live of fields of a hash in milliseconds");
        table.Bind("hexpireat", call => Expire(call, 1000, isDate: true), "Sets when fields of a hash expire, in seconds since 1970");
        table.Bind("hpexpireat", call => Expire(call, 1, isDate: true), "Sets when fields of a hash expire, in milliseconds since 1970");
        table.Bind("httl", call => Life(call, 1000, isDate: false), "Returns the time to live of fields of a hash in seconds");
        table.Bind("hpttl", call => Life(call, 1, isDate: false), "Returns the time to live of fields of a hash in milliseconds");
        table.Bind("hexpiretime", call => Life(call, 1000, isDate: true), "Returns when fields of a hash expire, in seconds since 1970");
        table.Bind("hpexpiretime", call => Life(call, 1, isDate: true), "Returns when fields of a hash expire, in milliseconds since 1970");
        table.Bind("hpersist", Persist, "Takes the time to live of fields of a hash away");
    }

    private static void Expire(CommandCall call, int unit, bool isDate)
    {
        if (!call.TryLocateHash(1, out var place) || !TryDate(call, unit, isDate, out var date)) return;
        var condition = call.Is(3, "NX"u8) ? Condition.OnlyWithout : call.Is(3, "XX"u8) ? Condition.OnlyWith : call.Is(3, "GT"u8) ? Condition.OnlyLater : call.Is(3, "LT"u8) ? Condition.OnlySooner : Condition.None;
        if (!TryFields(call, condition == Condition.None ? 3 : 4, out var first)) return;
        if (!place.Exists)
        {
            ReplyNoFields(call, first);
            return;
        }

        var edit = new HashEdit(call, place);
        var (dated, deleted) = (0, 0);
        call.Reply.Array(call.Count - first);
        for (var i = first; i < call.Count; i++)
        {
            var outcome = SetDate(ref edit, call[i], condition, date, call.Now);
            if (outcome == Done) dated++;
            if (outcome == Deleted) deleted++;
            call.Reply.Integer(outcome);
        }

        if (dated + deleted == 0) return;
        var isThere = edit.Save();
        if (dated > 0) call.Changed(call[1], KeyEvents.Hash, "hexpire"u8, dated);
        if (deleted > 0) call.Changed(call[1], KeyEvents.Hash, "hdel"u8, deleted);
        if (!isThere) call.Notify(call[1], KeyEvents.Generic, "del"u8);
    }

    private static long SetDate(ref HashEdit edit, ReadOnlySpan<byte> name, Condition condition, long date, long now)
    {
        if (!edit.TryGet(name, out var field)) return NoField;
        var before = field.Date;
        var holds = condition switch
        {
            Condition.OnlyWithout => before < 0,
            Condition.OnlyWith => before >= 0,
            Condition.OnlyLater => before >= 0 && date > before,
            Condition.OnlySooner => before < 0 || date < before,
            _ => true,
        };
        if (!holds) return ConditionFailed;
        if (date <= now)
        {
            edit.Remove(name);
            return Deleted;
        }

        edit.SetDate(name, date);
        return Done;
    }

    private static void Life(CommandCall call, int unit, bool isDate)
    {
        if (!call.TryLocateHash(1, out var place) || !TryFields(call, 2, out var first)) return;
        if (!place.Exists)
        {
            ReplyNoFields(call, first);
            return;
        }

        call.Reply.Array(call.Count - first);
        for (var i = first; i < call.Count; i++)
        {
            if (!HashValue.TryGet(call, place, call[i], out var field)) call.Reply.Integer(NoField);
            else if (field.Date < 0) call.Reply.Integer(NoDate);
            else call.Reply.Integer(((isDate ? field.Date : field.Date - call.Now) + unit - 1) / unit);
        }
    }

    private static void Persist(CommandCall call)
    {
        if (!call.TryLocateHash(1, out var place) || !TryFields(call, 2, out var first)) return;
        if (!place.Exists)
        {
            ReplyNoFields(call, first);
            return;
        }

        var edit = new HashEdit(call, place);
        var persisted = 0;
        call.Reply.Array(call.Count - first);
        for (var i = first; i < call.Count; i++)
        {
            if (!edit.TryGet(call[i], out var field)) call.Reply.Integer(NoField);
            else if (field.Date < 0) call.Reply.Integer(NoDate);
            else
            {
                edit.SetDate(call[i], -1);
                persisted++;
                call.Reply.Integer(Done);
            }
        }

        if (persisted == 0) return;
        edit.Save();
        call.Changed(call[1], KeyEvents.Hash, "hpersist"u8, persisted);
    }

    private static bool TryDate(CommandCall call, int unit, bool isDate, out long date)
    {
        if (!call.TryInteger(2, out date)) return false;
        if (date < 0)
        {
            call.Reply.Error("ERR invalid expire time, must be >= 0"u8);
            return false;
        }

        var basis = isDate ? 0 : call.Now;
        if (date <= DateMax / unit && date * unit <= DateMax - basis)
        {
            date = (date * unit) + basis;
            return true;
        }

        call.Reply.Error($"ERR invalid expire time in '{call.Spec.Name}' command");
        return false;
    }

    /// <summary>The word FIELDS, a number and so many fields; otherwise the error is the reply.</summary>
    private static bool TryFields(CommandCall call, int at, out int first)
    {
        first = at + 2;
        if (!call.Is(at, "FIELDS"u8)) call.Reply.Error("ERR Mandatory argument FIELDS is missing or not at the right position"u8);
        else if (at + 1 >= call.Count || !RespNumber.TryParse(call[at + 1], out long number) || number < 1) call.Reply.Error("ERR Parameter `numFields` should be greater than 0"u8);
        else if (number != call.Count - first) call.Reply.Error("ERR The `numfields` parameter must match the number of arguments"u8);
        else return true;
        return false;
    }

    private static void ReplyNoFields(CommandCall call, int first)
    {
        call.Reply.Array(call.Count - first);
        for (var i = first; i < call.Count; i++) call.Reply.Integer(NoField);
    }
}
