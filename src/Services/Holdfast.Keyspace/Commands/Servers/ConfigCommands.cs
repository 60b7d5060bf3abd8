using System.Text;

namespace Holdfast.Keyspace;

/// <summary>CONFIG.</summary>
internal sealed class ConfigCommands : ICommandFamily
{
    private static readonly string[] Fixed = ["appendonly", "bind", "cluster-enabled", "databases"];

    public void Bind(CommandTable table)
    {
        table.Bind("config|get", Get, "Returns settings by patterns of their names");
        table.Bind("config|set", Set, "Changes settings of this node");
        table.Bind("config|resetstat", ResetStat, "Sets the counters of INFO to zero");
    }

    private static void Get(CommandCall call)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in call.Node.Settings.All)
            for (var i = 2; i < call.Count; i++)
                if (Glob.Matches(call[i], Encoding.ASCII.GetBytes(name), ignoresCase: true)) found[name] = value;
        call.Reply.Map(found.Count);
        foreach (var (name, value) in found)
        {
            call.Reply.Bulk(name);
            call.Reply.Bulk(value);
        }
    }

    private static void Set(CommandCall call)
    {
        if (call.Count % 2 != 0)
        {
            call.WrongArity();
            return;
        }

        for (var i = 2; i < call.Count; i += 2)
        {
            var name = Encoding.UTF8.GetString(call[i]).ToLowerInvariant();
            if (!call.Node.Settings.All.ContainsKey(name)) call.Reply.Error($"ERR Unknown option or number of arguments for CONFIG SET - '{Encoding.UTF8.GetString(call[i])}'");
            else if (Fixed.Contains(name)) call.Reply.Error($"ERR CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config");
            else continue;
            return;
        }

        if (call.Count == 4 && call.Is(2, "requirepass"u8))
        {
            // The password of the default user, who is the cluster's.
            string[] rules = call[3].Length == 0 ? ["nopass"] : ["resetpass", ">" + Encoding.Latin1.GetString(call[3])];
            AclCommands.Change(call, AclUser.Default, rules, reply => reply.Ok());
            return;
        }

        for (var i = 2; i < call.Count; i += 2) call.Node.Settings.TrySet(Encoding.UTF8.GetString(call[i]).ToLowerInvariant(), Encoding.UTF8.GetString(call[i + 1]));
        call.Reply.Ok();
    }

    private static void ResetStat(CommandCall call)
    {
        var counters = call.Node.Counters;
        counters.Commands = counters.ExpiredKeys = counters.EvictedKeys = counters.Hits = counters.Misses = counters.BytesIn = counters.BytesOut = counters.RejectedClients = counters.Errors = 0;
        call.Reply.Ok();
    }
}
