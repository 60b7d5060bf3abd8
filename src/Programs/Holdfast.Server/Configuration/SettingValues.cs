namespace Holdfast.Server.Configuration;

/// <summary>A value, and who said so.</summary>
/// <param name="Text">As it was written.</param>
/// <param name="Origin">For <c>config show --origin</c> and for messages: "flag --etcd", "variable HOLDFAST__ETCD__LISTEN", "file node.yaml", or "default".</param>
internal readonly record struct SettingValue(string Text, string Origin);

/// <summary>
/// What every setting is, drawn from flags, then the environment, then the file, then the defaults. What nobody knows (a misspelt variable or key) is a fault:
/// a setting that is silently ignored is worse than a refusal.
/// </summary>
internal sealed class SettingValues
{
    private readonly Dictionary<Setting, SettingValue> values = [];

    private SettingValues()
    {
    }

    public SettingValue this[Setting setting] => values[setting];

    /// <summary>Draws every setting.</summary>
    /// <param name="flags">The flags that were given.</param>
    /// <param name="environment">The variables of this process.</param>
    /// <param name="file">The file's settings, by key; empty without one.</param>
    /// <param name="fileName">The file's name, for messages.</param>
    /// <param name="faults">Where to say what nobody knows.</param>
    public static SettingValues Draw(
        IReadOnlyDictionary<Setting, string> flags, IReadOnlyDictionary<string, string> environment, IReadOnlyDictionary<string, string> file, string fileName, List<string> faults)
    {
        var drawn = new SettingValues();
        foreach (var setting in Settings.All)
            drawn.values[setting] =
                flags.TryGetValue(setting, out var flag) ? new(flag, "flag " + setting.Flag)
                : environment.TryGetValue(setting.Variable, out var variable) ? new(variable, "variable " + setting.Variable)
                : file.TryGetValue(setting.Key, out var written) ? new(written, "file " + fileName)
                : new(setting.Default, "default");

        foreach (var name in environment.Keys.Order(StringComparer.Ordinal))
            if (name.StartsWith("HOLDFAST__", StringComparison.Ordinal) && !Settings.All.Any(s => s.Variable == name))
                faults.Add($"variable {name}: no setting has this name; known are {string.Join(", ", Settings.All.Select(s => s.Variable))}");
        foreach (var key in file.Keys.Order(StringComparer.Ordinal))
            if (!Settings.All.Any(s => s.Key == key))
                faults.Add($"file {fileName}: no setting is called {key}; known are {string.Join(", ", Settings.All.Select(s => s.Key))}");
        return drawn;
    }

    /// <summary>The variables of this process that could be ours.</summary>
    public static IReadOnlyDictionary<string, string> Environment()
    {
        var ours = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
            if (variable is { Key: string name, Value: string value } && name.StartsWith("HOLDFAST__", StringComparison.Ordinal))
                ours[name] = value;
        return ours;
    }
}
