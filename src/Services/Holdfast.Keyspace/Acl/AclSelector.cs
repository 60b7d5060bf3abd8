using System.Collections;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What a rule lets its holder do with keys of a pattern.</summary>
[Flags]
internal enum KeyAccess : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    All = 3,
}

/// <summary>Why something was refused; the later, the nearer it came to being allowed.</summary>
internal enum AclVerdict : byte
{
    Allowed = 0,
    Command = 1,
    Key = 2,
    Authentication = 3,
    Channel = 4,
}

/// <summary>Which commands, keys and channels: a user has one of these of his own, and may have more in parentheses. Patterns are bytes as Latin-1 text.</summary>
internal sealed class AclSelector(CommandTable table)
{
    private readonly BitArray allowed = new(table.SpecCount);
    private readonly SortedDictionary<string, List<string>> firstArguments = new(StringComparer.Ordinal);
    private readonly List<(KeyAccess Access, byte[] Pattern)> keys = [];
    private readonly List<byte[]> channels = [];

    /// <summary>Every command, those of the future included.</summary>
    public bool HasAllCommands { get; private set; }

    public bool HasAllKeys { get; private set; }

    public bool HasAllChannels { get; private set; }

    public bool IsUnlimited => HasAllCommands && HasAllKeys && HasAllChannels;

    /// <summary>Takes a rule; false with the words of Redis when it is none.</summary>
    public bool TryApply(string rule, out string fault)
    {
        fault = "";
        switch (rule.ToLowerInvariant())
        {
            case "allkeys" or "~*": HasAllKeys = true; keys.Clear(); return true;
            case "resetkeys": HasAllKeys = false; keys.Clear(); return true;
            case "allchannels" or "&*": HasAllChannels = true; channels.Clear(); return true;
            case "resetchannels": HasAllChannels = false; channels.Clear(); return true;
            case "allcommands" or "+@all": SetAll(true); return true;
            case "nocommands" or "-@all": SetAll(false); return true;
        }

        if (rule.Length > 0 && rule[0] is '~' or '%') return TryAddKeys(rule, out fault);
        if (rule.StartsWith('&')) return TryAddChannel(rule[1..], out fault);
        if (rule.StartsWith("+@", StringComparison.Ordinal) || rule.StartsWith("-@", StringComparison.Ordinal)) return TrySetCategory(rule[2..].ToLowerInvariant(), rule[0] == '+', out fault);
        if (rule.Length > 1 && rule[0] is '+' or '-') return TrySetCommand(rule[1..], rule[0] == '+', out fault);
        fault = "Syntax error";
        return false;
    }

    /// <summary>Whether this allows a command with its arguments.</summary>
    public AclVerdict Check(CommandSpec spec, RespArguments words, List<int> places, out string denied)
    {
        denied = "";
        if (!AllowsCommand(spec, words)) return AclVerdict.Command;
        if (!HasAllKeys && spec.HasKeys)
        {
            spec.FindKeys(words, places);
            foreach (var place in places)
            {
                if (AllowsKey(words[place], spec.AccessOf(words, place))) continue;
                denied = Encoding.Latin1.GetString(words[place]);
                return AclVerdict.Key;
            }
        }

        if (HasAllChannels || !Channels(spec.Name, words, out var first, out var last, out var isPattern)) return AclVerdict.Allowed;
        for (var at = first; at < last; at++)
        {
            if (AllowsChannel(words[at], isPattern)) continue;
            denied = Encoding.Latin1.GetString(words[at]);
            return AclVerdict.Channel;
        }

        return AclVerdict.Allowed;
    }

    /// <summary>Its rules in the form of ACL LIST.</summary>
    public string Describe()
    {
        var parts = new List<string>();
        if (HasAllKeys) parts.Add("~*");
        else if (keys.Count > 0) parts.Add(DescribeKeys());
        if (HasAllChannels) parts.Add("&*");
        else parts.Add(channels.Count > 0 ? "resetchannels " + DescribeChannels() : "resetchannels");
        parts.Add(DescribeCommands());
        return string.Join(' ', parts);
    }

    public string DescribeKeys() => HasAllKeys ? "~*" : string.Join(' ', keys.Select(key => (key.Access switch { KeyAccess.Read => "%R~", KeyAccess.Write => "%W~", _ => "~" }) + Encoding.Latin1.GetString(key.Pattern)));

