using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>ACL: users and what they may do, for the whole cluster.</summary>
internal sealed class AclCommands : ICommandFamily
{
    private const string NoFile = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.";

    private static readonly string[] Help =
    [
        "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CAT [<category>]", "    List all commands that belong to <category>, or all command categories", "    when no category is specified.",
        "DELUSER <username> [<username> ...]", "    Delete a list of users.", "DRYRUN <username> <command> [<arg> ...]", "    Returns whether the user can execute the given command without executing the command.",
        "GETUSER <username>", "    Get the user's details.", "GENPASS [<bits>]", "    Generate a secure 256-bit user password. The optional `bits` argument can", "    be used to specify a different size.",
        "LIST", "    Show users details in config file format.", "LOAD", "    Reload users from the ACL file.", "LOG [<count> | RESET]", "    Show the ACL log entries.", "SAVE", "    Save the current config to the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]", "    Create or modify a user with the specified attributes.", "USERS", "    List all the registered usernames.", "WHOAMI",
        "    Return the current connection username.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("acl|cat", Categories, "Lists the categories of commands, or the commands of one");
        table.Bind("acl|deluser", Delete, "Deletes users and cuts off who is signed in as one of them");
        table.Bind("acl|dryrun", DryRun, "Says whether a user might execute a command");
        table.Bind("acl|genpass", Draw, "Draws a password");
        table.Bind("acl|getuser", Get, "Describes a user");
        table.Bind("acl|list", List, "Lists the users with their rules");
        table.Bind("acl|load", call => call.Reply.Error(NoFile), "Reads users from a file; there is none");
        table.Bind("acl|log", Log, "Lists what was refused lately");
        table.Bind("acl|save", call => call.Reply.Error(NoFile), "Writes users to a file; there is none");
        table.Bind("acl|setuser", Set, "Creates or changes a user, on all nodes");
        table.Bind("acl|users", Names, "Lists the users' names");
        table.Bind("acl|whoami", call => call.Reply.Bulk(call.Client!.User?.Name ?? AclUser.Default), "Says as whom the connection is signed in");
        table.Bind("acl|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes ACL");
    }

    private static string Text(CommandCall call, int at) => Encoding.Latin1.GetString(call[at]);

    private static void Bulk(RespWriter reply, string text) => reply.Bulk(Encoding.Latin1.GetBytes(text));

    private static void Categories(CommandCall call)
    {
        if (call.Count > 3)
        {
            call.WrongSubcommand();
            return;
        }

        if (call.Count == 2)
        {
            call.Reply.Array(AclCategories.All.Count);
            foreach (var category in AclCategories.All) call.Reply.Bulk(category);
            return;
        }

        var wanted = Text(call, 2).ToLowerInvariant();
        if (!AclCategories.All.Contains(wanted))
        {
            call.Reply.Error($"ERR Unknown category '{Text(call, 2)}'");
            return;
        }

        var specs = call.Node.Table.Specs.Where(spec => spec.Categories.Contains(wanted)).ToArray();
        call.Reply.Array(specs.Length);
        foreach (var spec in specs) call.Reply.Bulk(spec.Name);
    }

    private static void Set(CommandCall call)
    {
        var name = Text(call, 2);
        if (name.Any(letter => letter is ' ' or '\0' or (>= '\t' and <= '\r')))
        {
            call.Reply.Error("ERR Usernames can't contain spaces or null characters"u8);
            return;
        }

        var rules = new List<string>();
        for (var i = 3; i < call.Count; i++) rules.Add(Text(call, i));
        Change(call, name, rules, reply => reply.Ok());
    }

    /// <summary>Makes a user as rules change him, and shares him with all nodes.</summary>
    public static void Change(CommandCall call, string name, IReadOnlyList<string> rules, Action<RespWriter> reply)
    {
        var user = new AclUser(name, call.Node.Table);
        if (call.Node.Users.Find(name) is { } known) user.Apply(known.Describe().Split(' '));
        else if (call.Node.Settings.NewUsersHaveChannels) user.Apply(["allchannels"]);
        if (user.Apply(rules) is { } fault) call.Reply.Error(fault);
        else call.Node.Shared.Change(call, [(AclUsers.Prefix + name, user.Describe())], reply);
    }

    private static void Delete(CommandCall call)
    {
        var changes = new List<(string, string)>();
        for (var i = 2; i < call.Count; i++)
        {
            var name = Text(call, i);
            if (name == AclUser.Default)
            {
                call.Reply.Error("ERR The 'default' user cannot be removed"u8);
                return;
            }

            if (call.Node.Users.Find(name) is not null && !changes.Contains((AclUsers.Prefix + name, ""))) changes.Add((AclUsers.Prefix + name, ""));
        }

        call.Node.Shared.Change(call, changes, reply => reply.Integer(changes.Count));
    }

    private static void Names(CommandCall call)
    {
        call.Reply.Array(call.Node.Users.All.Count);
        foreach (var name in call.Node.Users.All.Keys) Bulk(call.Reply, name);
    }

