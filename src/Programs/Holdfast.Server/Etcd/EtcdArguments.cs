namespace Holdfast.Server.Etcd;

/// <summary>
/// What was said on etcd's command line and in its ETCD_ variables. Go's way of writing flags: one or two dashes, the value behind an equals sign or as the
/// next word, a switch alone or with =true or =false. A flag beats its variable.
/// </summary>
internal sealed class EtcdArguments
{
    private readonly Dictionary<string, (string Value, string Origin)> values = new(StringComparer.Ordinal);

    private EtcdArguments()
    {
    }

    /// <summary>Things that work but should be known, a sentence each.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Reads everything; what is wrong is said in <paramref name="faults"/>, all at once.</summary>
    public static EtcdArguments Read(IReadOnlyList<string> words, IReadOnlyDictionary<string, string> environment, List<string> faults)
    {
        var arguments = new EtcdArguments();
        foreach (var (name, value) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith("ETCD_", StringComparison.Ordinal)) continue;
            if (EtcdFlags.All.FirstOrDefault(flag => flag.Variable == name) is { } flag) arguments.Take(flag, value, name, faults);
            else arguments.Warnings.Add($"variable {name}: no flag of etcd's has this name; it is not looked at");
        }

        for (var at = 0; at < words.Count; at++) arguments.ReadWord(words, ref at, faults);
        return arguments.Has("config-file") ? arguments.FromFile(faults) : arguments;
    }

    /// <summary>The value of a flag, or what holds without it.</summary>
    public string Text(string name, string otherwise = "") => values.TryGetValue(name, out var said) ? said.Value : otherwise;

    /// <summary>Whether a flag or its variable was given.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>A flag's name and who set it, for messages.</summary>
    public string Named(string name) => values.TryGetValue(name, out var said) ? said.Origin : $"--{name} (default)";

    /// <summary>A switch.</summary>
    public bool IsOn(string name, List<string> faults)
    {
        if (!Has(name)) return false;
        if (bool.TryParse(Text(name), out var isOn)) return isOn;
        faults.Add($"{Named(name)}: \"{Text(name)}\" is neither true nor false");
        return false;
    }

    /// <summary>As in etcd a file stands for all: what else was said counts for nothing.</summary>
    private EtcdArguments FromFile(List<string> faults)
    {
        var (path, origin) = values["config-file"];
        var file = new EtcdArguments();
        foreach (var (said, _) in values)
            if (said is not ("config-file" or "insecure")) file.Warnings.Add($"--{said} has no effect beside {origin}: all that counts is in the file");
        if (values.TryGetValue("insecure", out var insecure)) file.values["insecure"] = insecure;
        foreach (var (key, value) in EtcdConfigFile.Read(path, origin, faults))
        {
            var nameInFile = $"{path}, {key}";
            if (EtcdFlags.Find(EtcdConfigFile.FlagOf(key)) is { Name: not "config-file" } flag) file.Take(flag, value, nameInFile, faults);
            else faults.Add($"{nameInFile}: etcd has no such setting, or this program does not know it" + (EtcdFlags.Nearest(key) is { } nearest ? $"; did you mean {nearest}?" : ""));
        }

        return file;
    }

    private void ReadWord(IReadOnlyList<string> words, ref int at, List<string> faults)
    {
        var word = words[at];
        var name = word.StartsWith("--", StringComparison.Ordinal) ? word[2..] : word.StartsWith('-') ? word[1..] : "";
        if (name.Length == 0)
        {
            faults.Add($"\"{word}\" is not a valid flag");
            return;
        }

        var equals = name.IndexOf('=', StringComparison.Ordinal);
        var value = equals < 0 ? null : name[(equals + 1)..];
        if (equals >= 0) name = name[..equals];
        if (EtcdFlags.Find(name) is not { } flag)
        {
            var nearest = EtcdFlags.Nearest(name);
            faults.Add($"--{name}: etcd has no such flag, or this program does not know it" + (nearest is null ? "" : $"; did you mean --{nearest}?"));
            return;
        }

        if (value is null && flag.IsSwitch) value = "true";
        else if (value is null && at + 1 < words.Count) value = words[++at];
        if (value is null) faults.Add($"--{name}: a value must follow");
        else Take(flag, value, "--" + name, faults);
    }

    private void Take(EtcdFlag flag, string value, string origin, List<string> faults)
    {
        var isOff = (flag.IsSwitch && value == "false") || (flag.Idle.Length > 0 && value == flag.Idle);
        if (flag.Fate == EtcdFlagFate.Refused && value.Length > 0 && !isOff) faults.Add($"{origin}: {flag.Why}");
        if (flag.Fate == EtcdFlagFate.Ignored) Warnings.Add($"{origin} has no effect: {flag.Why}");
        if (flag.Fate == EtcdFlagFate.Used && value.Length > 0) values[flag.Name] = (value, origin);
    }
}
