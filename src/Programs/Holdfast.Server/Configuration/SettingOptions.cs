using System.CommandLine;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Configuration;

/// <summary>The flags of a command that takes the settings, and the road from what was typed to a plan.</summary>
internal sealed class SettingOptions
{
    private readonly Dictionary<Setting, Option> options = [];
    private readonly Option<string> file = new("--config") { Description = "A YAML file with settings; flags and HOLDFAST__A__B variables override it." };

    /// <summary>Adds every flag to the command.</summary>
    public SettingOptions(Command command)
    {
        foreach (var setting in Settings.All)
        {
            var meaning = setting.Default.Length > 0 && !setting.IsSwitch ? $"{setting.Meaning} [default: {setting.Default}]" : setting.Meaning;
            Option option = setting.IsSwitch ? new Option<bool>(setting.Flag) { Description = meaning } : new Option<string>(setting.Flag) { Description = meaning };
            options[setting] = option;
            command.Options.Add(option);
        }

        command.Options.Add(file);
    }

    /// <summary>Draws every setting from the flags, the environment and the file.</summary>
    public SettingValues Draw(ParseResult parsed, List<string> faults)
    {
        var flags = new Dictionary<Setting, string>();
        foreach (var (setting, option) in options)
            if (parsed.GetResult(option) is { Implicit: false })
                flags[setting] = option is Option<bool> yes ? (parsed.GetValue(yes) ? "true" : "false") : parsed.GetValue((Option<string>)option) ?? "";
        var path = parsed.GetValue(file);
        var written = path is null ? new Dictionary<string, string>() : SettingsFile.Read(path, faults);
        return SettingValues.Draw(flags, SettingValues.Environment(), written, path ?? "", faults);
    }

    /// <summary>Says every fault at once, to standard error; the exit code of a wrong configuration.</summary>
    public static int Refuse(IReadOnlyList<string> faults)
    {
        Console.Error.WriteLine(faults.Count == 1 ? "holdfast: the configuration has a fault:" : $"holdfast: the configuration has {faults.Count} faults:");
        foreach (var fault in faults) Console.Error.WriteLine("  " + fault);
        return ExitCode.Misused;
    }
}
