using System.Globalization;
using System.Text;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// The subcommands of DEBUG that go over the keys of this node's slots and change them, shard after shard and a slice at a time. RELOAD writes every value as Redis's RDB does and reads it back, here and, since that is logged, on
/// every replica: what tests want to know of a reload is whether the values survive it. POPULATE makes keys.
/// </summary>
internal sealed class DebugKeys
{
    /// <summary>Bytes of payloads that an entry reads back.</summary>
    private const long SliceBytes = 256 * 1024;

    /// <summary>A value whose payload is longer stays as it is: an entry is bounded.</summary>
    private const int PayloadBytesMax = 8 * 1024 * 1024;

    private const int KeysPerSlice = 2048;

    private const int CountMax = 10_000_000;

    private readonly RdbWriter writer = new();
    private readonly RespWriter unheard = new(new ByteBuffer());
    private CommandSpec? reload;
    private CommandSpec? populate;

    /// <summary>The way of a DEBUG that is executed on shards; null for all others.</summary>
    public CommandSpec? Find(CommandSpec debug, RespArguments words)
    {
        if (words.Count is < 2 or > 5) return null;
        if (Ascii.EqualsIgnoreCase(words[1], "reload"u8) || Ascii.EqualsIgnoreCase(words[1], "loadaof"u8)) return reload ??= debug.On(CommandPlace.EveryShard, Reload);
        return words.Count > 2 && Ascii.EqualsIgnoreCase(words[1], "populate"u8) ? populate ??= debug.On(CommandPlace.EveryShard, Populate) : null;
    }

    private void Reload(CommandCall call)
    {
        if (!MayGoOver(call)) return;
        for (var i = 2; i < call.Count; i++)
        {
            if (call.Is(i, "MERGE"u8) || call.Is(i, "NOFLUSH"u8)) continue;
            Stop(call, call.Is(i, "NOSAVE"u8) ? "ERR there is no RDB file to be loaded here: DEBUG RELOAD without NOSAVE writes and reads every value" : "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
            return;
        }

        var gathering = call.Client!.Gathering;
        if (gathering.Shards > 0)
        {
            for (var bytes = 0L; gathering.Slot < KeySlot.Count && bytes < SliceBytes; gathering.Slot++)
                if (call.Shard.State.Slots.Owned[gathering.Slot]) bytes += ReloadSlot(call, gathering.Slot);
            if (GoesOn(gathering)) return;
        }

        if (IsLast(call)) call.Reply.Ok();
    }

    private long ReloadSlot(CommandCall call, int slot)
    {
        if (call.Keyspace.CountIn(slot) == 0) return 0;
        var bytes = 0L;
        foreach (var key in ExportCommands.KeysOf(call, slot))
        {
            var place = call.Keyspace.Locate(key, slot);
            if (!place.Exists || DumpForms.Of(place.Kind) is not { } form) continue;
            writer.Clear();
            form.Write(call, place, writer);
            writer.Close(DumpCommands.VersionOf(writer.Written));
            if (writer.Written.Length > PayloadBytesMax) continue;
            bytes += writer.Written.Length;
            Run(call, slot, ["RESTORE"u8.ToArray(), key, Encoding.ASCII.GetBytes(Math.Max(0, place.Expiry).ToString(CultureInfo.InvariantCulture)), writer.Written.ToArray(), "ABSTTL"u8.ToArray(), "REPLACE"u8.ToArray()]);
        }

        return bytes;
    }

    private void Populate(CommandCall call)
    {
        if (!MayGoOver(call)) return;
        var (length, error) = (-1L, default(string));
        if (!RespNumber.TryParse(call[2], out long count) || count is < 0 or > CountMax) error = "ERR value is out of range, must be positive";
        else if (call.Count > 4 && (!RespNumber.TryParse(call[4], out length) || length is < 0 or > PayloadBytesMax)) error = "ERR value is out of range, must be positive";
        if (error is not null)
        {
            Stop(call, error);
            return;
        }

        var gathering = call.Client!.Gathering;
        if (gathering.Shards > 0)
        {
            var prefix = call.Count > 3 ? Encoding.Latin1.GetString(call[3]) : "key";
            var bytes = 0L;
            for (var left = KeysPerSlice; gathering.Number < count && left > 0 && bytes < SliceBytes; gathering.Number++, left--) bytes += Make(call, Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{prefix}:{gathering.Number}")), gathering.Number, length);
            if (gathering.Number < count)
            {
                gathering.IsUnfinished = true;
                return;
            }

            gathering.Number = 0;
        }

        if (IsLast(call)) call.Reply.Ok();
    }

    private long Make(CommandCall call, byte[] key, long number, long length)
    {
        var slot = KeySlot.Of(key);
        if (!call.Shard.State.Slots.Owned[slot] || call.Keyspace.Locate(key, slot).Exists) return 0;
        var value = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"value:{number}"));
        if (length >= 0) Array.Resize(ref value, (int)length);
        Run(call, slot, ["SET"u8.ToArray(), key, value]);
        return key.Length + value.Length;
    }

    /// <summary>Executes another command within this one: its changes are logged as its own.</summary>
    private void Run(CommandCall call, int slot, IReadOnlyList<byte[]> words)
    {
        call.RunWithin(call.Node.Table.Find(words[0])!, CommandCall.Of(words), slot, unheard);
        unheard.Target.Clear();
    }

    /// <summary>Whether its client may; otherwise the error is the reply, and no shard is visited.</summary>
    private static bool MayGoOver(CommandCall call)
    {
        if (call.Client!.Transaction.IsOpen) Stop(call, "ERR Command not allowed inside a transaction");
        else if (DebugCommands.MayDebug(call)) return true;
        else call.Client.Gathering.Shards = 0;
        return false;
    }

    private static bool GoesOn(Gathering gathering)
    {
        gathering.IsUnfinished = gathering.Slot < KeySlot.Count;
        if (!gathering.IsUnfinished) gathering.Slot = 0;
        return gathering.IsUnfinished;
    }

    private static bool IsLast(CommandCall call) => call.Client!.ShardsVisited + 1 >= call.Client.Gathering.Shards;

    /// <summary>The reply is an error, and no further shard is visited.</summary>
    private static void Stop(CommandCall call, string error)
    {
        call.Reply.Error(error);
        call.Client!.Gathering.Shards = 0;
    }
}
