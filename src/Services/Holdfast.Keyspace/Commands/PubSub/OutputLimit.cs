using System.Globalization;

namespace Holdfast.Keyspace;

/// <summary>What subscribers may leave unread (client-output-buffer-limit pubsub): beyond the hard limit they are cut off at once, beyond the soft one after so many seconds. Zero is no limit.</summary>
/// <param name="HardBytes">The hard limit.</param>
/// <param name="SoftBytes">The soft limit.</param>
/// <param name="SoftSeconds">How long the soft limit may be exceeded.</param>
internal readonly record struct OutputLimit(long HardBytes, long SoftBytes, long SoftSeconds)
{
    /// <summary>Redis's default for subscribers.</summary>
    public static readonly OutputLimit PubSub = new(32L * 1024 * 1024, 8L * 1024 * 1024, 60);

    /// <summary>Reads "class hard soft seconds …" and takes the part for subscribers; false when it is nothing of the kind.</summary>
    public static bool TryParse(string text, ref OutputLimit limit)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length % 4 != 0) return false;
        var parsed = limit;
        for (var i = 0; i < words.Length; i += 4)
        {
            if (words[i] is not ("normal" or "slave" or "replica" or "pubsub")) return false;
            if (!TryBytes(words[i + 1], out var hard) || !TryBytes(words[i + 2], out var soft) || !long.TryParse(words[i + 3], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return false;
            if (words[i] == "pubsub") parsed = new OutputLimit(hard, soft, seconds);
        }

        limit = parsed;
        return true;
    }

    private static bool TryBytes(string text, out long bytes)
    {
        var unit = text.ToLowerInvariant() switch
        {
            var t when t.EndsWith("gb", StringComparison.Ordinal) => 1L << 30,
            var t when t.EndsWith("mb", StringComparison.Ordinal) => 1L << 20,
            var t when t.EndsWith("kb", StringComparison.Ordinal) => 1L << 10,
            _ => 1,
        };
        return long.TryParse(unit == 1 ? text : text[..^2], NumberStyles.None, CultureInfo.InvariantCulture, out bytes) && bytes <= long.MaxValue / unit && (bytes *= unit) >= 0;
    }
}
