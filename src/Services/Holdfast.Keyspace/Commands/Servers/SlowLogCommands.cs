using System.Globalization;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>SLOWLOG, LATENCY, MEMORY and MONITOR: looking inside a node.</summary>
internal sealed class SlowLogCommands : ICommandFamily
{
    private static readonly string[] SlowHelp =
    [
        "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "GET [<count>]", "    Return top <count> entries from the slowlog (default: 10, -1 mean all).", "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,", "    client name", "LEN", "    Return the length of the slowlog.", "RESET", "    Reset the slowlog.", "HELP", "    Prints this help.",
    ];

    private static readonly string[] LatencyHelp =
    [
        "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "DOCTOR", "    Return a human readable latency analysis report.", "GRAPH <event>", "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>", "    Return time-latency samples for the <event> class.", "LATEST", "    Return the latest latency samples for all events.", "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.", "    (default: reset all data for all event classes)", "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.", "    If no commands are specified then all histograms are replied.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("slowlog|get", Get, "Lists commands that took long");
        table.Bind("slowlog|len", call => call.Reply.Integer(call.Node.SlowLog.Count), "Counts the commands that took long");
        table.Bind("slowlog|reset", Reset, "Forgets the commands that took long");
        table.Bind("slowlog|help", call => ScriptCommands.ReplyHelp(call, SlowHelp), "Describes SLOWLOG");
        table.Bind("latency|latest", call => call.Reply.Array(0), "Lists the latest of each kind of delay; kinds are not watched here");
        table.Bind("latency|history", call => call.Reply.Array(0), "Lists delays of a kind; kinds are not watched here");
        table.Bind("latency|reset", call => call.Reply.Integer(0), "Forgets delays");
        table.Bind("latency|graph", call => call.Reply.Error($"ERR No samples available for event '{Encoding.UTF8.GetString(call[2])}'"), "Draws delays of a kind; kinds are not watched here");
        table.Bind("latency|doctor", call => call.Reply.Verbatim("txt"u8, "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n"u8), "Says what makes the server slow; kinds of delays are not watched here");
        table.Bind("latency|histogram", Histogram, "Returns how long commands took, as cumulative counts");
        table.Bind("latency|help", call => ScriptCommands.ReplyHelp(call, LatencyHelp), "Describes LATENCY");
        table.Bind("monitor", Monitor, "Shows every command that this node executes");
    }

    private static void Get(CommandCall call)
    {
        var count = 10L;
        if (call.Count > 3)
        {
            call.Reply.Error("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."u8);
            return;
        }

        if (call.Count == 3 && (!RespNumber.TryParse(call[2], out count) || count < -1))
        {
            call.Reply.Error("ERR count should be greater than or equal to -1"u8);
            return;
        }

        var entries = call.Node.SlowLog.Entries.Take(count < 0 ? int.MaxValue : (int)Math.Min(count, int.MaxValue)).ToArray();
        var reply = call.Reply;
        reply.Array(entries.Length);
        foreach (var entry in entries)
        {
            reply.Array(6);
            reply.Integer(entry.Id);
            reply.Integer(entry.Seconds);
            reply.Integer(entry.Micros);
            reply.Array(entry.Arguments.Count);
            foreach (var argument in entry.Arguments) reply.Bulk(argument);
            reply.Bulk(entry.Address);
            reply.Bulk(entry.Name);
        }
    }

    private static void Reset(CommandCall call)
    {
        call.Node.SlowLog.Clear();
        call.Reply.Ok();
    }

    private static void Histogram(CommandCall call)
    {
        var wanted = new List<CommandSpec>();
        if (call.Count == 2)
        {
            wanted.AddRange(call.Node.Table.Specs.Where(spec => spec.Statistics.Calls > 0));
        }
        else
        {
            for (var i = 2; i < call.Count; i++)
            {
                var name = Encoding.UTF8.GetString(call[i]).ToLowerInvariant();
                wanted.AddRange(call.Node.Table.Specs.Where(spec => spec.Statistics.Calls > 0 && (spec.Name == name || spec.Name.StartsWith(name + "|", StringComparison.Ordinal))));
            }
        }

        var reply = call.Reply;
        reply.Map(wanted.Count);
        foreach (var spec in wanted)
        {
            reply.Bulk(spec.Name);
            reply.Map(2);
            reply.Bulk("calls"u8);
            reply.Integer(spec.Statistics.Calls);
            reply.Bulk("histogram_usec"u8);
            var filled = 0;
            foreach (var count in spec.Statistics.Histogram)
                if (count > 0) filled++;
            reply.Map(filled);
            var total = 0L;
            for (var i = 0; i < spec.Statistics.Histogram.Length; i++)
            {
                if (spec.Statistics.Histogram[i] == 0) continue;
                total += spec.Statistics.Histogram[i];
                reply.Integer(1L << i);
                reply.Integer(total);
            }
        }
    }

    private static void Monitor(CommandCall call)
    {
        call.Node.Meter.Monitors.Add(call.Client!);
        call.Reply.Ok();
    }
}
