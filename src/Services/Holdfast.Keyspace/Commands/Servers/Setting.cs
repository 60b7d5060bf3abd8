using System.Globalization;

namespace Holdfast.Keyspace;

/// <summary>What values a setting takes.</summary>
internal enum SettingKind : byte
{
    Text,
    Flag,
    Number,
    Memory,
    Word,
    Events,
    Save,
    OutputLimit,

    /// <summary>Bytes, or percent of the memory that there is.</summary>
    Share,

    /// <summary>What a host's name may be; empty for none.</summary>
    HostName,

    /// <summary>Numbers from 0 to 100, with spaces between.</summary>
    Percentiles,

    /// <summary>Three whole numbers, with spaces between.</summary>
    Scores,
}

/// <summary>A name of CONFIG: its value, and what it may be, in Redis's words where it may not.</summary>
internal sealed class Setting(string name, string value, SettingKind kind)
{
    private readonly string initial = value;

    public string Name => name;

    public string Value { get; private set; } = value;

    /// <summary>Whether the value is another than a new node's.</summary>
    public bool IsChanged => Value != initial;

    /// <summary>The value as a number; 0 for what is none.</summary>
    public long Number { get; private set; } = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;

    public long Least { get; init; }

    public long Most { get; init; } = int.MaxValue;

    /// <summary>The words that it may be, in Redis's order.</summary>
    public string[] Words { get; init; } = [];

    public bool IsImmutable { get; init; }

    /// <summary>Said at the node's start, which Redis would let change: it may be set to what it is, as a tool does that sets everything it has read.</summary>
    public bool IsSettled { get; init; }

    /// <summary>A password: written nowhere as it is.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Where Redis writes its files: it changes that for those only who started it with leave for it.</summary>
    public bool IsProtected { get; init; }

    /// <summary>Another name of the same setting; empty for none.</summary>
    public string Alias { get; init; } = "";

    /// <summary>What is wrong with a value; null for nothing. Also gives the form in which it is kept.</summary>
    public string? Check(string wanted, out string kept)
    {
        kept = wanted;
        switch (kind)
        {
            case SettingKind.Flag:
                kept = wanted.ToLowerInvariant();
                return kept is "yes" or "no" ? null : "argument must be 'yes' or 'no'";
            case SettingKind.Word:
                kept = wanted.ToLowerInvariant();
                return Words.Contains(kept) ? null : "argument(s) must be one of the following: " + string.Join(", ", Words);
            case SettingKind.Number:
                if (!Wire.Resp.RespNumber.TryParse(System.Text.Encoding.ASCII.GetBytes(wanted), out long number)) return "argument couldn't be parsed into an integer";
                return number < Least || number > Most ? string.Create(CultureInfo.InvariantCulture, $"argument must be between {Least} and {Most} inclusive") : null;
            case SettingKind.Memory:
                return CheckMemory(wanted, out kept);
            case SettingKind.Share:
                if (!wanted.EndsWith('%')) return CheckMemory(wanted, out kept) is null ? null : "argument must be a memory or percent value";
                if (!long.TryParse(wanted.AsSpan(0, wanted.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var percent)) return "argument must be a memory or percent value";
                return percent > 100 ? "percentage argument must be less or equal to 100" : null;
            case SettingKind.HostName:
                return wanted.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.') ? null : "Hostnames may only contain alphanumeric characters, hyphens or dots";
            case SettingKind.Percentiles:
                foreach (var part in wanted.Length == 0 ? [] : wanted.Split(' '))
                {
                    if (!double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var share)) return $"Invalid {name} parameters";
                    if (share is not (>= 0 and <= 100)) return $"{name} parameters should sit between [0.0,100.0]";
                }

                return null;
            case SettingKind.Scores:
                if (Parts(wanted).Length != 3) return "wrong number of arguments";
                return Parts(wanted).All(part => int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)) ? null : "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
            case SettingKind.Events:
                if (!KeyNotices.TryParse(wanted, out var events)) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
                kept = KeyNotices.Format(events);
                return null;
            case SettingKind.OutputLimit:
                if (OutputLimits.Parse(wanted, OutputLimits.Parse(Value, OutputLimits.Default) ?? OutputLimits.Default) is { } limits)
                {
                    kept = limits.ToString();
                    return null;
                }

                return OutputLimits.FaultOf(wanted);
            case SettingKind.Save:
                var parts = Parts(wanted);
                return parts.Length % 2 == 0 && parts.All(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)) ? null : "Invalid save parameters";
            default:
                return null;
        }
    }

    public void Set(string kept)
    {
        Value = kept;
        Number = long.TryParse(kept, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    private static string[] Parts(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private string? CheckMemory(string wanted, out string kept)
    {
        kept = wanted;
        if (ParseMemory(wanted) is not { } bytes) return "argument must be a memory value";
        if (Least > 0 && bytes < Least) return string.Create(CultureInfo.InvariantCulture, $"argument must be between {Least} and {Most} inclusive");
        kept = bytes.ToString(CultureInfo.InvariantCulture);
        return null;
    }

    /// <summary>Bytes, with a unit or without; null for what is no such thing.</summary>
    public static long? ParseMemory(string text)
    {
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        var factor = text[digits..].ToLowerInvariant() switch { "" or "b" => 1L, "k" => 1000, "kb" => 1024, "m" => 1_000_000, "mb" => 1 << 20, "g" => 1_000_000_000, "gb" => 1 << 30, _ => 0 };
        return digits > 0 && factor > 0 && long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue / factor ? number * factor : null;
    }
}
