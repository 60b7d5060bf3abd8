namespace Holdfast.Keyspace;

/// <summary>How a time to live was said: a unit, and whether it counts from now or is a date.</summary>
internal enum ExpiryForm : byte
{
    None = 0,
    Seconds = 1,
    Milliseconds = 2,
    SecondsDate = 3,
    MillisecondsDate = 4,
}

internal static class ExpiryOption
{
    /// <summary>The form that a word names; none for any other word.</summary>
    public static ExpiryForm FormOf(CommandCall call, int argument) =>
        call.Is(argument, "EX"u8) ? ExpiryForm.Seconds
        : call.Is(argument, "PX"u8) ? ExpiryForm.Milliseconds
        : call.Is(argument, "EXAT"u8) ? ExpiryForm.SecondsDate
        : call.Is(argument, "PXAT"u8) ? ExpiryForm.MillisecondsDate
        : ExpiryForm.None;

    /// <summary>The date that an argument means, ms since the Unix epoch; otherwise the error is the reply. Zero and less are refused.</summary>
    public static bool TryDate(CommandCall call, int argument, ExpiryForm form, out long date)
    {
        date = -1;
        if (!call.TryInteger(argument, out var value)) return false;
        var isSeconds = form is ExpiryForm.Seconds or ExpiryForm.SecondsDate;
        var isRelative = form is ExpiryForm.Seconds or ExpiryForm.Milliseconds;
        if (value <= 0 || (isSeconds && value > long.MaxValue / 1000)) return Refuse(call);
        if (isSeconds) value *= 1000;
        if (isRelative && value > long.MaxValue - call.Now) return Refuse(call);
        date = isRelative ? value + call.Now : value;
        return true;
    }

    private static bool Refuse(CommandCall call)
    {
        call.Reply.Error($"ERR invalid expire time in '{call.Spec.Name}' command");
        return false;
    }
}