    private static void List(CommandCall call)
    {
        call.Reply.Array(call.Node.Users.All.Count);
        foreach (var user in call.Node.Users.All.Values) Bulk(call.Reply, $"user {user.Name} {user.Describe()}");
    }

    private static void Get(CommandCall call)
    {
        if (call.Node.Users.Find(Text(call, 2)) is not { } user)
        {
            call.Reply.Null();
            return;
        }

        var reply = call.Reply;
        reply.Map(6);
        reply.Bulk("flags"u8);
        reply.Set(user.Flags.Count());
        foreach (var flag in user.Flags) reply.Bulk(flag);
        reply.Bulk("passwords"u8);
        reply.Array(user.Passwords.Count);
        foreach (var password in user.Passwords) reply.Bulk(password);
        DescribeSelector(reply, user.Selectors[0]);
        reply.Bulk("selectors"u8);
        reply.Array(user.Selectors.Count - 1);
        foreach (var selector in user.Selectors.Skip(1))
        {
            reply.Map(3);
            DescribeSelector(reply, selector);
        }
    }

    private static void DescribeSelector(RespWriter reply, AclSelector selector)
    {
        reply.Bulk("commands"u8);
        Bulk(reply, selector.DescribeCommands());
        reply.Bulk("keys"u8);
        Bulk(reply, selector.DescribeKeys());
        reply.Bulk("channels"u8);
        Bulk(reply, selector.DescribeChannels());
    }

    private static void Draw(CommandCall call)
    {
        var bits = 256L;
        if (call.Count > 3)
        {
            call.WrongSubcommand();
            return;
        }

        if (call.Count == 3 && !call.TryInteger(2, out bits)) return;
        if (bits is < 1 or > 4096)
        {
            call.Reply.Error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"u8);
            return;
        }

        var digits = new StringBuilder();
        foreach (var drawn in call.Node.DrawSecret((int)((bits + 7) / 8) + 1)) digits.Append(CultureInfo.InvariantCulture, $"{drawn:x2}");
        call.Reply.Bulk(digits.ToString(0, (int)((bits + 3) / 4)));
    }

    private static void DryRun(CommandCall call)
    {
        if (call.Node.Users.Find(Text(call, 2)) is not { } user)
        {
            call.Reply.Error($"ERR User '{Text(call, 2)}' not found");
            return;
        }

        var words = new RespArguments();
        var all = new RespArguments();
        all.CopyFrom(call.Arguments);
        words.Begin(all.Source);
        var start = 0;
        for (var i = 0; i < all.Count; i++)
        {
            if (i > 2) words.Add(start, all[i].Length);
            start += all[i].Length;
        }

        if (RequestRouter.Find(call.Node.Table, words, out var fault) is not { } spec)
        {
            call.Reply.Error(fault.StartsWith("ERR unknown", StringComparison.Ordinal) ? $"ERR Command '{Text(call, 3)}' not found" : fault);
            return;
        }

        switch (user.Check(spec, words, call.Node.Places, out var about))
        {
            case AclVerdict.Allowed: call.Reply.Ok(); break;
            case AclVerdict.Command: Bulk(call.Reply, $"This user has no permissions to run the '{about}' command"); break;
            case AclVerdict.Key: Bulk(call.Reply, $"This user has no permissions to access the '{about}' key"); break;
            default: Bulk(call.Reply, $"This user has no permissions to access the '{about}' channel"); break;
        }
    }

    private static void Log(CommandCall call)
    {
        var count = 10L;
        if (call.Count > 3)
        {
            call.WrongSubcommand();
            return;
        }

        if (call.Count == 3)
        {
            if (call.Is(2, "RESET"u8))
            {
                call.Node.AclLog.Clear();
                call.Reply.Ok();
                return;
            }

            if (!call.TryInteger(2, out count)) return;
        }

        var entries = call.Node.AclLog.Entries.Take((int)Math.Clamp(count, 0, AclLog.EntriesMax)).ToArray();
        var reply = call.Reply;
        reply.Array(entries.Length);
        foreach (var entry in entries)
        {
            reply.Map(7);
            reply.Bulk("count"u8);
            reply.Integer(entry.Count);
            reply.Bulk("reason"u8);
            reply.Bulk(entry.Verdict switch { AclVerdict.Command => "command", AclVerdict.Key => "key", AclVerdict.Channel => "channel", _ => "auth" });
            reply.Bulk("context"u8);
            reply.Bulk(entry.Context);
            reply.Bulk("object"u8);
            Bulk(reply, entry.Subject);
            reply.Bulk("username"u8);
            Bulk(reply, entry.User);
            reply.Bulk("age-seconds"u8);
            reply.Double((call.Node.WallMicros - entry.AtMicros) / 1000 / 1000.0);
            reply.Bulk("client-info"u8);
            reply.Bulk(entry.Client);
        }
    }
}
