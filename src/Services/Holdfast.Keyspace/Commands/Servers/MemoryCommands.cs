using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>MEMORY: what keys and the server take.</summary>
internal sealed unsafe class MemoryCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "DOCTOR", "    Return memory problems reports.", "MALLOC-STATS", "    Return internal statistics report from the memory allocator.",
        "PURGE", "    Attempt to purge dirty pages for reclamation by the allocator.", "STATS", "    Return information about the memory usage of the server.", "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value. Nested values are", "    sampled up to <count> times (default: 5, 0 means sample all).", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("memory|usage", Usage, "Returns how many bytes a key and its value take");
        table.Bind("memory|stats", Stats, "Returns what takes memory on this node");
        table.Bind("memory|doctor", Doctor, "Says what is wrong with the memory");
        table.Bind("memory|purge", call => call.Reply.Ok(), "Gives unused memory back; that is done as it comes free");
        table.Bind("memory|malloc-stats", call => call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes($"arena: {call.Node.MemoryUsed} bytes used, {call.Node.MemoryReserved} reserved\n")), "Describes the allocator");
        table.Bind("memory|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes MEMORY");
    }

    private static void Usage(CommandCall call)
    {
        for (var at = 3; at < call.Count; at++)
        {
            if (!call.Is(at, "SAMPLES"u8) || at + 1 >= call.Count)
            {
                call.SyntaxError();
                return;
            }

            if (!call.TryInteger(++at, out var samples)) return;
            if (samples >= 0) continue;
            call.SyntaxError();
            return;
        }

        var place = call.Locate(2);
        if (!place.Exists)
        {
            call.Reply.Null();
            return;
        }

        const int PlaceInTable = 8;
        var big = place.IsBig ? call.Keyspace.BigOf(place).Bytes : 0;
        var blob = KeyRecord.Has(place.Record, KeyRecord.IsBlob) ? place.Bytes.Length : 0;
        call.Reply.Integer(KeyRecord.SizeOf(place.Record) + PlaceInTable + big + blob);
    }

    private static void Stats(CommandCall call)
    {
        var node = call.Node;
        var keys = node.Topology.Led.Sum(seat => seat.Machine.Keyspace.KeyCount);
        (string Name, long Value)[] fields =
        [
            ("peak.allocated", node.MemoryPeak), ("total.allocated", node.MemoryUsed), ("startup.allocated", 0), ("replication.backlog", 0), ("clients.slaves", 0),
            ("clients.normal", node.Clients.Values.Sum(client => (long)client.Input.Capacity + client.Replies.Length)), ("cluster.links", 0), ("aof.buffer", 0), ("lua.caches", node.Scripts.Cache.Bytes),
            ("functions.caches", node.Functions.Libraries.Values.Sum(library => (long)library.Code.Length)), ("overhead.total", 0), ("keys.count", keys), ("keys.bytes-per-key", keys == 0 ? 0 : node.MemoryUsed / keys),
            ("dataset.bytes", node.MemoryUsed), ("allocator.allocated", node.MemoryUsed), ("allocator.active", node.MemoryReserved), ("allocator.resident", node.MemoryReserved),
            ("allocator-fragmentation.bytes", node.MemoryReserved - node.MemoryUsed), ("allocator-rss.bytes", 0), ("rss-overhead.bytes", 0), ("fragmentation.bytes", node.MemoryReserved - node.MemoryUsed),
        ];
        var spread = node.MemoryUsed == 0 ? 1 : (double)node.MemoryReserved / node.MemoryUsed;
        (string Name, double Value)[] ratios =
        [
            ("dataset.percentage", 100), ("peak.percentage", node.MemoryPeak == 0 ? 100 : 100.0 * node.MemoryUsed / node.MemoryPeak), ("allocator-fragmentation.ratio", spread), ("allocator-rss.ratio", 1), ("rss-overhead.ratio", 1),
            ("fragmentation", spread),
        ];
        call.Reply.Map(fields.Length + ratios.Length);
        foreach (var (name, value) in fields)
        {
            call.Reply.Bulk(name);
            call.Reply.Integer(value);
        }

        foreach (var (name, value) in ratios)
        {
            call.Reply.Bulk(name);
            call.Reply.Double(value);
        }
    }

    private static void Doctor(CommandCall call)
    {
        var node = call.Node;
        var text = node.MemoryUsed < 5 * 1024 * 1024
            ? "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n"
            : node.MemoryReserved > node.MemoryUsed * 3 / 2
                ? "Sam, much of the memory that is reserved holds no keys any more: it is given back as whole blocks come free.\n"
                : "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";
        call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes(text));
    }
}