    public string DescribeChannels() => HasAllChannels ? "&*" : string.Join(' ', channels.Select(channel => "&" + Encoding.Latin1.GetString(channel)));

    /// <summary>The commands as few rules: from all or nothing by the categories that fit best, then the commands that still differ (as Redis 7.0 does).</summary>
    public string DescribeCommands()
    {
        var rules = new List<string> { HasAllCommands || IsFuture ? "+@all" : "-@all" };
        var adds = !IsFuture;
        var told = new BitArray(allowed.Length, !adds);
        var left = new BitArray(allowed);
        var applied = new HashSet<string>();
        while (BestCategory(left, adds, applied) is { } best)
        {
            applied.Add(best);
            rules.Add((adds ? "+@" : "-@") + best);
            foreach (var spec in table.Specs.Where(spec => spec.Categories.Contains(best)))
            {
                told[spec.Id] = adds;
                left[spec.Id] = !adds;
            }
        }

        foreach (var isOn in (bool[])[true, false])
            foreach (var spec in table.Specs)
                if (allowed[spec.Id] == isOn && told[spec.Id] != isOn) AddRule(rules, spec, isOn, told);
        foreach (var (name, arguments) in firstArguments) rules.AddRange(arguments.Select(argument => $"+{name}|{argument}"));
        return string.Join(' ', rules);
    }

    private void AddRule(List<string> rules, CommandSpec spec, bool isOn, BitArray told)
    {
        rules.Add((isOn ? "+" : "-") + spec.Name);
        told[spec.Id] = isOn;
        foreach (var sub in spec.Subcommands?.Values ?? Enumerable.Empty<CommandSpec>()) told[sub.Id] = isOn;
    }

    /// <summary>It began with everything: what comes later is allowed too.</summary>
    private bool IsFuture { get; set; }

    private string? BestCategory(BitArray left, bool adds, HashSet<string> applied)
    {
        var (best, least, most) = (default(string), int.MaxValue, 0);
        foreach (var category in AclCategories.All)
        {
            if (applied.Contains(category)) continue;
            var (on, off) = (0, 0);
            foreach (var spec in table.Specs)
            {
                if (!spec.Categories.Contains(category)) continue;
                if (left[spec.Id]) on++;
                else off++;
            }

            var (differ, same) = adds ? (off, on) : (on, off);
            if (same > differ && (differ < least || (differ == least && same > most))) (best, least, most) = (category, differ, same);
        }

        return best;
    }

    private bool AllowsCommand(CommandSpec spec, RespArguments words)
    {
        if (HasAllCommands || spec.Has(CommandFlags.NoAuth) || allowed[spec.Id]) return true;
        var at = spec.Name.Contains('|', StringComparison.Ordinal) ? 2 : 1;
        if (words.Count <= at || !firstArguments.TryGetValue(spec.Name, out var arguments)) return false;
        foreach (var argument in arguments)
            if (Ascii.EqualsIgnoreCase(words[at], argument)) return true;
        return false;
    }

    private bool AllowsKey(ReadOnlySpan<byte> key, KeyAccess access)
    {
        foreach (var (granted, pattern) in keys)
            if ((granted & access) == access && Glob.Matches(pattern, key)) return true;
        return false;
    }

    /// <summary>Whether one of its patterns allows a channel; a pattern is allowed as it stands only.</summary>
    public bool AllowsChannel(ReadOnlySpan<byte> channel, bool isPattern)
    {
        foreach (var pattern in channels)
            if (isPattern ? channel.SequenceEqual(pattern) : Glob.Matches(pattern, channel)) return true;
        return false;
    }

    private static bool Channels(string name, RespArguments words, out int first, out int last, out bool isPattern)
    {
        (first, last, isPattern) = (1, words.Count, name == "psubscribe");
        if (name is "publish" or "spublish") last = 2;
        return name is "publish" or "spublish" or "subscribe" or "psubscribe" or "ssubscribe";
    }

    private void SetAll(bool isOn)
    {
        allowed.SetAll(isOn);
        firstArguments.Clear();
        HasAllCommands = IsFuture = isOn;
    }

