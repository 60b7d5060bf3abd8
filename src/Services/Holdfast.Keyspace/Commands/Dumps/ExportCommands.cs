using System.Text;
using Holdfast.Keyspace.Rdb;

namespace Holdfast.Keyspace;

/// <summary>
/// SYNC as backup tools use it (redis-cli --rdb, redis-cli --cluster backup): the libraries, and the keys of this node's slots, as an RDB file, and nothing after it. Each slot is as it was at one moment, so what changed
/// together is there together; slots one after the other, each in an entry, so that nothing is in it that could be lost (S18). The file is made in memory, and so bounded.
/// </summary>
internal sealed class ExportCommands : ICommandFamily
{
    /// <summary>Bytes of a file.</summary>
    private const long FileBytesMax = 512L * 1024 * 1024;

    /// <summary>Bytes that a turn adds before others have theirs.</summary>
    private const int SliceBytes = 256 * 1024;

    private readonly RdbWriter value = new();

    public void Bind(CommandTable table)
    {
        table.Bind("sync", Sync, "Returns the keys of this node's slots as an RDB file; no stream of changes follows it", CommandPlace.EveryShard);
        table.Bind("replconf", Configure, "Accepts what a tool says before SYNC");
    }

    /// <summary>The keys of a slot, but for those that have expired.</summary>
    public static List<byte[]> KeysOf(CommandCall call, int slot)
    {
        var visitor = new Names { Now = call.Now, Found = [] };
        if (call.Keyspace.CountIn(slot) > 0) call.Keyspace.Table(slot).WalkAll(ref visitor);
        return visitor.Found;
    }

    /// <summary>REPLCONF option value …: said by replicas of themselves, and looked at only whether it is well formed.</summary>
    private static void Configure(CommandCall call)
    {
        if (call.Count % 2 == 0)
        {
            call.SyntaxError();
            return;
        }

        for (var at = 1; at < call.Count; at += 2)
        {
            if (call.Is(at, "listening-port"u8) || call.Is(at, "rdb-only"u8))
            {
                if (!call.TryInteger(at + 1, out var number)) return;
                if (number is 0 or 1 || call.Is(at, "listening-port"u8)) continue;
                call.Reply.Error("ERR value is out of range, value must between 0 and 1"u8);
                return;
            }

            if (call.Is(at, "capa"u8) || call.Is(at, "ip-address"u8)) continue;
            call.Reply.Error($"ERR Unrecognized REPLCONF option: {Encoding.UTF8.GetString(call[at])}");
            return;
        }

        call.Reply.Ok();
    }

    private void Sync(CommandCall call)
    {
        var gathering = call.Client!.Gathering;
        var file = gathering.File ??= new GatheredFile(call.Node, call.Node.Topology.Led.Any(seat => seat.Machine.Keyspace.HasFieldDates) ? RdbFormat.VersionMax : DumpCommands.VersionWritten);
        if (gathering.Shards > 0)
        {
            try
            {
                for (var until = file.Length + SliceBytes; gathering.Slot < KeySlot.Count && file.Length < until; gathering.Slot++)
                    if (call.Shard.State.Slots.Owned[gathering.Slot]) Write(call, gathering.Slot, file.Writer);
            }
            catch (InvalidDataException)
            {
                Refuse(call, "ERR a hash got fields that expire while the file was made: ask again");
                return;
            }

            if (file.Length > FileBytesMax)
            {
                Refuse(call, $"ERR this node's keys make a file of more than {FileBytesMax / 1024 / 1024} MiB: use holdfast backup");
                return;
            }

            gathering.IsUnfinished = gathering.Slot < KeySlot.Count;
            if (gathering.IsUnfinished) return;
            gathering.Slot = 0;
        }

        if (call.Client.ShardsVisited + 1 >= gathering.Shards) Reply(call, gathering, file);
    }

    private static void Refuse(CommandCall call, string error)
    {
        (call.Client!.Gathering.Shards, call.Client.Gathering.File) = (0, null);
        call.Reply.Error(error);
    }

    private void Write(CommandCall call, int slot, RdbFileWriter file)
    {
        foreach (var key in KeysOf(call, slot))
        {
            var place = call.Keyspace.Locate(key, slot);
            if (!place.Exists || DumpForms.Of(place.Kind) is not { } form) continue;
            value.Clear();
            form.Write(call, place, value);
            file.AddValue(key, value.Written, place.Expiry);
        }
    }

    private static void Reply(CommandCall call, Gathering gathering, GatheredFile file)
    {
        gathering.File = null;
        file.Writer.Close();
        call.Reply.Raw(Encoding.ASCII.GetBytes($"${file.Length}\r\n"));
        foreach (var piece in file.Pieces) call.Reply.Raw(piece.Written);
    }

    private unsafe struct Names : IRecordVisitor
    {
        public long Now;
        public List<byte[]> Found;

        public readonly void Visit(byte* record)
        {
            if (KeyRecord.Expiry(record) is >= 0 and var expiry && expiry < Now) return;
            Found.Add(RecordHead.KeyOf(record).ToArray());
        }
    }
}
