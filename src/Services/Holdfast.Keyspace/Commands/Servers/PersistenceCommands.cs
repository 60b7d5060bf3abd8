namespace Holdfast.Keyspace;

/// <summary>
/// What tools ask of a server about its disk, its master and its modules. Here every acknowledged write is in the log already, so a save is done when it is asked for; who follows whom is the cluster's affair, as Redis says in
/// cluster mode; and there are no modules.
/// </summary>
internal sealed class PersistenceCommands : ICommandFamily
{
    private static readonly string[] ModuleHelp =
    [
        "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "LIST", "    Return a list of loaded modules.", "LOAD <path> [<arg> ...]",
        "    Load a module library from <path>, passing to it any optional arguments.", "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
        "    Load a module library from <path>, while passing it module configurations and optional arguments.", "UNLOAD <name>", "    Unload a module.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("save", call => call.Reply.Ok(), "Writes everything to disk; it is there already");
        table.Bind("bgsave", SaveAside, "Begins to write everything to disk; it is there already");
        table.Bind("bgrewriteaof", call => call.Reply.Simple("Background append only file rewriting started"u8), "Makes the log shorter; snapshots do that by themselves");
        foreach (var name in (string[])["replicaof", "slaveof"]) table.Bind(name, call => call.Reply.Error("ERR REPLICAOF not allowed in cluster mode."u8), "Makes a server a replica; a cluster does that by itself");
        table.Bind("failover", call => call.Reply.Error("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead."u8), "Changes places with a replica; a cluster does that by itself");
        table.Bind("shutdown", Shutdown, "Ends the node, as SIGTERM does: it hands its leadership over first");
        table.Bind("module|list", call => call.Reply.Array(0), "Lists the modules: there are none");
        table.Bind("module|help", call => ScriptCommands.ReplyHelp(call, ModuleHelp), "Describes MODULE");
        foreach (var name in (string[])["module|load", "module|loadex", "module|unload"]) table.Bind(name, RefuseModule, "Loads or unloads a module; there are none");
    }

    private static void SaveAside(CommandCall call)
    {
        if (call.Count > 2 || (call.Count == 2 && !call.Is(1, "SCHEDULE"u8))) call.SyntaxError();
        else call.Reply.Simple("Background saving started"u8);
    }

    /// <summary>No reply says that it has been done: the connection ends. Nothing is to be saved, and no replica is to be waited for.</summary>
    private static void Shutdown(CommandCall call)
    {
        var (saves, savesNot, aborts) = (false, false, false);
        for (var i = 1; i < call.Count; i++)
        {
            if (call.Is(i, "SAVE"u8)) saves = true;
            else if (call.Is(i, "NOSAVE"u8)) savesNot = true;
            else if (call.Is(i, "ABORT"u8)) aborts = true;
            else if (!call.Is(i, "NOW"u8) && !call.Is(i, "FORCE"u8))
            {
                call.SyntaxError();
                return;
            }
        }

        if ((saves && savesNot) || (aborts && call.Count > 2)) call.SyntaxError();
        else if (aborts) call.Reply.Error("ERR No shutdown in progress."u8);
        else if (call.Node.Stop is not { } stop) call.Reply.Error("ERR Errors trying to SHUTDOWN. Check logs."u8);
        else
        {
            call.Client!.StepAside();
            stop();
        }
    }

    private static void RefuseModule(CommandCall call) => call.Reply.Error(
        "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."u8);
}
