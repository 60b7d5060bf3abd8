using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// DEBUG: what tests of clients ask a server to do. Refused unless the node was started with it (enable-debug-command, as Redis since 7.0). What would end a server, or stop its loop for good, is not there: a node that sleeps
/// holds all clients' commands back, and goes on being a member of its cluster.
/// </summary>
internal sealed class DebugCommands : ICommandFamily
{
    private const double SleepSecondsMax = 3600;

    private static readonly string[] Help =
    [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CHANGE-REPL-ID", "    Change the replication ID that INFO shows.", "ERROR <string>", "    Return a Redis protocol error with <string> as message.",
        "LOG <message>", "    Write <message> to the server log.", "OBJECT <key>", "    Show low level info about <key> and its value.", "PROTOCOL <type>", "    Reply with a test value of the specified type. <type> can be: string,",
        "    integer, double, bignum, null, array, set, map, attrib, push, verbatim, true, false.", "QUICKLIST-PACKED-THRESHOLD <size>", "    Accepted; lists here have no plain nodes.", "SET-ACTIVE-EXPIRE <0|1>",
        "    Setting it to 0 disables expiring keys in background when they are not", "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the", "    default.", "SLEEP <seconds>",
        "    Hold all clients' commands back for <seconds>. Decimals allowed.", "HELP", "    Prints this help.",
    ];

    private readonly RdbWriter serialized = new();

    public void Bind(CommandTable table) => table.Bind("debug", Debug, "Does what tests of clients ask for, on a node that was started with leave for it");

    private void Debug(CommandCall call)
    {
        var allowed = call.Node.Options.DebugCommand;
        var isLocal = call.Client!.Traits.Address is var address && (address.StartsWith("127.", StringComparison.Ordinal) || address.StartsWith("[::1]", StringComparison.Ordinal));
        if (allowed != "yes" && !(allowed == "local" && isLocal))
        {
            call.Reply.Error("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."u8);
            return;
        }

        var what = Encoding.ASCII.GetString(call[1]).ToLowerInvariant();
        switch (what, call.Count)
        {
            case ("help", 2): ScriptCommands.ReplyHelp(call, Help); break;
            case ("sleep", 3): Sleep(call); break;
            case ("error", 3): call.Reply.Error(Encoding.Latin1.GetString(call[2])); break;
            case ("log", 3):
                call.Node.Say?.Invoke(true, "DEBUG LOG: " + Encoding.UTF8.GetString(call[2]));
                call.Reply.Ok();
                break;
            case ("object", >= 3): DescribeObject(call); break;
            case ("protocol", 3): DebugProtocol.Reply(call); break;
            case ("quicklist-packed-threshold", 3): call.Reply.Ok(); break;
            case ("set-active-expire", 3):
                call.Node.ExpiresActively = RespNumber.TryParse(call[2], out long on) && on != 0;
                call.Reply.Ok();
                break;
            case ("change-repl-id", 2):
                call.Node.ReplicationChanges++;
                call.Reply.Ok();
                break;
            default: call.Reply.Error($"ERR unknown subcommand or wrong number of arguments for '{Encoding.ASCII.GetString(call[1])}'. Try DEBUG HELP."); break;
        }
    }

    /// <summary>As in Redis nobody is answered for so long; unlike there, the node goes on beating and voting.</summary>
    private static void Sleep(CommandCall call)
    {
        if (!double.TryParse(call[2], NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)) seconds = 0; // As strtod does.
        var node = call.Node;
        var until = node.Now + TimeSpan.FromSeconds(Math.Clamp(seconds, 0, SleepSecondsMax));
        if (call.Client is not { Transaction.IsOpen: false } client || until <= node.Now)
        {
            call.Reply.Ok();
            return;
        }

        node.Pause.Begin(until, onlyWrites: false);
        var later = client.ReplyLater();
        node.Waits.At(until, () => later(static writer => writer.Ok()));
    }

    private void DescribeObject(CommandCall call)
    {
        var slot = KeySlot.Of(call[2]);
        var place = default(KeyPlace);
        CommandCall? there = null;
        if (call.Node.Topology.SeatOf(slot) is { Log.IsLedHere: true } seat && seat.Machine.State.Slots.Owned[slot])
        {
            there = seat.Machine.ReadCall;
            there.TimeMicros = call.Node.WallMicros;
            place = seat.Machine.Keyspace.Locate(call[2], slot);
        }

        if (there is null || !place.Exists || (place.Expiry >= 0 && place.Expiry < there.Now) || DumpForms.Of(place.Kind) is not { } form)
        {
            call.Reply.Error("ERR no such key"u8);
            return;
        }

        serialized.Clear();
        form.Write(there, place, serialized);
        var (used, idle) = UseOf(place, there.Now);
        call.Reply.Simple(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"Value at:0x{AddressOf(place):x12} refcount:1 encoding:{Encoding.ASCII.GetString(ValueNames.NameOf(place.Encoding))} serializedlength:{serialized.Written.Length - 1} lru:{used & 0xFFFFFF} lru_seconds_idle:{idle}")));
    }

    private static unsafe long AddressOf(in KeyPlace place) => (nint)place.Record;

    private static unsafe (uint Used, uint Idle) UseOf(in KeyPlace place, long now)
    {
        var (used, seconds) = (KeyRecord.Access(place.Record), (uint)(now / 1000));
        return (used, used == 0 || used > seconds ? 0 : seconds - used);
    }
}
