using System.Text;

namespace Holdfast.Keyspace;

/// <summary>FUNCTION: libraries of functions, for the whole cluster.</summary>
internal sealed class FunctionCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "LOAD [REPLACE] <FUNCTION CODE>", "    Create a new library with the given library name and code.", "DELETE <LIBRARY NAME>",
        "    Delete the given library.", "LIST [LIBRARYNAME PATTERN] [WITHCODE]", "    Return general information on all the libraries:", "    * Library name", "    * The engine used to run the Library",
        "    * Library description", "    * Functions list", "    * Library code (if WITHCODE is given)", "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.", "STATS",
        "    Return information about the current function running:", "    * Function name", "    * Command used to run the function", "    * Duration in MS that the function is running",
        "    If no function is running, return nil", "    In addition, returns a list of available engines.", "KILL", "    Kill the current running function.", "FLUSH [ASYNC|SYNC]",
        "    Delete all the libraries.", "    When called without the optional mode argument, the behavior is determined by the", "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
        "    * ASYNC: Asynchronously flush the libraries.", "    * SYNC: Synchronously flush the libraries.", "DUMP",
        "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command", "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
        "    Restore the libraries represented by the given payload, it is possible to give a restore policy to", "    control how to handle existing libraries (default APPEND):",
        "    * FLUSH: delete all existing libraries.", "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
        "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old", "      libraries with the new libraries (notice that even on this option there is a chance of failure",
        "      in case of functions name collision with another library).", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("function|load", Load, "Loads a library on all nodes", CommandPlace.Node);
        table.Bind("function|delete", Delete, "Deletes a library", CommandPlace.Node);
        table.Bind("function|flush", Flush, "Deletes all libraries", CommandPlace.Node);
        table.Bind("function|list", List, "Describes the libraries");
        table.Bind("function|stats", Stats, "Says what is being executed, and how many functions there are");
        table.Bind("function|kill", call => ScriptCommands.Kill(call, isFunction: true), "Stops the function that is being executed, if it has changed nothing");
        table.Bind("function|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes FUNCTION");
    }

    private static void Load(CommandCall call)
    {
        var replaces = false;
        var at = 2;
        for (; at < call.Count - 1; at++)
        {
            if (call.Is(at, "REPLACE"u8))
            {
                replaces = true;
                continue;
            }

            call.Reply.Error($"ERR Unknown option given: {Encoding.UTF8.GetString(call[at])}");
            return;
        }

        if (call.Node.Functions.Make(call[at], replaces, out var fault) is not { } library)
        {
            call.Reply.Error(fault);
            return;
        }

        call.Node.Shared.Change(call, [(FunctionCatalog.Prefix + library.Name, Encoding.Latin1.GetString(library.Code))], reply => reply.Bulk(library.Name));
    }

    private static void Delete(CommandCall call)
    {
        var name = Encoding.UTF8.GetString(call[2]);
        if (!call.Node.Functions.Libraries.ContainsKey(name)) call.Reply.Error("ERR Library not found"u8);
        else call.Node.Shared.Change(call, [(FunctionCatalog.Prefix + name, "")], reply => reply.Ok());
    }

    private static void Flush(CommandCall call)
    {
        if (call.Count > 3)
        {
            call.WrongSubcommand();
            return;
        }

        if (call.Count == 3 && !call.Is(2, "SYNC"u8) && !call.Is(2, "ASYNC"u8))
        {
            call.Reply.Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"u8);
            return;
        }

        call.Node.Shared.Change(call, [.. call.Node.Functions.Libraries.Keys.Select(name => (FunctionCatalog.Prefix + name, ""))], reply => reply.Ok());
    }

    private static void List(CommandCall call)
    {
        var isWithCode = false;
        byte[]? pattern = null;
        for (var at = 2; at < call.Count; at++)
        {
            if (!isWithCode && call.Is(at, "WITHCODE"u8))
            {
                isWithCode = true;
            }
            else if (pattern is null && call.Is(at, "LIBRARYNAME"u8))
            {
                if (++at == call.Count)
                {
                    call.Reply.Error("ERR library name argument was not given"u8);
                    return;
                }

                pattern = call[at].ToArray();
            }
            else
            {
                call.Reply.Error($"ERR Unknown argument {Encoding.UTF8.GetString(call[at])}");
                return;
            }
        }

        var found = call.Node.Functions.Libraries.Values.Where(library => pattern is null || Glob.Matches(pattern, Encoding.UTF8.GetBytes(library.Name), ignoresCase: true)).ToArray();
        call.Reply.Array(found.Length);
        foreach (var library in found) Describe(call, library, isWithCode);
    }

    private static void Describe(CommandCall call, FunctionLibrary library, bool isWithCode)
    {
        var reply = call.Reply;
        reply.Map(isWithCode ? 4 : 3);
        reply.Bulk("library_name"u8);
        reply.Bulk(library.Name);
        reply.Bulk("engine"u8);
        reply.Bulk("LUA"u8);
        reply.Bulk("functions"u8);
        reply.Array(library.Functions.Count);
        foreach (var function in library.Functions.Values)
        {
            reply.Map(3);
            reply.Bulk("name"u8);
            reply.Bulk(function.Name);
            reply.Bulk("description"u8);
            if (function.Description is { } description) reply.Bulk(description);
            else reply.Null();
            reply.Bulk("flags"u8);
            var flags = ScriptFlagNames.NamesOf(function.Flags).ToArray();
            reply.Set(flags.Length);
            foreach (var flag in flags) reply.Simple(Encoding.ASCII.GetBytes(flag));
        }

        if (!isWithCode) return;
        reply.Bulk("library_code"u8);
        reply.Bulk(library.Code);
    }

    private static void Stats(CommandCall call)
    {
        var reply = call.Reply;
        reply.Map(2);
        reply.Bulk("running_script"u8);
        if (call.Node.Scripts.Running is { } run)
        {
            reply.Map(3);
            reply.Bulk("name"u8);
            reply.Bulk(run.Name);
            reply.Bulk("command"u8);
            reply.Array(run.Call.Count);
            for (var i = 0; i < run.Call.Count; i++) reply.Bulk(run.Call[i]);
            reply.Bulk("duration_ms"u8);
            reply.Integer((long)(call.Node.ReadClock() - run.StartedAt).TotalMilliseconds);
        }
        else
        {
            reply.Null();
        }

        reply.Bulk("engines"u8);
        reply.Map(1);
        reply.Bulk("LUA"u8);
        reply.Map(2);
        reply.Bulk("libraries_count"u8);
        reply.Integer(call.Node.Functions.Libraries.Count);
        reply.Bulk("functions_count"u8);
        reply.Integer(call.Node.Functions.Libraries.Values.Sum(library => library.Functions.Count));
    }
}
