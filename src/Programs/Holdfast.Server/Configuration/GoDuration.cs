using System.Globalization;

namespace Holdfast.Server.Configuration;

/// <summary>A span of time as Go writes it: <c>1h30m</c>, <c>500ms</c>.</summary>
internal static class GoDuration
{
    /// <summary>Reads one; a bare number counts in <paramref name="bareUnit"/>.</summary>
    public static bool TryParse(string text, TimeSpan bareUnit, out TimeSpan time)
    {
        time = TimeSpan.Zero;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var bare))
        {
            time = bareUnit * bare;
            return true;
        }

        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            var digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny("0123456789.");
            var unit = letters < 0 ? rest : rest[..letters];
            rest = rest[unit.Length..];
            TimeSpan? one = unit switch { "h" => TimeSpan.FromHours(1), "m" => TimeSpan.FromMinutes(1), "s" => TimeSpan.FromSeconds(1), "ms" => TimeSpan.FromMilliseconds(1), _ => null };
            if (one is null) return false;
            time += one.Value * amount;
        }

        return text.Length > 0;
    }
}
