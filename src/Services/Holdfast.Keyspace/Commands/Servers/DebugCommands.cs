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
    private const long PackedBytesMax = 4L << 30;

    private static readonly string[] Help =
    [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CHANGE-REPL-ID", "    Change the replication ID that INFO shows.", "DIGEST", "    Output a hex signature of the keys of this node's slots.",
        "DIGEST-VALUE <key> [<key> ...]", "    Output a hex signature of the values of all the specified keys.", "ERROR <string>", "    Return a Redis protocol error with <string> as message.",
        "LOADAOF", "    As RELOAD.", "LISTPACK <key>", "    Say whether the value is one run of bytes.", "LOG <message>", "    Write <message> to the server log.", "OBJECT <key>", "    Show low level info about <key> and its value.",
        "PAUSE-CRON <0|1>", "    Setting it to 1 stops what the node does by itself for its keys.", "POPULATE <count> [<prefix>] [<size>]", "    Create <count> string keys named key:<num>, or <prefix>:<num>, those of this", "    node's slots.", "PROTOCOL <type>", "    Reply with a test value of the specified type. <type> can be: string,",
        "    integer, double, bignum, null, array, set, map, attrib, push, verbatim, true, false.", "QUICKLIST-PACKED-THRESHOLD <size>", "    Accepted; lists here have no plain nodes.",
        "RELOAD [MERGE] [NOFLUSH]", "    Write every value of this node's slots as RDB does, and read it back.", "SDSLEN <key>", "    Show the lengths of a key and of its string.", "SET-ACTIVE-EXPIRE <0|1>",
        "    Setting it to 0 disables expiring keys in background when they are not", "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the", "    default.", "SET-DISABLE-DENY-SCRIPTS <0|1>", "    Setting it to 1 lets scripts call DEBUG.", "SLEEP <seconds>",
        "    Hold all clients' commands back for <seconds>. Decimals allowed.", "STRINGMATCH-TEST", "    Match random patterns with random strings.", "HELP", "    Prints this help.",
    ];

    private readonly DebugKeys keys = new();
    private readonly RdbWriter serialized = new();

    public void Bind(CommandTable table) => table.Bind("debug", Debug, "Does what tests of clients ask for, on a node that was started with leave for it").Otherwise = keys.Find;

    /// <summary>Whether its client may; otherwise the error is the reply.</summary>
    public static bool MayDebug(CommandCall call)
    {
        var allowed = call.Node.Options.DebugCommand;
        var isLocal = call.Client!.Traits.Address is var address && (address.StartsWith("127.", StringComparison.Ordinal) || address.StartsWith("[::1]", StringComparison.Ordinal));
        if (allowed == "yes" || (allowed == "local" && isLocal)) return true;
        call.Reply.Error("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."u8);
        return false;
    }

    private void Debug(CommandCall call)
    {
        if (!MayDebug(call)) return;
        var what = Encoding.ASCII.GetString(call[1]).ToLowerInvariant();
        switch (what, call.Count)
        {
            case ("help", 2): ScriptCommands.ReplyHelp(call, Help); break;
            case ("digest", 2): Digest(call); break;
            case ("digest-value", >= 2): DigestValues(call); break;
            case ("sleep", 3): Sleep(call); break;
            case ("stringmatch-test", 2): MatchAtRandom(call); break;
            case ("error", 3): call.Reply.Error(Encoding.Latin1.GetString(call[2])); break;
            case ("log", 3):
                call.Node.Say?.Invoke(true, "DEBUG LOG: " + Encoding.UTF8.GetString(call[2]));
                call.Reply.Ok();
                break;
            case ("object", >= 3): DescribeObject(call); break;
            case ("protocol", 3): DebugProtocol.Reply(call); break;
            case ("quicklist-packed-threshold", 3):
                if (Setting.ParseMemory(Encoding.ASCII.GetString(call[2])) is null or > PackedBytesMax) call.Reply.Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb"u8);
                else call.Reply.Ok();
                break;
            case ("listpack", 3): TellListpack(call); break;
            case ("sdslen", 3): TellLengths(call); break;
            case ("pause-cron", 3):
                call.Node.IsCronPaused = RespNumber.TryParse(call[2], out long paused) && paused != 0;
                call.Reply.Ok();
                break;
            case ("set-active-expire", 3):
                call.Node.ExpiresActively = RespNumber.TryParse(call[2], out long on) && on != 0;
                call.Reply.Ok();
                break;
            case ("set-disable-deny-scripts", 3):
                call.Node.ScriptsMayDebug = RespNumber.TryParse(call[2], out long allowed) && allowed != 0;
                call.Reply.Ok();
                break;
            case ("change-repl-id", 2):
                call.Node.ReplicationChanges++;
                call.Reply.Ok();
                break;
            default: call.WrongSubcommand(); break;
        }
    }

    /// <summary>As in Redis nobody is answered for so long; unlike there, the node goes on beating and voting.</summary>
    private static void Sleep(CommandCall call)
    {
        if (!double.TryParse(call[2], NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)) seconds = 0; // As strtod does.
        var node = call.Node;
        var until = node.Now + TimeSpan.FromSeconds(Math.Clamp(seconds, 0, SleepSecondsMax));
        if (call.DeniesWaiting || call.Client is not { Transaction.IsOpen: false } client || until <= node.Now)
        {
            call.Reply.Ok();
            return;
        }

        node.Pause.Begin(until, onlyWrites: false);
        var (later, spec, words, begun) = (client.ReplyLater(), call.Spec, new RespArguments(), node.Now);
        words.CopyFrom(call.Arguments);
        node.Waits.At(until, () =>
        {
            // To those who measure it is a command that took so long.
            var micros = (node.Now - begun).Ticks / 10;
            node.Meter.Judge(client, spec, words, micros);
            if (node.Settings.LatencyMillis > 0) node.Latency.Add(LatencyMonitor.Command, micros);
            later(static writer => writer.Ok());
        });
    }

    /// <summary>Looks a key up that is led here, as it is at this moment; not as of a command on its shard, since nothing that it replies is an answer to rely on.</summary>
    private static bool TryFind(CommandCall call, int argument, out CommandCall there, out KeyPlace place)
    {
        var slot = KeySlot.Of(call[argument]);
        there = call;
        place = default;
        if (call.Node.Topology.SeatOf(slot) is not { Log.IsLedHere: true } seat || !seat.Machine.State.Slots.Owned[slot]) return false;
        there = Reading(seat, call.Node);
        place = seat.Machine.Keyspace.Locate(call[argument], slot);
        return place.Exists && (place.Expiry < 0 || place.Expiry >= there.Now);
    }

    private static CommandCall Reading(ShardSeat seat, KeyspaceNode node)
    {
        var reading = seat.Machine.ReadCall;
        reading.TimeMicros = node.WallMicros;
        return reading;
    }

    private static void Digest(CommandCall call)
    {
        var digest = new DebugDigest();
        if (call.Node.Topology.Led.Any(seat => seat.Machine.State.ServedKeys > 0)) digest.MixDatabase();
        foreach (var seat in call.Node.Topology.Led)
            for (var slot = 0; slot < KeySlot.Count; slot++)
                if (seat.Machine.State.Slots.Owned[slot] && seat.Machine.Keyspace.CountIn(slot) > 0) digest.AddSlot(Reading(seat, call.Node), slot);
        call.Reply.Simple(Encoding.ASCII.GetBytes(digest.Text));
    }

    private static void DigestValues(CommandCall call)
    {
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++) call.Reply.Simple(Encoding.ASCII.GetBytes(TryFind(call, i, out var there, out var place) ? DebugDigest.OfValue(there, place) : new DebugDigest().Text));
    }

    /// <summary>As much as Redis does: whoever survives it has passed.</summary>
    private static void MatchAtRandom(CommandCall call)
    {
        const int Rounds = 10_000;
        Span<byte> text = stackalloc byte[32];
        Span<byte> pattern = stackalloc byte[32];
        var dice = call.Node.Dice;
        for (var round = 0; round < Rounds; round++)
        {
            foreach (ref var each in text) each = (byte)dice.Next(128);
            foreach (ref var each in pattern) each = (byte)dice.Next(128);
            Glob.Matches(pattern[..dice.Next(pattern.Length)], text[..dice.Next(text.Length)]);
        }

        call.Reply.Simple("Apparently Redis did not crash: test passed"u8);
    }

    private void DescribeObject(CommandCall call)
    {
        if (!TryFind(call, 2, out var there, out var place) || DumpForms.Of(place.Kind) is not { } form)
        {
            call.Reply.Error("ERR no such key"u8);
            return;
        }

        serialized.Clear();
        form.Write(there, place, serialized);
        var (used, idle) = UseOf(place, there.Now);
        call.Reply.Simple(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"Value at:0x{AddressOf(place):x12} refcount:{ObjectCommands.ReferencesOf(place)} encoding:{Encoding.ASCII.GetString(ValueNames.NameOf(place.Encoding))} serializedlength:{serialized.Written.Length - 1} lru:{used & 0xFFFFFF} lru_seconds_idle:{idle}")));
    }

    private static void TellListpack(CommandCall call)
    {
        if (!TryFind(call, 2, out _, out var place)) call.Reply.Error("ERR no such key"u8);
        else if (place.Encoding != ValueEncoding.Listpack || place.Kind == ValueKind.List) call.Reply.Error("ERR Not a listpack encoded object."u8);
        else call.Reply.Simple("Listpack structure printed on stdout"u8);
    }

    /// <summary>A string here has as many bytes as it needs: nothing is left free.</summary>
    private static void TellLengths(CommandCall call)
    {
        if (!TryFind(call, 2, out _, out var place)) call.Reply.Error("ERR no such key"u8);
        else if (place.Kind != ValueKind.String || place.Encoding == ValueEncoding.Int) call.Reply.Error("ERR Not an sds encoded string."u8);
        else call.Reply.Simple(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"key_sds_len:{call[2].Length}, key_sds_avail:0, key_zmalloc: {call[2].Length}, val_sds_len:{place.Bytes.Length}, val_sds_avail:0, val_zmalloc: {place.Bytes.Length}")));
    }

    private static unsafe long AddressOf(in KeyPlace place) => (nint)place.Record;

    private static unsafe (uint Used, uint Idle) UseOf(in KeyPlace place, long now)
    {
        var (used, seconds) = (KeyRecord.Access(place.Record), (uint)(now / 1000));
        return (used, used == 0 || used > seconds ? 0 : seconds - used);
    }
}
