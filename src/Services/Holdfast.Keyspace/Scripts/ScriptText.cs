using System.Text;

namespace Holdfast.Keyspace;

/// <summary>What a script says of itself (flags in its first line, or of a function).</summary>
[Flags]
internal enum ScriptFlags
{
    None = 0,
    NoWrites = 1,
    AllowOom = 2,
    AllowStale = 4,
    NoCluster = 8,
    AllowCrossSlotKeys = 16,

    /// <summary>It has no first line of flags: the rules of before they existed hold.</summary>
    Compatible = 32,
}

internal static class ScriptFlagNames
{
    private static readonly (string Name, ScriptFlags Flag)[] All =
    [
        ("no-writes", ScriptFlags.NoWrites), ("allow-oom", ScriptFlags.AllowOom), ("allow-stale", ScriptFlags.AllowStale), ("no-cluster", ScriptFlags.NoCluster), ("allow-cross-slot-keys", ScriptFlags.AllowCrossSlotKeys),
    ];

    public static bool TryParse(string name, out ScriptFlags flag)
    {
        flag = Array.Find(All, each => each.Name == name).Flag;
        return flag != ScriptFlags.None;
    }

    public static IEnumerable<string> NamesOf(ScriptFlags flags) => All.Where(each => (flags & each.Flag) != 0).Select(each => each.Name);
}

/// <summary>A script as it came: its flags, and its text without the first line of flags (whose end of line stays, so that line numbers are right).</summary>
/// <param name="Flags">What it says of itself.</param>
/// <param name="BodyStart">Where its text begins.</param>
internal readonly record struct ScriptHead(ScriptFlags Flags, int BodyStart)
{
    /// <summary>Reads the head of a script; null and the words of Redis when it is none.</summary>
    public static ScriptHead? Read(ReadOnlySpan<byte> source, out string fault)
    {
        fault = "";
        if (!source.StartsWith("#!"u8)) return new ScriptHead(ScriptFlags.Compatible, 0);
        var end = source.IndexOf((byte)'\n');
        if (end < 0)
        {
            fault = "ERR Invalid script shebang";
            return null;
        }

        var words = Encoding.UTF8.GetString(source[..end]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words[0] != "#!lua")
        {
            fault = $"ERR Unexpected engine in script shebang: {words[0]}";
            return null;
        }

        var flags = ScriptFlags.None;
        foreach (var word in words.Skip(1))
        {
            if (!word.StartsWith("flags=", StringComparison.Ordinal))
            {
                fault = $"ERR Unknown lua shebang option: {word}";
                return null;
            }

            foreach (var name in word["flags=".Length..].Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!ScriptFlagNames.TryParse(name, out var flag))
                {
                    fault = $"ERR Unexpected flag in script shebang: {name}";
                    return null;
                }

                flags |= flag;
            }
        }

        return new ScriptHead(flags, end);
    }
}
