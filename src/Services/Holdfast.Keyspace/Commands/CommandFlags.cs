namespace Holdfast.Keyspace;

/// <summary>What a command is, in Redis's own terms and in the order in which COMMAND lists them.</summary>
[Flags]
internal enum CommandFlags
{
    None = 0,
    Write = 1 << 0,
    ReadOnly = 1 << 1,
    DenyOom = 1 << 2,
    Module = 1 << 3,
    Admin = 1 << 4,
    PubSub = 1 << 5,
    NoScript = 1 << 6,
    Blocking = 1 << 7,
    Loading = 1 << 8,
    Stale = 1 << 9,
    SkipMonitor = 1 << 10,
    SkipSlowlog = 1 << 11,
    Asking = 1 << 12,
    Fast = 1 << 13,
    NoAuth = 1 << 14,
    MayReplicate = 1 << 15,
    NoMandatoryKeys = 1 << 16,
    Protected = 1 << 17,
    NoAsyncLoading = 1 << 18,
    NoMulti = 1 << 19,
    AllowBusy = 1 << 20,
    MovableKeys = 1 << 21,
}

internal static class CommandFlagNames
{
    private static readonly string[] Names =
    [
        "write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking", "loading", "stale", "skip_monitor", "skip_slowlog", "asking", "fast", "no_auth",
        "may_replicate", "no_mandatory_keys", "protected", "no_async_loading", "no_multi", "allow_busy", "movablekeys",
    ];

    public static CommandFlags Parse(string words)
    {
        var flags = CommandFlags.None;
        foreach (var word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var place = Array.IndexOf(Names, word);
            if (place >= 0) flags |= (CommandFlags)(1 << place);
        }

        return flags;
    }

    public static List<string> NamesOf(CommandFlags flags)
    {
        var names = new List<string>();
        for (var i = 0; i < Names.Length; i++)
            if (((int)flags & (1 << i)) != 0) names.Add(Names[i]);
        return names;
    }
}
