using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>COMMAND: the command table as clients read it.</summary>
internal sealed class CommandCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "(no subcommand)", "    Return details about all Redis commands.", "COUNT", "    Return the total number of commands in this Redis server.", "LIST",
        "    Return a list of all commands in this Redis server.", "INFO [<command-name> ...]", "    Return details about multiple Redis commands.", "    If no command names are given, documentation details for all",
        "    commands are returned.", "DOCS [<command-name> ...]", "    Return documentation details about multiple Redis commands.", "    If no command names are given, documentation details for all", "    commands are returned.",
        "GETKEYS <full-command>", "    Return the keys from a full Redis command.", "GETKEYSANDFLAGS <full-command>", "    Return the keys and the access flags from a full Redis command.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("command", All, "Describes all commands");
        table.Bind("command|count", call => call.Reply.Integer(Served(call).Count()), "Counts the commands");
        table.Bind("command|info", SomeOf, "Describes commands");
        table.Bind("command|list", List, "Lists the commands' names");
        table.Bind("command|docs", Docs, "Documents commands");
        table.Bind("command|getkeys", call => GetKeys(call, withFlags: false), "Returns the keys of a command line");
        table.Bind("command|getkeysandflags", call => GetKeys(call, withFlags: true), "Returns the keys of a command line and what is done with them");
        table.Bind("command|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes COMMAND");
    }

    private static IEnumerable<CommandSpec> Served(CommandCall call) => call.Node.Table.All.Values.Where(spec => spec.IsBound && !spec.IsInternal);

    /// <summary>Commands, each followed by its subcommands, as COMMAND LIST has them.</summary>
    private static IEnumerable<CommandSpec> Listed(CommandCall call) => Served(call).SelectMany(spec => (spec.Subcommands?.Values.Where(each => each.IsBound) ?? []).Prepend(spec));

    private static void All(CommandCall call)
    {
        var served = Served(call).ToArray();
        call.Reply.Array(served.Length);
        foreach (var spec in served) Describe(call.Reply, spec);
    }

    private static void SomeOf(CommandCall call)
    {
        if (call.Count == 2)
        {
            All(call);
            return;
        }

        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++)
        {
            if (Find(call, i) is { } spec) Describe(call.Reply, spec);
            else call.Reply.Null();
        }
    }

    private static CommandSpec? Find(CommandCall call, int argument)
    {
        var name = Encoding.UTF8.GetString(call[argument]).ToLowerInvariant();
        var bar = name.IndexOf('|', StringComparison.Ordinal);
        var spec = call.Node.Table.Find(Encoding.UTF8.GetBytes(bar < 0 ? name : name[..bar]));
        if (spec is null || spec.IsInternal || !spec.IsBound) return null;
        if (bar < 0) return spec;
        return spec.Subcommands is { } subcommands && subcommands.TryGetValue(name[(bar + 1)..], out var sub) && sub.IsBound ? sub : null;
    }

    private static void List(CommandCall call)
    {
        var names = Listed(call).Select(spec => spec.Name);
        if (call.Count > 2)
        {
            if (call.Count != 5 || !call.Is(2, "FILTERBY"u8))
            {
                call.SyntaxError();
                return;
            }

            var value = call[4].ToArray();
            if (call.Is(3, "PATTERN"u8)) names = Listed(call).Where(spec => Glob.Matches(value, Encoding.UTF8.GetBytes(spec.Name), ignoresCase: true)).Select(spec => spec.Name);
            else if (call.Is(3, "ACLCAT"u8)) names = Listed(call).Where(spec => spec.Categories.Contains(Encoding.UTF8.GetString(value).ToLowerInvariant())).Select(spec => spec.Name);
            else if (call.Is(3, "MODULE"u8)) names = [];
            else
            {
                call.SyntaxError();
                return;
            }
        }

        var list = names.ToArray();
        call.Reply.Array(list.Length);
        foreach (var name in list) call.Reply.Bulk(name);
    }

    private static void Docs(CommandCall call)
    {
        var specs = call.Count == 2 ? Served(call).ToList() : [];
        for (var i = 2; i < call.Count; i++)
            if (Find(call, i) is { } spec) specs.Add(spec);
        call.Reply.Map(specs.Count);
        foreach (var spec in specs) Document(call.Reply, spec);
    }

    private static void Document(RespWriter reply, CommandSpec spec)
    {
        var subcommands = spec.Subcommands?.Values.Where(each => each.IsBound).ToArray() ?? [];
        reply.Bulk(spec.Name);
        reply.Map(subcommands.Length > 0 ? 4 : 3);
        reply.Bulk("summary"u8);
        reply.Bulk(spec.Summary);
        reply.Bulk("since"u8);
        reply.Bulk(spec.Since);
        reply.Bulk("group"u8);
        reply.Bulk(spec.Group);
        if (subcommands.Length == 0) return;
        reply.Bulk("subcommands"u8);
        reply.Map(subcommands.Length);
        foreach (var sub in subcommands) Document(reply, sub);
    }

    private static void GetKeys(CommandCall call, bool withFlags)
    {
        var request = new RespArguments();
        request.Begin(call.Arguments.Source);
        var inner = new List<byte[]>();
        for (var i = 2; i < call.Count; i++) inner.Add(call[i].ToArray());
        var flat = inner.SelectMany(each => each).ToArray();
        request.Begin(flat);
        var at = 0;
        foreach (var each in inner)
        {
            request.Add(at, each.Length);
            at += each.Length;
        }

        if (RequestRouter.Find(call.Node.Table, request, out _) is not { } spec)
        {
            call.Reply.Error(call.Node.Table.Find(call[2]) is null ? "ERR Invalid command specified"u8 : "ERR Invalid number of arguments specified for command"u8);
            return;
        }

        var places = new List<int>();
        spec.FindKeys(request, places);
        if (places.Count == 0 && spec.Has(CommandFlags.NoMandatoryKeys))
        {
            call.Reply.Array(0);
            return;
        }

        if (places.Count == 0)
        {
            call.Reply.Error(spec.Keys.Length == 0 ? "ERR The command has no key arguments"u8 : "ERR Invalid arguments specified for command"u8);
            return;
        }

        call.Reply.Array(places.Count);
        foreach (var place in places)
        {
            if (withFlags) call.Reply.Array(2);
            call.Reply.Bulk(request[place]);
            if (withFlags) Words(call.Reply, spec.FlagsOf(request, place), "");
        }
    }

    private static void Describe(RespWriter reply, CommandSpec spec)
    {
        reply.Array(10);
        reply.Bulk(spec.Name);
        reply.Integer(spec.Arity);
        Words(reply, CommandFlagNames.NamesOf(spec.Flags), "");
        reply.Integer(spec.Range.First);
        reply.Integer(spec.Range.Last);
        reply.Integer(spec.Range.Step);
        Words(reply, spec.Categories, "@");
        reply.Set(spec.Hints.Length);
        foreach (var hint in spec.Hints) reply.Bulk(hint);
        reply.Set(spec.Keys.Length);
        foreach (var key in spec.Keys) Describe(reply, key);
        var subcommands = spec.Subcommands?.Values.Where(each => each.IsBound).ToArray() ?? [];
        if (subcommands.Length == 0) reply.Set(0);
        else reply.Array(subcommands.Length);
        foreach (var sub in subcommands) Describe(reply, sub);
    }

    private static void Words(RespWriter reply, IReadOnlyCollection<string> words, string before)
    {
        reply.Set(words.Count);
        foreach (var word in words) reply.Simple(Encoding.ASCII.GetBytes(before + word));
    }

    private static void Describe(RespWriter reply, KeySpec key)
    {
        reply.Map(3);
        reply.Bulk("flags"u8);
        Words(reply, key.Flags, "");
        Part(reply, "begin_search", key.Begin, key.Begin[0] == "index" ? ["index"] : key.Begin[0] == "keyword" ? ["keyword", "startfrom"] : []);
        Part(reply, "find_keys", key.How, key.How[0] == "range" ? ["lastkey", "keystep", "limit"] : key.How[0] == "keynum" ? ["keynumidx", "firstkey", "keystep"] : []);
    }

    private static void Part(RespWriter reply, string name, string[] part, string[] fields)
    {
        reply.Bulk(name);
        reply.Map(2);
        reply.Bulk("type"u8);
        reply.Bulk(part[0]);
        reply.Bulk("spec"u8);
        reply.Map(fields.Length);
        for (var i = 0; i < fields.Length; i++)
        {
            reply.Bulk(fields[i]);
            if (RespNumber.TryParse(Encoding.ASCII.GetBytes(part[i + 1]), out long number)) reply.Integer(number);
            else reply.Bulk(part[i + 1]);
        }
    }
}
