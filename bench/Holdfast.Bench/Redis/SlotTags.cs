using System.Globalization;

namespace Holdfast.Bench.Redis;

/// <summary>Hash tags whose slots a server leads. Found by asking: a server that answers a SET with OK leads its slot, one that is no cluster leads all.</summary>
internal static class SlotTags
{
    private const int TagsTried = 2000;

    /// <summary>Up to that many tags, as "{t17}".</summary>
    public static string[] LedBy(string endpoint, int wanted)
    {
        using var link = new RespLink(endpoint);
        var found = new List<string>();
        for (var i = 0; i < TagsTried && found.Count < wanted; i++)
        {
            var tag = string.Create(CultureInfo.InvariantCulture, $"{{t{i}}}");
            link.Send(RespLink.Command("SET", tag, "x"));
            if (link.ReadLine().SequenceEqual("+OK"u8)) found.Add(tag);
        }

        if (found.Count == 0) throw new InvalidOperationException($"{endpoint} leads no slot");
        return [.. found];
    }
}
