namespace Holdfast.Keyspace;

/// <summary>OBJECT: what a key's value looks like from inside.</summary>
internal sealed class ObjectCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "ENCODING <key>", "    Return the kind of internal representation used in order to store the value", "    associated with a <key>.",
        "FREQ <key>", "    Return the access frequency index of the <key>. The returned integer is", "    proportional to the logarithm of the recent access frequency of the key.", "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of", "    seconds elapsed since the last access to the key.", "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified", "    <key>.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("object|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes OBJECT");
        table.Bind("object|encoding", Encoding, "Says how a value is laid out");
        table.Bind("object|refcount", RefCount, "Says how many names a value has");
        table.Bind("object|idletime", IdleTime, "Says for how many seconds a key was not used");
        table.Bind("object|freq", Frequency, "Says how often a key is used, under an LFU policy");
    }

    private static bool TryFind(CommandCall call, out KeyPlace place)
    {
        place = call.Locate(2);
        if (!place.Exists) call.Reply.Null();
        return place.Exists;
    }

    private static void Encoding(CommandCall call)
    {
        if (!TryFind(call, out var place)) return;
        var isDated = place is { Kind: ValueKind.Hash, IsBig: false } && HashRun.IsDated(place.Bytes);
        call.Reply.Bulk(isDated ? "listpackex"u8 : ValueNames.NameOf(place.Encoding));
    }

    private static void RefCount(CommandCall call)
    {
        if (TryFind(call, out var place)) call.Reply.Integer(ReferencesOf(place));
    }

    /// <summary>How many names a value has. Redis keeps the numbers below ten thousand once for all keys, and says so by the greatest number there is; there is no telling the two apart from outside.</summary>
    public static int ReferencesOf(in KeyPlace place) => place is { Kind: ValueKind.String, Encoding: ValueEncoding.Int, Bytes.Length: <= 4 } && place.Bytes[0] != '-' ? int.MaxValue : 1;

    private static unsafe void IdleTime(CommandCall call)
    {
        if (!TryFind(call, out var place)) return;
        if (call.Node.Settings.IsLfu)
        {
            call.Reply.Error("ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."u8);
            return;
        }

        var seconds = (uint)(call.Now / 1000);
        var used = KeyRecord.Access(place.Record);
        call.Reply.Integer(used == 0 || used > seconds ? 0 : seconds - used);
    }

    private static unsafe void Frequency(CommandCall call)
    {
        if (!TryFind(call, out var place)) return;
        if (call.Node.Settings.IsLfu) call.Reply.Integer(call.Node.Eviction.Decayed(place.Record, (uint)(call.Now / 1000)));
        else call.Reply.Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."u8);
    }
}
