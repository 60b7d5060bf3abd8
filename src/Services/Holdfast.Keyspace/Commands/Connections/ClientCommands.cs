using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>CLIENT: what the server knows of its clients.</summary>
internal sealed class ClientCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CACHING (YES|NO)", "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.", "GETREDIR",
        "    Return the client ID we are redirecting to when tracking is enabled.", "GETNAME", "    Return the name of the current connection.", "ID", "    Return the ID of the current connection.", "INFO",
        "    Return information about the current client connection.", "KILL <ip:port>", "    Kill connection made from <ip:port>.", "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are:", "    * ADDR (<ip:port>|<unixsocket>:0)", "      Kill connections made from the specified address", "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made to specified local address", "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "      Kill connections by type.", "    * USER <username>",
        "      Kill connections authenticated by <username>.", "    * SKIPME (YES|NO)", "      Skip killing current connection (default: yes).", "LIST [options ...]",
        "    Return information about client connections. Options:", "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "      Return clients of specified type.", "UNPAUSE",
        "    Stop the current client pause, resuming traffic.", "PAUSE <timeout> [WRITE|ALL]", "    Suspend all, or just write, clients for <timeout> milliseconds.", "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.", "SETNAME <name>", "    Assign the name <name> to the current connection.", "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Unblock the specified blocked client.", "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]", "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Control server assisted client side caching.", "TRACKINGINFO", "    Report tracking status for the current connection.", "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("client|id", call => call.Reply.Integer(call.Client!.Id), "Returns the connection's number");
        table.Bind("client|getname", GetName, "Returns the connection's name");
        table.Bind("client|setname", SetName, "Names the connection");
        table.Bind("client|setinfo", SetLibrary, "Says which client library is used");
        table.Bind("client|info", call => call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(Line(call.Node, call.Client!) + "\n")), "Describes this connection");
        table.Bind("client|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes CLIENT");
        table.Bind("client|list", List, "Describes all connections");
        table.Bind("client|no-touch", call => SetTrait(call, (traits, on) => traits.IsNoTouch = on), "Lets the connection's reads not count as use of keys");
        table.Bind("client|no-evict", call => SetTrait(call, (traits, on) => traits.IsNoEvict = on), "Keeps the connection even when memory is short");
    }

    /// <summary>A name without spaces or line ends; otherwise the error is the reply.</summary>
    public static bool TryName(CommandCall call, ReadOnlySpan<byte> bytes, out string name)
    {
        name = Encoding.UTF8.GetString(bytes);
        if (bytes.IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0) return true;
        call.Reply.Error("ERR Client names cannot contain spaces, newlines or special characters."u8);
        return false;
    }

    private static void GetName(CommandCall call)
    {
        if (call.Client!.Traits.Name.Length > 0) call.Reply.Bulk(call.Client.Traits.Name);
        else call.Reply.Null();
    }

    private static void SetName(CommandCall call)
    {
        if (!TryName(call, call[2], out var name)) return;
        call.Client!.Traits.Name = name;
        call.Reply.Ok();
    }

    private static void SetLibrary(CommandCall call)
    {
        var traits = call.Client!.Traits;
        var value = Encoding.UTF8.GetString(call[3]);
        if (call[3].IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0)
        {
            call.Reply.Error($"ERR {(call.Is(2, "LIB-NAME"u8) ? "lib-name" : "lib-ver")} cannot contain spaces, newlines or special characters.");
            return;
        }

        if (call.Is(2, "LIB-NAME"u8)) traits.LibraryName = value;
        else if (call.Is(2, "LIB-VER"u8)) traits.LibraryVersion = value;
        else
        {
            call.Reply.Error($"ERR Unrecognized option '{Encoding.UTF8.GetString(call[2])}'");
            return;
        }

        call.Reply.Ok();
    }

    private static void List(CommandCall call)
    {
        var text = new StringBuilder();
        if (call.Count > 2 && call.Is(2, "ID"u8) && call.Count > 3)
        {
            for (var at = 3; at < call.Count; at++)
            {
                if (!Wire.Resp.RespNumber.TryParse(call[at], out long id) || id < 1)
                {
                    call.Reply.Error("ERR Invalid client ID"u8);
                    return;
                }

                if (call.Node.Clients.TryGetValue(id, out var known)) text.Append(Line(call.Node, known)).Append('\n');
            }
        }
        else if (call.Count == 2 || (call.Count == 4 && call.Is(2, "TYPE"u8)))
        {
            Func<ClientSession, bool> isOfType = static _ => true;
            if (call.Count == 4 && !TryType(call, 3, out isOfType)) return;
            foreach (var (_, client) in call.Node.Clients)
                if (isOfType(client)) text.Append(Line(call.Node, client)).Append('\n');
        }
        else
        {
            call.SyntaxError();
            return;
        }

        call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>Reads a type of clients; otherwise the error is the reply.</summary>
    public static bool TryType(CommandCall call, int argument, out Func<ClientSession, bool> isOfType)
    {
        isOfType = static client => !client.Subscribed.IsAny;
        if (call.Is(argument, "NORMAL"u8)) return true;
        isOfType = static client => client.Subscribed.IsAny;
        if (call.Is(argument, "PUBSUB"u8)) return true;
        isOfType = static _ => false;
        if (call.Is(argument, "MASTER"u8) || call.Is(argument, "REPLICA"u8) || call.Is(argument, "SLAVE"u8)) return true;
        call.Reply.Error($"ERR Unknown client type '{Encoding.UTF8.GetString(call[argument])}'");
        return false;
    }

    private static void SetTrait(CommandCall call, Action<ClientTraits, bool> set)
    {
        if (!call.Is(2, "ON"u8) && !call.Is(2, "OFF"u8))
        {
            call.SyntaxError();
            return;
        }

        set(call.Client!.Traits, call.Is(2, "ON"u8));
        call.Reply.Ok();
    }

    internal static string Line(KeyspaceNode node, ClientSession client)
    {
        var traits = client.Traits;
        var flags = FlagsOf(node, client);
        var seconds = (node.WallMicros - client.ConnectedMicros) / 1_000_000;
        var idle = (node.WallMicros - Math.Max(client.LastMicros, client.ConnectedMicros)) / 1_000_000;
        var queued = client.Transaction.IsOpen ? client.Transaction.Queued.Count : -1;
        var queuedBytes = client.Transaction.Queued.Sum(static each => each.Arguments.Bytes);
        return string.Create(CultureInfo.InvariantCulture,
            $"id={client.Id} addr={traits.Address} laddr={traits.LocalAddress} fd={traits.Descriptor} name={traits.Name} age={seconds} idle={idle} flags={(flags.Length == 0 ? "N" : flags)} db=0 sub={client.Subscribed.Channels.Count} psub={client.Subscribed.Patterns.Count} ssub={client.Subscribed.ShardChannels.Count} multi={queued} qbuf={client.Input.Length} qbuf-free={client.Input.Capacity - client.Input.Length} argv-mem=0 multi-mem={queuedBytes} rbs=0 rbp=0 obl={Math.Min(client.Replies.Length, ReplyQueue.BlockBytes)} oll={client.Replies.Blocks} omem={client.Replies.Blocks * (long)ReplyQueue.BlockBytes} tot-mem={client.Input.Capacity + client.Replies.Capacity} events=r cmd={client.LastCommand} user={client.User?.Name ?? AclUser.Default} redir={(client.Tracking.IsOn ? client.Tracking.Redirect : -1)} resp={client.Replies.Writer.Protocol} lib-name={traits.LibraryName} lib-ver={traits.LibraryVersion}");
    }

    /// <summary>A letter for everything that is not usual about a client, in Redis's order.</summary>
    private static string FlagsOf(KeyspaceNode node, ClientSession client)
    {
        var tracking = client.Tracking;
        (bool Is, char Letter)[] all =
        [
            (node.Meter.Monitors.Contains(client), 'O'), (client.Subscribed.IsAny, 'P'), (client.Transaction.IsOpen, 'x'), (client.IsBlocked || client.IsPaused, 'b'), (tracking.IsOn, 't'), (tracking.IsBroken, 'R'), (tracking.IsBroadcast, 'B'),
            (client.Transaction.IsBroken, 'd'), (client.IsLeaving, 'c'), (client.IsReadOnly, 'r'), (client.Traits.IsNoEvict, 'e'), (client.Traits.IsNoTouch, 'T'),
        ];
        return string.Concat(all.Where(static each => each.Is).Select(static each => each.Letter));
    }
}
