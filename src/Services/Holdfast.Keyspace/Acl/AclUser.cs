using System.Security.Cryptography;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Someone who may sign in, and what he may do then. Built from rules, and never changed once it is in use.</summary>
internal sealed class AclUser
{
    public const string Default = "default";

    private readonly CommandTable table;
    private readonly List<string> passwords = [];
    private readonly List<AclSelector> selectors;
    private string sanitizing = "";

    public AclUser(string name, CommandTable table)
    {
        (Name, this.table) = (name, table);
        selectors = [new AclSelector(table)];
    }

    public string Name { get; }

    public bool IsOn { get; private set; }

    public bool HasNoPassword { get; private set; }

    /// <summary>His commands for other nodes' keys are forwarded there (a rule of ours).</summary>
    public bool IsForwarded { get; private set; }

    /// <summary>SHA-256 of each password, in hex.</summary>
    public IReadOnlyList<string> Passwords => passwords;

    /// <summary>His own rules first, then those in parentheses.</summary>
    public IReadOnlyList<AclSelector> Selectors => selectors;

    /// <summary>Nothing needs to be looked at.</summary>
    public bool IsUnlimited => selectors[0].IsUnlimited;

    public static string HashOf(ReadOnlySpan<byte> password) => Convert.ToHexStringLower(SHA256.HashData(password));

    public bool Accepts(ReadOnlySpan<byte> password)
    {
        if (!IsOn) return false;
        if (HasNoPassword) return true;
        var given = Encoding.ASCII.GetBytes(HashOf(password));
        var isRight = false;
        foreach (var known in passwords) isRight |= CryptographicOperations.FixedTimeEquals(given, Encoding.ASCII.GetBytes(known));
        return isRight;
    }

    /// <summary>Takes a rule; false with the words of Redis.</summary>
    public bool TryApply(string rule, out string fault)
    {
        fault = "";
        switch (rule.ToLowerInvariant())
        {
            case "on": IsOn = true; return true;
            case "off": IsOn = false; return true;
            case "nopass": HasNoPassword = true; passwords.Clear(); return true;
            case "resetpass": HasNoPassword = false; passwords.Clear(); return true;
            case "sanitize-payload" or "skip-sanitize-payload": sanitizing = rule.ToLowerInvariant(); return true;
            case "forward" or "noforward": IsForwarded = rule.Equals("forward", StringComparison.OrdinalIgnoreCase); return true;
            case "clearselectors": selectors.RemoveRange(1, selectors.Count - 1); return true;
            case "reset":
                (IsOn, HasNoPassword, IsForwarded, sanitizing) = (false, false, false, "sanitize-payload");
                passwords.Clear();
                selectors.Clear();
                selectors.Add(new AclSelector(table));
                return true;
        }

        if (rule.StartsWith('(')) return TryAddSelector(rule, out fault);
        return rule.Length > 0 && rule[0] is '>' or '<' or '#' or '!' ? TryPassword(rule[0], rule[1..], out fault) : selectors[0].TryApply(rule, out fault);
    }

    /// <summary>Takes rules that may have selectors over several words; the fault as ACL SETUSER says it, or nothing.</summary>
    public string? Apply(IReadOnlyList<string> words)
    {
        for (var at = 0; at < words.Count; at++)
        {
            var rule = words[at];
            var first = rule;
            if (rule.StartsWith('('))
            {
                while (!rule.EndsWith(')'))
                {
                    if (++at == words.Count) return $"ERR Unmatched parenthesis in acl selector starting at '{first}'.";
                    rule += " " + words[at];
                }
            }

            if (!TryApply(rule, out var fault)) return $"ERR Error in ACL SETUSER modifier '{rule}': {fault}";
        }

        return null;
    }

    /// <summary>Whether he may; otherwise why not, and about what.</summary>
    public AclVerdict Check(CommandSpec spec, RespArguments words, List<int> places, out string denied)
    {
        denied = "";
        if (IsUnlimited) return AclVerdict.Allowed;
        var verdict = AclVerdict.Allowed;
        foreach (var selector in selectors)
        {
            var of = selector.Check(spec, words, places, out var about);
            if (of == AclVerdict.Allowed) return of;
            if (of >= verdict) (verdict, denied) = (of, about);
        }

        if (verdict == AclVerdict.Command) denied = spec.Name;
        return verdict;
    }

    /// <summary>Whether he may listen to a channel, or to a pattern of channels.</summary>
    public bool AllowsChannel(ReadOnlySpan<byte> channel, bool isPattern)
    {
        foreach (var selector in selectors)
            if (selector.HasAllChannels || selector.AllowsChannel(channel, isPattern)) return true;
        return false;
    }

    public IEnumerable<string> Flags
    {
        get
        {
            yield return IsOn ? "on" : "off";
            if (HasNoPassword) yield return "nopass";
            if (sanitizing.Length > 0) yield return sanitizing;
            if (IsForwarded) yield return "forward";
        }
    }

    /// <summary>His rules in the form of ACL LIST, which <see cref="Apply"/> takes back.</summary>
    public string Describe()
    {
        var parts = Flags.Concat(passwords.Select(password => "#" + password)).Append(selectors[0].Describe()).Concat(selectors.Skip(1).Select(selector => $"({selector.Describe()})"));
        return string.Join(' ', parts);
    }

    private bool TryAddSelector(string rule, out string fault)
    {
        var selector = new AclSelector(table);
        foreach (var each in rule[1..^1].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (!selector.TryApply(each, out fault)) return false;
        fault = "";
        selectors.Add(selector);
        return true;
    }

    private bool TryPassword(char kind, string text, out string fault)
    {
        fault = "";
        var isHash = kind is '#' or '!';
        if (isHash && (text.Length != 64 || text.Any(letter => letter is not ((>= '0' and <= '9') or (>= 'a' and <= 'f')))))
        {
            fault = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
            return false;
        }

        var hash = isHash ? text : HashOf(Encoding.Latin1.GetBytes(text));
        if (kind is '>' or '#')
        {
            if (!passwords.Contains(hash)) passwords.Add(hash);
            HasNoPassword = false;
        }
        else if (!passwords.Remove(hash))
        {
            fault = "The password you are trying to remove from the user does not exist";
            return false;
        }

        return true;
    }
}
