using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Executes a command: reads its arguments from the call, changes keys through it, and writes exactly one reply to it.</summary>
internal delegate void CommandHandler(CommandCall call);

/// <summary>Where a command is executed.</summary>
internal enum CommandPlace : byte
{
    /// <summary>On the shard of its keys, at append.</summary>
    Shard = 0,

    /// <summary>On the node: it touches no keys.</summary>
    Node = 1,

    /// <summary>On every shard that is led here, one after the other; the last one replies.</summary>
    EveryShard = 2,

    /// <summary>By the connection itself, before anything is executed (MULTI, EXEC, …).</summary>
    Connection = 3,

    /// <summary>On the shard of its keys; one without keys on any shard that is led here, or on the node when there is none (scripts).</summary>
    AnyShard = 4,
}

/// <summary>What is known of a command: facts, and who executes it. Immutable once the table is built.</summary>
internal sealed class CommandSpec
{
    /// <summary>Its number in the table, for sets of commands.</summary>
    public int Id { get; set; }

    /// <summary>Lower case; of a subcommand "client|list".</summary>
    public required string Name { get; init; }

    /// <summary>How many arguments, the name included; negative: at least so many.</summary>
    public required int Arity { get; init; }

    public required CommandFlags Flags { get; init; }

    /// <summary>The place of the first key among the arguments, of the last (negative: from the end) and the distance between keys; zeros when they are found otherwise.</summary>
    public required (int First, int Last, int Step) Range { get; init; }

    /// <summary>The ACL categories, without their at signs.</summary>
    public required string[] Categories { get; init; }

    /// <summary>The family, as COMMAND DOCS names it.</summary>
    public required string Group { get; init; }

    /// <summary>The version of Redis that had it first.</summary>
    public required string Since { get; init; }

    /// <summary>Hints for clients and proxies, as COMMAND gives them.</summary>
    public required string[] Hints { get; init; }

    /// <summary>Where its keys are.</summary>
    public required KeySpec[] Keys { get; init; }

    /// <summary>Whether it may name keys: those of SSUBSCRIBE and its like are channels, which have slots and are no keys.</summary>
    public bool HasKeys => MoreKeys is not null || Keys.Any(static key => !key.IsNoKey);

    /// <summary>What it does, in a sentence of ours; empty while nobody has written one.</summary>
    public string Summary { get; set; } = "";

    /// <summary>Its subcommands by name; null for a command without.</summary>
    public SortedDictionary<string, CommandSpec>? Subcommands { get; set; }

    /// <summary>Who executes it; <see cref="Unbound"/> while nobody does.</summary>
    public CommandHandler Handler
    {
        get;
        set => (field, IsHandled) = (value, value != Unbound);
    } = Unbound;

    /// <summary>Whether anybody executes it itself, and not only its subcommands. Kept, because every command asks, and the runtime compares delegates slowly.</summary>
    public bool IsHandled { get; private set; }

    public CommandPlace Place { get; set; }

    /// <summary>What is counted of it on this node.</summary>
    public CommandStatistics Statistics { get; private init; } = new();

    /// <summary>It looks at a key without that counting as use (OBJECT, TTL …).</summary>
    public bool TouchesNothing { get; set; }

    /// <summary>It looks keys up as one that reads: hits and misses are counted.</summary>
    public bool CountsLookups => Has(CommandFlags.ReadOnly) || ReadsToo;

    /// <summary>It changes keys, and replies what was there.</summary>
    public bool ReadsToo { get; set; }

    /// <summary>Finds keys that the key specs cannot describe (SORT … STORE), and drops those that are not meant (MIGRATE's word, or those behind KEYS); null when they can.</summary>
    public Action<RespArguments, List<int>>? MoreKeys { get; set; }

    /// <summary>Whether clients may not call it: it stands in effects only.</summary>
    public bool IsInternal { get; init; }

    public bool IsBound => IsHandled || Subcommands is { } subcommands && subcommands.Values.Any(each => each.IsBound);

    public bool Has(CommandFlags flag) => (Flags & flag) != 0;

    /// <summary>Whether so many arguments may be.</summary>
    public bool Takes(int arguments) => Arity >= 0 ? arguments == Arity : arguments >= -Arity;

    /// <summary>Finds another way for some arguments (DEBUG RELOAD, which goes to shards); null for a command that has one way.</summary>
    public Func<CommandSpec, RespArguments, CommandSpec?>? Otherwise { get; set; }

    /// <summary>The same command, executed elsewhere by somebody else: for leave, counts and arguments it is this one.</summary>
    public CommandSpec On(CommandPlace place, CommandHandler handler) => new() { Id = Id, Name = Name, Arity = Arity, Flags = Flags, Range = Range, Categories = Categories, Group = Group, Since = Since, Hints = Hints, Keys = Keys, Summary = Summary, Handler = handler, Place = place, Statistics = Statistics };

    /// <summary>The slot of its first key; -1 for none.</summary>
    public int SlotOf(RespArguments arguments)
    {
        if (Range.First > 0) return Range.First < arguments.Count ? KeySlot.Of(arguments[Range.First]) : -1;
        foreach (var key in Keys)
        {
            var (first, _, _) = key.Find(arguments);
            if (first > 0 && first < arguments.Count) return KeySlot.Of(arguments[first]);
        }

        return -1;
    }

    /// <summary>The places of its keys among the arguments.</summary>
    public void FindKeys(RespArguments arguments, List<int> places)
    {
        places.Clear();
        foreach (var key in Keys)
        {
            var (first, last, step) = key.Find(arguments);
            for (var at = first; first > 0 && at <= last && at < arguments.Count; at += step)
                if (Keys.Length == 1 || !places.Contains(at) || places.Count > 64) places.Add(at);
        }

        MoreKeys?.Invoke(arguments, places);
    }

    /// <summary>What the command does with the key at a place: it needs that leave.</summary>
    public KeyAccess AccessOf(RespArguments arguments, int place)
    {
        if (Name == "set") return Mentions(arguments, 3, "GET"u8) ? KeyAccess.All : KeyAccess.Write;
        if (Name == "bitfield") return Mentions(arguments, 2, "SET"u8) || Mentions(arguments, 2, "INCRBY"u8) ? KeyAccess.All : KeyAccess.Read;
        foreach (var key in Keys)
        {
            var (first, last, step) = key.Find(arguments);
            if (first > 0 && place >= first && place <= last && (step <= 0 || (place - first) % step == 0)) return key.Access;
        }

        // Found by MoreKeys: where SORT and its like store.
        return Has(CommandFlags.Write) ? KeyAccess.Write : KeyAccess.Read;
    }

    /// <summary>What is done with the key at a place, in Redis's words.</summary>
    public string[] FlagsOf(RespArguments arguments, int place)
    {
        if (Name == "set") return Mentions(arguments, 3, "GET"u8) ? ["RW", "access", "update"] : ["OW", "update"];
        if (Name == "bitfield") return AccessOf(arguments, place) == KeyAccess.Read ? ["RO", "access"] : ["RW", "access", "update"];
        foreach (var key in Keys)
        {
            var (first, last, step) = key.Find(arguments);
            if (first > 0 && place >= first && place <= last && (step <= 0 || (place - first) % step == 0)) return key.Flags;
        }

        return ["OW", "update"];
    }

    private static bool Mentions(RespArguments arguments, int from, ReadOnlySpan<byte> word)
    {
        for (var i = from; i < arguments.Count; i++)
            if (System.Text.Ascii.EqualsIgnoreCase(arguments[i], word)) return true;
        return false;
    }

    internal static void Unbound(CommandCall call) => call.Reply.Error("ERR this command is not served");
}