    private bool TryAddKeys(string rule, out string fault)
    {
        fault = "";
        var (access, at) = (KeyAccess.All, 1);
        if (HasAllKeys && rule is not ("~*" or "%RW~*" or "%WR~*"))
        {
            fault = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns";
            return false;
        }

        if (rule[0] == '%')
        {
            access = KeyAccess.None;
            for (; at < rule.Length && rule[at] != '~'; at++)
            {
                access |= (rule[at] | 0x20) switch { 'r' => KeyAccess.Read, 'w' => KeyAccess.Write, _ => (KeyAccess)0x80 };
                if (access > KeyAccess.All) break;
            }

            if (at >= rule.Length || access is KeyAccess.None or > KeyAccess.All || rule[at++] != '~')
            {
                fault = "Syntax error";
                return false;
            }
        }

        if (rule[at..] == "*" && access == KeyAccess.All) return TryApply("allkeys", out fault);
        if (HasBlank(rule))
        {
            fault = "Syntax error";
            return false;
        }

        var pattern = Encoding.Latin1.GetBytes(rule[at..]);
        var known = keys.FindIndex(key => key.Pattern.AsSpan().SequenceEqual(pattern));
        if (known >= 0) keys[known] = (keys[known].Access | access, pattern);
        else keys.Add((access, pattern));
        return true;
    }

    private bool TryAddChannel(string pattern, out string fault)
    {
        fault = HasAllChannels ? "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels" : HasBlank(pattern) ? "Syntax error" : "";
        if (fault.Length > 0) return false;
        var bytes = Encoding.Latin1.GetBytes(pattern);
        if (!channels.Exists(channel => channel.AsSpan().SequenceEqual(bytes))) channels.Add(bytes);
        return true;
    }

    private static bool HasBlank(string text) => text.Any(letter => letter is ' ' or '\0' or (>= '\t' and <= '\r'));

    private bool TrySetCategory(string category, bool isOn, out string fault)
    {
        fault = AclCategories.All.Contains(category) ? "" : "Unknown command or category name in ACL";
        if (fault.Length > 0) return false;
        foreach (var spec in table.Specs)
            if (spec.Categories.Contains(category)) Set(spec, isOn);
        if (!isOn) HasAllCommands = false;
        return true;
    }

    private void Set(CommandSpec spec, bool isOn)
    {
        allowed[spec.Id] = isOn;
        firstArguments.Remove(spec.Name);
    }

    private bool TrySetCommand(string name, bool isOn, out string fault)
    {
        fault = "";
        var parts = name.ToLowerInvariant().Split('|', 2);
        if (parts[0].Length > 64 || table.Find(Encoding.Latin1.GetBytes(parts[0])) is not { IsInternal: false } spec) return Unknown(out fault);
        if (parts.Length == 1)
        {
            Set(spec, isOn);
            foreach (var sub in spec.Subcommands?.Values ?? Enumerable.Empty<CommandSpec>()) Set(sub, isOn);
        }
        else if (spec.Subcommands is { } subcommands)
        {
            if (parts[1].IndexOf('|', StringComparison.Ordinal) is > 0 and var bar && subcommands.ContainsKey(parts[1][..bar]))
            {
                fault = "Allowing first-arg of a subcommand is not supported";
                return false;
            }

            if (!subcommands.TryGetValue(parts[1], out var sub)) return Unknown(out fault);
            Set(sub, isOn);
        }
        else if (parts[1].Length == 0)
        {
            fault = "Syntax error";
            return false;
        }
        else if (!isOn || parts[1].Contains('|', StringComparison.Ordinal))
        {
            return Unknown(out fault);
        }
        else if (!allowed[spec.Id])
        {
            if (!firstArguments.TryGetValue(spec.Name, out var arguments)) firstArguments[spec.Name] = arguments = [];
            if (!arguments.Contains(parts[1])) arguments.Add(parts[1]);
        }

        if (!isOn) HasAllCommands = false;
        return true;
    }

    private static bool Unknown(out string fault)
    {
        fault = "Unknown command or category name in ACL";
        return false;
    }
}

/// <summary>The categories of commands, in Redis's order.</summary>
internal static class AclCategories
{
    public static IReadOnlyList<string> All { get; } =
    [
        "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
    ];
}
