using System.Globalization;

namespace Holdfast.Keyspace;

/// <summary>What clients may leave unread, by their class (client-output-buffer-limit). There are no replicas among the clients; their limits are kept for tools that set them.</summary>
/// <param name="Normal">Those who ask, and those who watch (MONITOR).</param>
/// <param name="Replica">Redis's replicas.</param>
/// <param name="PubSub">Those who listen to anything.</param>
internal sealed record OutputLimits(OutputLimit Normal, OutputLimit Replica, OutputLimit PubSub)
{
    /// <summary>Redis's defaults.</summary>
    public static readonly OutputLimits Default = new(default, new OutputLimit(256L << 20, 64L << 20, 60), new OutputLimit(32L << 20, 8L << 20, 60));

    /// <summary>Reads "class hard soft seconds …"; classes that are not named stay as they are in <paramref name="before"/>. Null when it is nothing of the kind.</summary>
    public static OutputLimits? Parse(string text, OutputLimits before)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || words.Length % 4 != 0) return null;
        var limits = before;
        for (var i = 0; i < words.Length; i += 4)
        {
            if (!TryBytes(words[i + 1], out var hard) || !TryBytes(words[i + 2], out var soft) || !long.TryParse(words[i + 3], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return null;
            var limit = new OutputLimit(hard, soft, seconds);
            switch (words[i].ToLowerInvariant())
            {
                case "normal": limits = limits with { Normal = limit }; break;
                case "slave" or "replica": limits = limits with { Replica = limit }; break;
                case "pubsub": limits = limits with { PubSub = limit }; break;
                default: return null;
            }
        }

        return limits;
    }

    /// <summary>What is wrong with a text that is no limits, in Redis's words.</summary>
    public static string FaultOf(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || words.Length % 4 != 0) return "Wrong number of arguments in buffer limit configuration.";
        for (var i = 0; i < words.Length; i += 4)
            if (words[i].ToLowerInvariant() is not ("normal" or "slave" or "replica" or "pubsub")) return "Invalid client class specified in buffer limit configuration.";
        return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }

    /// <summary>As CONFIG GET shows them: all classes, in bytes.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"normal {Show(Normal)} slave {Show(Replica)} pubsub {Show(PubSub)}");

    private static string Show(OutputLimit limit) => string.Create(CultureInfo.InvariantCulture, $"{limit.HardBytes} {limit.SoftBytes} {limit.SoftSeconds}");

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
