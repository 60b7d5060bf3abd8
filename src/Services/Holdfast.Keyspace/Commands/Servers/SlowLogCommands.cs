using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>SLOWLOG and MONITOR: which commands a node executes, and which took long.</summary>
internal sealed class SlowLogCommands : ICommandFamily
{
    private static readonly string[] SlowHelp =
    [
        "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "GET [<count>]", "    Return top <count> entries from the slowlog (default: 10, -1 mean all).", "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,", "    client name", "LEN", "    Return the length of the slowlog.", "RESET", "    Reset the slowlog.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("slowlog|get", Get, "Lists commands that took long");
        table.Bind("slowlog|len", call => call.Reply.Integer(call.Node.SlowLog.Count), "Counts the commands that took long");
        table.Bind("slowlog|reset", Reset, "Forgets the commands that took long");
        table.Bind("slowlog|help", call => ScriptCommands.ReplyHelp(call, SlowHelp), "Describes SLOWLOG");
        table.Bind("monitor", Monitor, "Shows every command that this node executes");
    }

    private static void Get(CommandCall call)
    {
        var count = 10L;
        if (call.Count > 3)
        {
            call.WrongSubcommand();
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

    private static void Monitor(CommandCall call)
    {
        call.Node.Meter.Monitors.Add(call.Client!);
        call.Reply.Ok();
    }
}
