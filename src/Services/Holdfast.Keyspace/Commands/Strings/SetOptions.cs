namespace Holdfast.Keyspace;

/// <summary>What stands behind SET's value.</summary>
internal readonly record struct SetOptions(bool IfAbsent, bool IfThere, bool Get, bool KeepsLife, long Date)
{
    /// <summary>Parses them; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, out SetOptions options)
    {
        var (nx, xx, get, keep) = (false, false, false, false);
        var form = ExpiryForm.None;
        var dateAt = 0;
        for (var at = 3; at < call.Count; at++)
        {
            var asked = ExpiryOption.FormOf(call, at);
            if (call.Is(at, "NX"u8) && !xx) nx = true;
            else if (call.Is(at, "XX"u8) && !nx) xx = true;
            else if (call.Is(at, "GET"u8)) get = true;
            else if (call.Is(at, "KEEPTTL"u8) && form == ExpiryForm.None) keep = true;
            else if (asked != ExpiryForm.None && !keep && (form == ExpiryForm.None || form == asked) && at + 1 < call.Count) (form, dateAt) = (asked, ++at);
            else
            {
                options = default;
                call.SyntaxError();
                return false;
            }
        }

        var date = -1L;
        var isGood = form == ExpiryForm.None || ExpiryOption.TryDate(call, dateAt, form, out date);
        options = new SetOptions(nx, xx, get, keep, date);
        return isGood;
    }
}
