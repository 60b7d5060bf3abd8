using System.Text;

namespace Holdfast.Keyspace;

/// <summary>CONFIG.</summary>
internal sealed class ConfigCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.", "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.", "RESETSTAT", "    Reset statistics reported by the INFO command.", "REWRITE", "    Rewrite the configuration file.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("config|get", Get, "Returns settings by patterns of their names");
        table.Bind("config|set", Set, "Changes settings of this node");
        table.Bind("config|resetstat", ResetStat, "Sets the counters of INFO to zero");
        table.Bind("config|rewrite", Rewrite, "Writes this node's settings down, for its next start");
        table.Bind("config|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes CONFIG");
    }

    private static void Get(CommandCall call)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in call.Node.Settings.All)
            for (var i = 2; i < call.Count; i++)
                if (Glob.Matches(call[i], Encoding.ASCII.GetBytes(name), ignoresCase: true)) found[name] = value;
        call.Reply.Map(found.Count);
        foreach (var (name, value) in found)
        {
            call.Reply.Bulk(name);
            call.Reply.Bulk(value);
        }
    }

    private static void Set(CommandCall call)
    {
        if (call.Count % 2 != 0)
        {
            call.WrongArity();
            return;
        }

        var changes = new List<(Setting Setting, string Kept)>();
        for (var i = 2; i < call.Count; i += 2)
        {
            var said = Encoding.UTF8.GetString(call[i]);
            if (call.Node.Settings.Find(said.ToLowerInvariant()) is not { } setting)
            {
                call.Reply.Error($"ERR Unknown option or number of arguments for CONFIG SET - '{said}'");
                return;
            }

            var fault = setting.IsImmutable || (setting.IsSettled && setting.Value != Encoding.Latin1.GetString(call[i + 1])) ? "can't set immutable config" : setting.IsProtected ? "can't set protected config" : changes.Exists(change => change.Setting == setting) ? "duplicate parameter" : null;
            if (fault is not null)
            {
                Fail(call, said, fault);
                return;
            }

            changes.Add((setting, Encoding.Latin1.GetString(call[i + 1])));
        }

        for (var i = 0; i < changes.Count; i++)
        {
            if (changes[i].Setting.Check(changes[i].Kept, out var kept) is { } fault)
            {
                Fail(call, Encoding.UTF8.GetString(call[2 + (2 * i)]), fault);
                return;
            }

            changes[i] = (changes[i].Setting, kept);
        }

        if (changes.Find(change => change.Setting.Name == "requirepass") is (not null, var password))
        {
            // The password of the default user, who is the cluster's; it is kept nowhere as it is.
            string[] rules = password.Length == 0 ? ["nopass"] : ["resetpass", ">" + password];
            AclCommands.Change(call, AclUser.Default, rules, reply => reply.Ok());
            return;
        }

        foreach (var (setting, kept) in changes) call.Node.Settings.Set(setting, kept);
        call.Node.OnSettings();
        call.Reply.Ok();
    }

    private static void Fail(CommandCall call, string name, string why) => call.Reply.Error($"ERR CONFIG SET failed (possibly related to argument '{name}') - {why}");

    private static void Rewrite(CommandCall call)
    {
        if (call.Node.SettingFile is not { } file)
        {
            call.Reply.Error("ERR The server is running without a config file"u8);
            return;
        }

        if (call.Client is not { Transaction.IsOpen: false } client)
        {
            call.Reply.Error("ERR Command not allowed inside a transaction"u8);
            return;
        }

        client.StepAside();
        file.Write(call.Node.Settings.Changed, fault => client.ComeBack(writer =>
        {
            if (fault is null) writer.Ok();
            else writer.Error("ERR Rewriting config file: " + fault);
        }));
    }

    private static void ResetStat(CommandCall call)
    {
        call.Node.Counters.Reset();
        foreach (var spec in call.Node.Table.Specs) spec.Statistics.Reset();
        call.Reply.Ok();
    }
}
