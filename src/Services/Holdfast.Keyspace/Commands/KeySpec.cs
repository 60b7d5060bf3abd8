using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// Where a command's keys are, as Redis 7 describes it: where the search begins (at an index, or behind a keyword), and how keys follow (a range, or a number of them). From "RO access/index 1/range 0 1 0".
/// </summary>
internal sealed class KeySpec
{
    private readonly byte[] keyword = [];

    private KeySpec(string flags, string begin, string find)
    {
        Flags = flags.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Begin = begin.Split(' ');
        How = find.Split(' ');
        if (Begin[0] == "keyword") keyword = Encoding.ASCII.GetBytes(Begin[1]);
    }

    public string[] Flags { get; }

    /// <summary>It has a slot, and is no key (a channel of a shard).</summary>
    public bool IsNoKey => Flags.Contains("not_key");

    /// <summary>What leave of its keys the command needs.</summary>
    public KeyAccess Access => (Flags.Contains("access") ? KeyAccess.Read : KeyAccess.None) | (Flags.Contains("insert") || Flags.Contains("update") || Flags.Contains("delete") ? KeyAccess.Write : KeyAccess.None);

    /// <summary>"index" and the index; "keyword", the word and where the search for it starts; "unknown".</summary>
    public string[] Begin { get; }

    /// <summary>"range", last key, step, limit; "keynum", where the number is, first key, step; "unknown".</summary>
    public string[] How { get; }

    public static KeySpec[] ParseAll(string text)
    {
        if (text.Length == 0) return [];
        return [.. text.Split('&').Select(each => each.Split('/')).Select(parts => new KeySpec(parts[0], parts[1], parts[2]))];
    }

    /// <summary>The first key, the last and the step; zeros when there are none.</summary>
    public (int First, int Last, int Step) Find(RespArguments arguments)
    {
        var at = Start(arguments);
        if (at <= 0 || at >= arguments.Count) return default;
        switch (How[0])
        {
            case "range":
                var (last, step, limit) = (Number(How[1]), Number(How[2]), Number(How[3]));
                if (last >= 0) return (at, at + last, step);
                var end = arguments.Count + last;
                if (limit > 1) end = at + ((arguments.Count - at) / limit) + last;
                return (at, end, step);
            case "keynum":
                var place = at + Number(How[1]);
                if (place >= arguments.Count || !RespNumber.TryParse(arguments[place], out long count) || count <= 0 || count > arguments.Count) return default;
                var (first, stride) = (at + Number(How[2]), Number(How[3]));
                var final = first + ((int)count - 1) * stride;
                return final < arguments.Count ? (first, final, stride) : default;
            default:
                return default;
        }
    }

    private int Start(RespArguments arguments)
    {
        switch (Begin[0])
        {
            case "index": return Number(Begin[1]);
            case "keyword":
                var from = Number(Begin[2]);
                var (begin, step) = from >= 0 ? (from, 1) : (arguments.Count + from, -1);
                for (var at = begin; at > 0 && at < arguments.Count; at += step)
                    if (Ascii.EqualsIgnoreCase(arguments[at], keyword)) return at + 1;
                return 0;
            default: return 0;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
