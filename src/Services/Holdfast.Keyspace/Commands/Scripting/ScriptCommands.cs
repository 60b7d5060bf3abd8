using System.Text;

namespace Holdfast.Keyspace;

/// <summary>SCRIPT: the scripts that a node knows.</summary>
internal sealed class ScriptCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "DEBUG (YES|SYNC|NO)", "    Set the debug mode for subsequent scripts executed.", "EXISTS <sha1> [<sha1> ...]",
        "    Return information about the existence of the scripts in the script cache.", "FLUSH [ASYNC|SYNC]", "    Flush the Lua scripts cache. Very dangerous on replicas.",
        "    When called without the optional mode argument, the behavior is determined by the", "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
        "    * ASYNC: Asynchronously flush the scripts cache.", "    * SYNC: Synchronously flush the scripts cache.", "KILL", "    Kill the currently executing Lua script.", "LOAD <script>",
        "    Load a script into the scripts cache without executing it.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("script|load", Load, "Makes a script known without executing it");
        table.Bind("script|exists", Exists, "Says which scripts are known");
        table.Bind("script|flush", Flush, "Forgets all scripts");
        table.Bind("script|kill", call => Kill(call, isFunction: false), "Stops the script that is being executed, if it has changed nothing");
        table.Bind("script|debug", Debug, "Sets how scripts are debugged; there is no debugger");
        table.Bind("script|help", call => ReplyHelp(call, Help), "Describes SCRIPT");
    }

    /// <summary>Lines of help, as Redis gives them.</summary>
    public static void ReplyHelp(CommandCall call, string[] lines)
    {
        call.Reply.Array(lines.Length);
        foreach (var line in lines) call.Reply.Simple(Encoding.ASCII.GetBytes(line));
    }

    /// <summary>Stops what is being executed: only reachable while it makes others wait.</summary>
    public static void Kill(CommandCall call, bool isFunction)
    {
        if (call.Node.Scripts.Running is not { } run) call.Reply.Error("NOTBUSY No scripts in execution right now."u8);
        else if (run.HasWritten) call.Reply.Error("UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."u8);
        else if (run.IsFunction != isFunction) call.Reply.Error(Busy(run));
        else
        {
            run.IsKilled = true;
            call.Reply.Ok();
        }
    }

    /// <summary>What others hear while a script takes too long.</summary>
    public static string Busy(ScriptRun? run) => $"BUSY Redis is busy running a script. You can only call {(run is { IsFunction: true } ? "FUNCTION" : "SCRIPT")} KILL or SHUTDOWN NOSAVE.";

    private static void Load(CommandCall call)
    {
        if (call.Node.Scripts.Take(call[2], isLoaded: true, out var fault) is { } script) call.Reply.Bulk(script.Digest);
        else call.Reply.Error(fault);
    }

    private static void Exists(CommandCall call)
    {
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++) call.Reply.Integer(call.Node.Scripts.Cache.Knows(Encoding.ASCII.GetString(call[i]).ToLowerInvariant()) ? 1 : 0);
    }

    private static void Flush(CommandCall call)
    {
        if (call.Count > 3 || (call.Count == 3 && !call.Is(2, "SYNC"u8) && !call.Is(2, "ASYNC"u8)))
        {
            call.Reply.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option"u8);
            return;
        }

        call.Node.Scripts.Flush();
        call.Reply.Ok();
    }

    private static void Debug(CommandCall call)
    {
        if (call.Is(2, "NO"u8)) call.Reply.Ok();
        else if (call.Is(2, "YES"u8) || call.Is(2, "SYNC"u8)) call.Reply.Error("ERR scripts cannot be debugged step by step here"u8);
        else call.Reply.Error("ERR Use SCRIPT DEBUG YES/SYNC/NO"u8);
    }
}
