namespace Holdfast.Keyspace;

/// <summary>Times to live.</summary>
internal sealed class ExpiryCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("expire", call => Expire(call, ExpiryForm.Seconds), "Sets a key's time to live in seconds");
        table.Bind("pexpire", call => Expire(call, ExpiryForm.Milliseconds), "Sets a key's time to live in milliseconds");
        table.Bind("expireat", call => Expire(call, ExpiryForm.SecondsDate), "Sets when a key expires, in seconds since 1970");
        table.Bind("pexpireat", call => Expire(call, ExpiryForm.MillisecondsDate), "Sets when a key expires, in milliseconds since 1970");
        table.Bind("ttl", call => Life(call, isDate: false, 1000), "Returns a key's time to live in seconds");
        table.Bind("pttl", call => Life(call, isDate: false, 1), "Returns a key's time to live in milliseconds");
        table.Bind("expiretime", call => Life(call, isDate: true, 1000), "Returns when a key expires, in seconds since 1970");
        table.Bind("pexpiretime", call => Life(call, isDate: true, 1), "Returns when a key expires, in milliseconds since 1970");
        table.Bind("persist", Persist, "Takes a key's time to live away");
    }

    private static void Expire(CommandCall call, ExpiryForm form)
    {
        if (!TryConditions(call, out var conditions) || !TryDate(call, form, out var date)) return;
        var place = call.Locate(1);
        if (!place.Exists || !Holds(conditions, place.Expiry, date))
        {
            call.Reply.Integer(0);
            return;
        }

        if (date <= call.Now)
        {
            call.Keyspace.Remove(ref place);
            call.Changed(place.Key, KeyEvents.Generic, "del"u8);
        }
        else
        {
            call.Keyspace.SetExpiry(ref place, date);
            call.Changed(place.Key, KeyEvents.Generic, "expire"u8);
        }

        call.Reply.Integer(1);
    }

    [Flags]
    private enum Conditions : byte
    {
        None = 0,
        OnlyWithout = 1,
        OnlyWith = 2,
        OnlyLater = 4,
        OnlySooner = 8,
    }

    private static bool TryConditions(CommandCall call, out Conditions conditions)
    {
        conditions = Conditions.None;
        for (var at = 3; at < call.Count; at++)
        {
            if (call.Is(at, "NX"u8)) conditions |= Conditions.OnlyWithout;
            else if (call.Is(at, "XX"u8)) conditions |= Conditions.OnlyWith;
            else if (call.Is(at, "GT"u8)) conditions |= Conditions.OnlyLater;
            else if (call.Is(at, "LT"u8)) conditions |= Conditions.OnlySooner;
            else
            {
                call.Reply.Error($"ERR Unsupported option {System.Text.Encoding.UTF8.GetString(call[at])}");
                return false;
            }
        }

        if (conditions.HasFlag(Conditions.OnlyWithout) && conditions != Conditions.OnlyWithout)
        {
            call.Reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible"u8);
            return false;
        }

        if (!conditions.HasFlag(Conditions.OnlyLater | Conditions.OnlySooner)) return true;
        call.Reply.Error("ERR GT and LT options at the same time are not compatible"u8);
        return false;
    }

    private static bool Holds(Conditions conditions, long before, long date) =>
        !(conditions.HasFlag(Conditions.OnlyWithout) && before >= 0) && !(conditions.HasFlag(Conditions.OnlyWith) && before < 0)
        && !(conditions.HasFlag(Conditions.OnlyLater) && (before < 0 || date <= before)) && !(conditions.HasFlag(Conditions.OnlySooner) && before >= 0 && date >= before);

    /// <summary>The date in ms; unlike SET, what has passed is allowed: it deletes.</summary>
    private static bool TryDate(CommandCall call, ExpiryForm form, out long date)
    {
        if (!call.TryInteger(2, out date)) return false;
        var isSeconds = form is ExpiryForm.Seconds or ExpiryForm.SecondsDate;
        var basis = form is ExpiryForm.Seconds or ExpiryForm.Milliseconds ? call.Now : 0;
        if (!(isSeconds && (date > long.MaxValue / 1000 || date < long.MinValue / 1000)))
        {
            if (isSeconds) date *= 1000;
            if (date <= long.MaxValue - basis)
            {
                date += basis;
                return true;
            }
        }

        call.Reply.Error($"ERR invalid expire time in '{call.Spec.Name}' command");
        return false;
    }

    private static void Life(CommandCall call, bool isDate, int unit)
    {
        var place = call.Locate(1);
        if (!place.Exists) call.Reply.Integer(-2);
        else if (place.Expiry < 0) call.Reply.Integer(-1);
        else call.Reply.Integer(isDate ? place.Expiry / unit : (Math.Max(0, place.Expiry - call.Now) + (unit / 2)) / unit);
    }

    private static void Persist(CommandCall call)
    {
        var place = call.Locate(1);
        if (place.Expiry < 0)
        {
            call.Reply.Integer(0);
            return;
        }

        call.Keyspace.SetExpiry(ref place, -1);
        call.Changed(place.Key, KeyEvents.Generic, "persist"u8);
        call.Reply.Integer(1);
    }
}
