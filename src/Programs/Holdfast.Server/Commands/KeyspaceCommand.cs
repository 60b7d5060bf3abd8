using System.CommandLine;
using System.Globalization;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;
using Holdfast.Transport;

namespace Holdfast.Server.Commands;

/// <summary>Some slots with those who serve them, as <c>holdfast keyspace slots</c> shows them.</summary>
internal sealed record SlotRow(int First, int Last, string Leader, IReadOnlyList<string> Replicas);

/// <summary>A node of the Redis face, as <c>holdfast keyspace nodes</c> shows it.</summary>
internal sealed record KeyspaceNodeRow(string Id, string Address, string Role, string Health, int Slots, string Epoch);

/// <summary>A move of slots between shards.</summary>
internal sealed record MoveRow(string Id, string Slots, string From, string To, string State, string Note);

/// <summary><c>holdfast keyspace slots|nodes|move|moves|cancel|rebalance|bench|export|import</c>: the Redis face's slots, asked of any node that serves it.</summary>
internal static class KeyspaceCommand
{
    private static readonly Option<string> Endpoints = new("--redis")
    {
        Description = "Nodes to ask, host:port,host:port: the first that answers. Default: HOLDFAST_REDIS, else 127.0.0.1:6379.", Recursive = true,
    };

    internal static Command Create()
    {
        var slots = new Argument<string>("slots") { Description = "Slots, such as 0-99,200." };
        var to = new Option<string>("--to") { Description = "The node that shall lead them: its address, or its id or the beginning of it.", Required = true };
        var id = new Argument<string>("move") { Description = "The move's number." };
        var plan = new Option<bool>("--plan") { Description = "Only say what would be moved." };
        var listSlots = new Command("slots", "Lists the slots with who serves them.");
        var listNodes = new Command("nodes", "Lists the nodes with their slots.");
        var move = new Command("move", "Moves slots to another node, with their keys, while they are served; returns when they are there.") { slots, to };
        var moves = new Command("moves", "Lists the moves under way and those that ended last.");
        var cancel = new Command("cancel", "Gives a move up, if it still can be.") { id };
        var rebalance = new Command("rebalance", "Spreads the slots evenly over the nodes, new ones included; returns when they are there.") { plan };
        var keyspace = new Command("keyspace", "Shows and moves the slots of the Redis face, measures it, exports and imports its keys.") { listSlots, listNodes, move, moves, cancel, rebalance, KeyspaceBenchCommand.Create(EndpointsOf), KeyspaceTransferCommands.CreateExport(EndpointsOf), KeyspaceTransferCommands.CreateImport(EndpointsOf) };
        keyspace.Options.Add(Endpoints);
        Report.AddTo(keyspace);

        listSlots.SetAction((parsed, stop) => RunAsync(parsed, link => SlotsAsync(parsed, link, stop), stop));
        listNodes.SetAction((parsed, stop) => RunAsync(parsed, link => NodesAsync(parsed, link, stop), stop));
        move.SetAction((parsed, stop) => RunAsync(parsed, link => MoveAsync(parsed, link, parsed.GetValue(slots)!, parsed.GetValue(to)!, stop), stop));
        moves.SetAction((parsed, stop) => RunAsync(parsed, link => MovesAsync(parsed, link, stop), stop));
        cancel.SetAction((parsed, stop) => RunAsync(parsed, async link =>
        {
            await link.AskAsync(stop, "HOLDFAST.CANCELMOVE", parsed.GetValue(id)!);
            return Said(parsed, "the move is given up, unless the slots are there already: holdfast keyspace moves tells");
        }, stop));
        rebalance.SetAction((parsed, stop) => RunAsync(parsed, link => RebalanceAsync(parsed, link, parsed.GetValue(plan), stop), stop));
        return keyspace;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<RedisLink, Task<int>> verb, CancellationToken stop)
    {
        try
        {
            using var link = await RedisLink.OpenAsync(EndpointsOf(parsed), stop);
            return await verb(link);
        }
        catch (RedisRefusedException refused)
        {
            return new Failure(ErrorCode.Refused, refused.Message).Say(parsed);
        }
        catch (Exception exception) when (Failure.Of(exception) is { } failure)
        {
            return failure.Say(parsed);
        }
    }

