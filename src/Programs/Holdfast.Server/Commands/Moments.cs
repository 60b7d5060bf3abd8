using System.Globalization;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Commands;

/// <summary>Moments as people write them: 2026-11-27T06:00:00Z, or how long ago (-10m). And as verbs print them.</summary>
internal static class Moments
{
    /// <summary>Reads one, in microseconds since the Unix epoch. Without a zone it is UTC.</summary>
    /// <exception cref="ArgumentException">It is no moment.</exception>
    public static long Parse(string text)
    {
        if (text.StartsWith('-') && GoDuration.TryParse(text[1..], TimeSpan.FromSeconds(1), out var ago)) return Micros(DateTimeOffset.UtcNow - ago);
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)) return Micros(moment);
        throw new ArgumentException($"\"{text}\" is no moment: write 2026-11-27T06:00:00Z, or how long ago, such as -10m");
    }

    /// <summary>A moment in UTC, to the millisecond; empty for 0.</summary>
    public static string Text(long micros) => micros == 0 ? "" : DateTimeOffset.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static long Micros(DateTimeOffset moment) => (moment - DateTimeOffset.UnixEpoch).Ticks / 10;
}
