using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>LATENCY: what held up a node, and how long commands take.</summary>
internal sealed class LatencyCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "DOCTOR", "    Return a human readable latency analysis report.", "GRAPH <event>", "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>", "    Return time-latency samples for the <event> class.", "LATEST", "    Return the latest latency samples for all events.", "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.", "    (default: reset all data for all event classes)", "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.", "    If no commands are specified then all histograms are replied.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("latency|latest", Latest, "Lists the latest delay of each kind");
        table.Bind("latency|history", History, "Lists the delays of a kind");
        table.Bind("latency|reset", Reset, "Forgets delays");
        table.Bind("latency|graph", Graph, "Draws the delays of a kind");
        table.Bind("latency|doctor", Doctor, "Says what makes the server slow");
        table.Bind("latency|histogram", Histogram, "Returns how long commands took, as cumulative counts");
        table.Bind("latency|help", call => ScriptCommands.ReplyHelp(call, Help), "Describes LATENCY");
    }

    private static void Latest(CommandCall call)
    {
        var events = call.Node.Latency.Events;
        call.Reply.Array(events.Count);
        foreach (var (name, series) in events)
        {
            call.Reply.Array(4);
            call.Reply.Bulk(name);
            call.Reply.Integer(series.Samples[^1].Seconds);
            call.Reply.Integer(series.Samples[^1].Millis);
            call.Reply.Integer(series.Worst);
        }
    }

    private static void History(CommandCall call)
    {
        var samples = call.Node.Latency.Events.TryGetValue(Encoding.UTF8.GetString(call[2]), out var series) ? series.Samples : [];
        call.Reply.Array(samples.Count);
        foreach (var (seconds, millis) in samples)
        {
            call.Reply.Array(2);
            call.Reply.Integer(seconds);
            call.Reply.Integer(millis);
        }
    }

    private static void Reset(CommandCall call)
    {
        var forgotten = 0;
        if (call.Count == 2) forgotten = call.Node.Latency.Clear();
        for (var i = 2; i < call.Count; i++)
            if (call.Node.Latency.Clear(Encoding.UTF8.GetString(call[i]))) forgotten++;
        call.Reply.Integer(forgotten);
    }

    private static void Graph(CommandCall call)
    {
        var name = Encoding.UTF8.GetString(call[2]);
        if (call.Node.Latency.Events.TryGetValue(name, out var series)) call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(LatencyGraph.Draw(name, series, call.Node.WallMicros / 1_000_000)));
        else call.Reply.Error($"ERR No samples available for event '{name}'");
    }

    private static void Doctor(CommandCall call)
    {
        var latency = call.Node.Latency;
        var text = new StringBuilder();
        if (latency.Events.Count == 0 && latency.ThresholdMillis == 0)
        {
            text.Append("I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n");
        }
        else if (latency.Events.Count == 0)
        {
            text.Append("Nothing has taken longer than latency-monitor-threshold allows.\n");
        }
        else
        {
            var number = 0;
            foreach (var (name, series) in latency.Events)
            {
                var average = series.Samples.Average(each => each.Millis);
                var deviation = series.Samples.Average(each => Math.Abs(each.Millis - average));
                var period = series.Samples.Count < 2 ? 0.0 : (double)(series.Samples[^1].Seconds - series.Samples[0].Seconds) / (series.Samples.Count - 1);
                text.Append(CultureInfo.InvariantCulture, $"{++number}. {name}: {series.Samples.Count} latency spikes (average {average:0}ms, mean deviation {deviation:0}ms, period {period:0.00} sec). Worst all time event {series.Worst}ms.\n   {LatencyMonitor.Advice(name)}\n");
            }
        }

        call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Histogram(CommandCall call)
    {
        var wanted = new List<CommandSpec>();
        if (call.Count == 2)
        {
            wanted.AddRange(call.Node.Table.Specs.Where(spec => spec.Statistics.IsTimed));
        }
        else
        {
            for (var i = 2; i < call.Count; i++)
            {
                var name = Encoding.UTF8.GetString(call[i]).ToLowerInvariant();
                wanted.AddRange(call.Node.Table.Specs.Where(spec => spec.Statistics.IsTimed && (spec.Name == name || spec.Name.StartsWith(name + "|", StringComparison.Ordinal))));
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
}
