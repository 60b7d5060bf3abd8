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
            foreach (var setting in Settings.All)
            {
                // A token is a secret: it is shown as there or not there.
                var text = setting == Settings.Token && values[setting].Text.Length > 0 ? "(hidden)" : values[setting].Text;
                Console.WriteLine(parsed.GetValue(origin) ? $"{setting.Key + ": " + text,-40} # {values[setting].Origin}" : $"{setting.Key}: {text}");
            }

            ServerPlan.From(values, isTerminal: false, faults);
            return faults.Count == 0 ? 0 : SettingOptions.Refuse(faults);
        });
        var config = new Command("config", "Shows a server's settings; reads and writes the configuration that services share.") { show };
        ConfigurationVerbs.AddTo(config);
        return config;
    }
}
