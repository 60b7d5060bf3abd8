using System.Buffers.Binary;
using System.Text;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// SYNC as backup tools use it (redis-cli --rdb, redis-cli --cluster backup): the keys of this node's slots as an RDB file, and nothing after it. Each slot is as it was at one moment, so what changed together is there
/// together; slots one after the other, each in an entry, so that nothing is in it that could be lost (S18). The file is made in memory, and so bounded.
/// </summary>
internal sealed unsafe class ExportCommands : ICommandFamily
{
    /// <summary>Bytes of a file.</summary>
    private const long FileBytesMax = 512L * 1024 * 1024;

    /// <summary>Bytes that a turn adds before others have theirs.</summary>
    private const int SliceBytes = 256 * 1024;

    private const byte ExpiryMillis = 0xFC;
    private const byte SelectDatabase = 0xFE;
    private const byte EndOfFile = 0xFF;
    private const byte Auxiliary = 0xFA;

    private readonly RdbWriter value = new();

    public void Bind(CommandTable table)
    {
        table.Bind("sync", Sync, "Returns the keys of this node's slots as an RDB file; no stream of changes follows it", CommandPlace.EveryShard);
        table.Bind("replconf", call => call.Reply.Ok(), "Accepts what a tool says before SYNC");
    }

    private void Sync(CommandCall call)
    {
        var gathering = call.Client!.Gathering;
        if (gathering.Shards > 0)
        {
            var chunk = new ByteBuffer(SliceBytes);
            for (; gathering.Slot < KeySlot.Count && chunk.Length < SliceBytes; gathering.Slot++)
                if (call.Shard.State.Slots.Owned[gathering.Slot]) Write(call, gathering.Slot, chunk);
            if (chunk.Length > 0) gathering.Keys.Add(chunk.Written.ToArray());
            gathering.Number += chunk.Length;
            if (gathering.Number > FileBytesMax)
            {
                gathering.Shards = 0;
                call.Reply.Error($"ERR this node's keys make a file of more than {FileBytesMax / 1024 / 1024} MiB: use holdfast backup");
                return;
            }

            gathering.IsUnfinished = gathering.Slot < KeySlot.Count;
            if (gathering.IsUnfinished) return;
            gathering.Slot = 0;
        }

        if (call.Client.ShardsVisited + 1 >= gathering.Shards) Reply(call, gathering.Keys);
    }

    private void Write(CommandCall call, int slot, ByteBuffer file)
    {
        if (call.Keyspace.CountIn(slot) == 0) return;
        var visitor = new Names { Now = call.Now, Found = [] };
        call.Keyspace.Table(slot).WalkAll(ref visitor);
        Span<byte> head = stackalloc byte[9];
        foreach (var key in visitor.Found)
        {
            var place = call.Keyspace.Locate(key, slot);
            if (!place.Exists || DumpForms.Of(place.Kind) is not { } form) continue;
            var writer = new SpanWriter(file);
            if (KeyRecord.Expiry(place.Record) is >= 0 and var expiry)
            {
                head[0] = ExpiryMillis;
                BinaryPrimitives.WriteInt64LittleEndian(head[1..], expiry);
                writer.WriteBytes(head);
            }

            value.Clear();
            form.Write(call, place, value);
            writer.WriteByte(value.Written[0]); // The type stands before the key, the value behind it.
            var content = value.Written[1..].ToArray();
            value.Clear();
            value.String(key);
            writer.WriteBytes(value.Written);
            writer.WriteBytes(content);
        }
    }

    private void Reply(CommandCall call, List<byte[]> chunks)
    {
        var file = new ByteBuffer(4096);
        value.Clear();
        value.Raw("REDIS0010"u8);
        foreach (var (name, text) in ((string, string)[])[("redis-ver", "7.0.15"), ("redis-bits", "64")])
        {
            value.Byte(Auxiliary);
            value.String(Encoding.ASCII.GetBytes(name));
            value.String(Encoding.ASCII.GetBytes(text));
        }

        value.Byte(SelectDatabase);
        value.Length(0);
        var writer = new SpanWriter(file);
        writer.WriteBytes(value.Written);
        foreach (var chunk in chunks) writer.WriteBytes(chunk);
        writer.WriteByte(EndOfFile);
        writer.WriteUInt64(Crc64.Of(file.Written));
        chunks.Clear();
        call.Reply.Raw(Encoding.ASCII.GetBytes($"${file.Length}\r\n"));
        call.Reply.Raw(file.Written);
    }

    private struct Names : IRecordVisitor
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
