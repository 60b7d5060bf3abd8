using System.CommandLine;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast config show [--origin]</c>: what a server started like this would be set to, and who said so. The verbs beside it are <see cref="ConfigurationVerbs"/>.</summary>
internal static class ConfigCommand
{
    internal static Command Create()
    {
        var show = new Command("show", "Prints every setting as YAML keys, after flags, variables and file.");
        var origin = new Option<bool>("--origin") { Description = "Also says where each value comes from." };
        var settings = new SettingOptions(show);
        show.Options.Add(origin);
        show.SetAction(parsed =>
        {
            var faults = new List<string>();
            var values = settings.Draw(parsed, faults);
            var rows = Settings.All.Select(setting => RowOf(setting, values[setting])).ToList();
            if (Report.IsJson(parsed)) Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListSettingRow, [], _ => []);
            else foreach (var row in rows) Console.WriteLine(parsed.GetValue(origin) ? $"{row.Key + ": " + row.Value,-40} # {row.Origin}" : $"{row.Key}: {row.Value}");
            ServerPlan.From(values, isTerminal: false, faults);
            return faults.Count == 0 ? 0 : SettingOptions.Refuse(faults);
        });
        var config = new Command("config", "Shows a server's settings; reads and writes the configuration that services share.") { show };
        ConfigurationVerbs.AddTo(config);
        return config;
    }

    /// <summary>A token is a secret: it is shown as there or not there.</summary>
    private static SettingRow RowOf(Setting setting, SettingValue value) => new(setting.Key, setting == Settings.Token && value.Text.Length > 0 ? "(hidden)" : value.Text, value.Origin);
}
