using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Asks whether a client may do what it wants, before anything is done; says no in Redis's words and writes it down.</summary>
internal static class AclGate
{
    /// <summary>The refusal; null for leave.</summary>
    public static string? Refusal(KeyspaceNode node, ClientSession client, CommandSpec spec, RespArguments words)
    {
        if (client.User is not { } user) return spec.Has(CommandFlags.NoAuth) ? null : "NOAUTH Authentication required.";
        if (user.IsUnlimited) return null;
        var verdict = user.Check(spec, words, node.Places, out var about);
        if (verdict == AclVerdict.Allowed) return null;
        Write(node, client, verdict, client.Transaction.IsOpen ? "multi" : "toplevel", about);
        return verdict switch
        {
            AclVerdict.Command => $"NOPERM this user has no permissions to run the '{spec.Name}' command",
            AclVerdict.Key => "NOPERM this user has no permissions to access one of the keys used as arguments",
            _ => "NOPERM this user has no permissions to access one of the channels used as arguments",
        };
    }

    /// <summary>The same for what was queued in a transaction that is being executed: leave may have been taken since.</summary>
    public static string? RefusalAtLast(KeyspaceNode node, ClientSession client, CommandSpec spec, RespArguments words)
    {
        var reason = "no permission";
        if (client.User is { } user)
        {
            if (user.IsUnlimited) return null;
            var verdict = user.Check(spec, words, node.Places, out var about);
            if (verdict == AclVerdict.Allowed) return null;
            Write(node, client, verdict, "multi", about);
            reason = verdict switch
            {
                AclVerdict.Command => "no permission to execute the command or subcommand",
                AclVerdict.Key => "no permission to touch the specified keys",
                _ => "no permission to access one of the channels used as arguments to the command",
            };
        }

        return $"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {reason}";
    }

    /// <summary>The same for what a script calls.</summary>
    public static string? RefusalInScript(KeyspaceNode node, ClientSession? client, CommandSpec spec, RespArguments words, List<int> places)
    {
        if (client?.User is not { IsUnlimited: false } user) return null;
        var verdict = user.Check(spec, words, places, out var about);
        if (verdict == AclVerdict.Allowed) return null;
        Write(node, client, verdict, "lua", about);
        return verdict switch
        {
            AclVerdict.Command => "ERR The user executing the script can't run this command or subcommand",
            AclVerdict.Key => "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
            _ => "ERR The user executing the script can't publish to the channel mentioned in the command",
        };
    }

    /// <summary>Writes a refusal down.</summary>
    public static void Write(KeyspaceNode node, ClientSession client, AclVerdict verdict, string context, string about, string? user = null) => node.AclLog.Add(new AclLogEntry
    {
        Verdict = verdict, Context = context, Subject = about, User = user ?? client.User?.Name ?? "", Client = ClientCommands.Line(node, client), AtMicros = node.WallMicros,
    }, node.Settings.RefusalsMax);
}
