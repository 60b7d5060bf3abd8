using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>CLIENT KILL, PAUSE and REPLY: what one client does to others, and to its own replies.</summary>
internal sealed class ClientControlCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("client|kill", Kill, "Cuts connections off");
        table.Bind("client|pause", Pause, "Lets commands, or those that write, wait for a while");
        table.Bind("client|unpause", Unpause, "Lets commands wait no longer");
        table.Bind("client|reply", Reply, "Says whether replies are wanted");
    }

    private static void Kill(CommandCall call)
    {
        if (call.Count == 3)
        {
            var address = Encoding.UTF8.GetString(call[2]);
            var found = call.Node.Clients.Values.FirstOrDefault(client => client.Traits.Address == address);
            if (found is null)
            {
                call.Reply.Error("ERR No such client"u8);
                return;
            }

            End(call, found);
            call.Reply.Ok();
            return;
        }

        if (!TryFilter(call, out var filter, out var skipsMe)) return;
        var killed = call.Node.Clients.Values.Where(client => filter(client) && !(skipsMe && client == call.Client)).ToArray();
        foreach (var client in killed) End(call, client);
        call.Reply.Integer(killed.Length);
    }

    /// <summary>Oneself leaves after the reply, others at once.</summary>
    private static void End(CommandCall call, ClientSession client)
    {
        if (client == call.Client) client.IsLeaving = true;
        else client.Close();
    }

    private static bool TryFilter(CommandCall call, out Func<ClientSession, bool> filter, out bool skipsMe)
    {
        filter = static _ => true;
        skipsMe = true;
        for (var at = 2; at < call.Count; at += 2)
        {
            if (at + 1 >= call.Count)
            {
                call.SyntaxError();
                return false;
            }

            var before = filter;
            var value = Encoding.UTF8.GetString(call[at + 1]);
            if (call.Is(at, "ID"u8))
            {
                if (!RespNumber.TryParse(call[at + 1], out long id) || id < 1)
                {
                    call.Reply.Error("ERR client-id should be greater than 0"u8);
                    return false;
                }

                filter = client => before(client) && client.Id == id;
            }
            else if (call.Is(at, "TYPE"u8))
            {
                if (!ClientCommands.TryType(call, at + 1, out var isNormal)) return false;
                filter = client => before(client) && isNormal(client);
            }
            else if (call.Is(at, "ADDR"u8)) filter = client => before(client) && client.Traits.Address == value;
            else if (call.Is(at, "LADDR"u8)) filter = client => before(client) && client.Traits.LocalAddress == value;
            else if (call.Is(at, "USER"u8))
            {
                if (call.Node.Users.Find(value) is null)
                {
                    call.Reply.Error($"ERR No such user '{value}'");
                    return false;
                }

                filter = client => before(client) && client.User?.Name == value;
            }
            else if (call.Is(at, "SKIPME"u8) && (call.Is(at + 1, "YES"u8) || call.Is(at + 1, "NO"u8))) skipsMe = call.Is(at + 1, "YES"u8);
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }

    private static void Pause(CommandCall call)
    {
        var writesOnly = false;
        if (call.Count == 4)
        {
            writesOnly = call.Is(3, "WRITE"u8);
            if (!writesOnly && !call.Is(3, "ALL"u8))
            {
                call.Reply.Error("ERR CLIENT PAUSE mode must be WRITE or ALL"u8);
                return;
            }
        }

        if (!RespNumber.TryParse(call[2], out long milliseconds)) call.Reply.Error("ERR timeout is not an integer or out of range"u8);
        else if (milliseconds < 0) call.Reply.Error("ERR timeout is negative"u8);
        else
        {
            call.Node.Pause.Begin(call.Node.Now + TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue)), writesOnly);
            call.Reply.Ok();
        }
    }

    private static void Unpause(CommandCall call)
    {
        call.Node.Pause.End();
        call.Reply.Ok();
    }

    private static void Reply(CommandCall call)
    {
        var traits = call.Client!.Traits;
        if (call.Is(2, "ON"u8))
        {
            traits.Replying = ReplyMode.On;
            call.Reply.Ok();
        }
        else if (call.Is(2, "OFF"u8)) traits.Replying = ReplyMode.Off;
        else if (call.Is(2, "SKIP"u8)) traits.Replying = traits.Replying == ReplyMode.Off ? ReplyMode.Off : ReplyMode.SkipNext;
        else call.SyntaxError();
    }
}

/// <summary>Commands wait for a while (CLIENT PAUSE).</summary>
internal sealed class ClientPause
{
    private Instant until;
    private bool writesOnly;

    /// <summary>Whether a command has to wait now.</summary>
    public bool Holds(CommandSpec spec, RespArguments words, Transaction transaction, KeyspaceNode node)
    {
        if (node.Now >= until || spec.Name is "client|pause" or "client|unpause") return false;
        if (!writesOnly) return true;
        if (spec.Name != "exec") return Writes(spec, words, node);
        foreach (var (queued, arguments) in transaction.Queued)
            if (Writes(queued, arguments, node)) return true;
        return false;
    }

    /// <summary>Whether others may notice that it was executed: it changes keys, or publishes, or is a script that has not said that it does neither. (PFCOUNT keeps what it has counted.)</summary>
    private static bool Writes(CommandSpec spec, RespArguments words, KeyspaceNode node)
    {
        if (spec.Has(CommandFlags.Write) || spec.Has(CommandFlags.MayReplicate) || spec.Name is "publish" or "spublish" or "pfcount") return true;
        return spec is { Place: CommandPlace.AnyShard } && !spec.Has(CommandFlags.ReadOnly) && !EvalCommands.OnlyReads(spec, words, node);
    }

    /// <summary>A pause that lasts longer, or holds more, is not made less by another.</summary>
    public void Begin(Instant end, bool onlyWrites)
    {
        writesOnly = onlyWrites && (writesOnly || until == Instant.Zero);
        until = Instant.Max(until, end);
    }

    public void End() => (until, writesOnly) = (Instant.Zero, false);
}
