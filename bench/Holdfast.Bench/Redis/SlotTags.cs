using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Bench.Redis;

/// <summary>Hash tags whose slots a server leads. Found by asking: a server that answers a SET with OK leads its slot, one that is no cluster leads all.</summary>
internal static class SlotTags
{
    private const int TagsTried = 2000;

    /// <summary>How long a server may take until it leads something: a fresh cluster spreads its leaders.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Up to that many tags, as "{t17}".</summary>
    public static string[] LedBy(string endpoint, int wanted)
    {
        for (var since = Stopwatch.StartNew(); since.Elapsed < Patience; Thread.Sleep(200))
            if (Ask(endpoint, wanted) is { Length: > 0 } found) return found;
        throw new InvalidOperationException($"{endpoint} leads no slot");
    }

    private static string[] Ask(string endpoint, int wanted)
    {
        using var link = new RespLink(endpoint);
        var found = new List<string>();
        for (var i = 0; i < TagsTried && found.Count < wanted; i++)
        {
            var tag = string.Create(CultureInfo.InvariantCulture, $"{{t{i}}}");
            link.Send(RespLink.Command("SET", tag, "x"));
            if (link.ReadLine().SequenceEqual("+OK"u8)) found.Add(tag);
        }

        return [.. found];
    }
}