    private static List<(string Host, int Port)> EndpointsOf(ParseResult parsed)
    {
        var said = parsed.GetValue(Endpoints) ?? Environment.GetEnvironmentVariable("HOLDFAST_REDIS") ?? "127.0.0.1:6379";
        var endpoints = new List<(string, int)>();
        foreach (var one in said.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            endpoints.Add(HostPort.TryParse(one, out var host, out var port) ? (host, port) : throw new ArgumentException($"'{one}' is not host:port"));
        return endpoints;
    }

    private static async Task<int> SlotsAsync(ParseResult parsed, RedisLink link, CancellationToken stop)
    {
        var rows = new List<SlotRow>();
        foreach (var range in (IReadOnlyList<object?>)(await link.AskAsync(stop, "CLUSTER", "SLOTS"))!)
        {
            var fields = (IReadOnlyList<object?>)range!;
            rows.Add(new SlotRow((int)(long)fields[0]!, (int)(long)fields[1]!, Address(fields[2]), [.. fields.Skip(3).Select(Address)]));
        }

        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListSlotRow, ["slots", "leader", "replicas"], row => [Text(row), row.Leader, string.Join(' ', row.Replicas)]);
        return rows.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static string Text(SlotRow row) => row.First == row.Last ? Number(row.First) : $"{Number(row.First)}-{Number(row.Last)}";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Address(object? node) => node is IReadOnlyList<object?> fields ? $"{fields[0]}:{fields[1]}" : "";

    private static async Task<IReadOnlyList<KeyspaceNodeRow>> NodesAsync(RedisLink link, CancellationToken stop)
    {
        var rows = new List<KeyspaceNodeRow>();
        foreach (var line in ((string?)await link.AskAsync(stop, "CLUSTER", "NODES") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var fields = line.Split(' ');
            var flags = fields[2].Split(',');
            var slots = fields.Skip(8).Where(field => !field.StartsWith('[')).Sum(field => field.Split('-') is [var first, var last] ? Parse(last) - Parse(first) + 1 : 1);
            rows.Add(new KeyspaceNodeRow(fields[0], fields[1].Split('@')[0], flags.Contains("slave") ? "replica" : "master", flags.Contains("fail") ? "down" : flags.Contains("fail?") ? "silent" : "up", slots, fields[6]));
        }

        return rows;
    }

    private static int Parse(string number) => int.Parse(number, CultureInfo.InvariantCulture);

    private static async Task<int> NodesAsync(ParseResult parsed, RedisLink link, CancellationToken stop)
    {
        var rows = await NodesAsync(link, stop);
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListKeyspaceNodeRow, ["id", "address", "role", "health", "slots", "epoch"], row => [row.Id, row.Address, row.Role, row.Health, Number(row.Slots), row.Epoch]);
        return ExitCode.Done;
    }

    private static async Task<int> MoveAsync(ParseResult parsed, RedisLink link, string slots, string to, CancellationToken stop)
    {
        var nodes = await NodesAsync(link, stop);
        var found = nodes.Where(node => node.Address == to || node.Id.StartsWith(to, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (found.Length != 1)
            return new Failure(found.Length == 0 ? ErrorCode.NotFound : ErrorCode.Misused, $"{(found.Length == 0 ? "no node is" : "several nodes are")} called {to}; there are {string.Join(", ", nodes.Select(node => node.Address))}").Say(parsed);
        await link.AskAsync(stop, "HOLDFAST.MOVE", slots, found[0].Id);
        return Said(parsed, $"slots {slots} are led by {found[0].Address}");
    }

    private static async Task<int> MovesAsync(ParseResult parsed, RedisLink link, CancellationToken stop)
    {
        var rows = (await link.LinesAsync(stop, "HOLDFAST.MOVES")).Select(line => line.Split('\t')).Select(cells => new MoveRow(cells[0], cells[1], cells[2], cells[3], cells[4], cells[5])).ToArray();
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListMoveRow, ["move", "slots", "from shard", "to shard", "state", "note"], row => [row.Id, row.Slots, row.From, row.To, row.State, row.Note]);
        return ExitCode.Done;
    }

    private static async Task<int> RebalanceAsync(ParseResult parsed, RedisLink link, bool isPlan, CancellationToken stop)
    {
        var lines = await link.LinesAsync(stop, isPlan ? ["HOLDFAST.REBALANCE", "PLAN"] : ["HOLDFAST.REBALANCE"]);
        var rows = lines.Select(line => line.Split('\t')).Select(cells => new MoveRow("", cells[0], cells[1], cells[2], isPlan ? "planned" : "done", "")).ToArray();
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListMoveRow, ["slots", "from shard", "to shard", "state"], row => [row.Slots, row.From, row.To, row.State]);
        return ExitCode.Done;
    }

    private static int Said(ParseResult parsed, string sentence)
    {
        Report.One(parsed, new Dictionary<string, string> { ["done"] = sentence }, ReportJson.Readable.DictionaryStringString, sentence);
        return ExitCode.Done;
    }
}
