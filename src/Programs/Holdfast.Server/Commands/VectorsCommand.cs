using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>A replica of a shard, as <c>holdfast vectors shards</c> shows it.</summary>
internal sealed record ShardRow(int Shard, string Key, string Peer, string State, long Points);

/// <summary>A replica or half a shard on its way, as <c>holdfast vectors transfers</c> shows it.</summary>
internal sealed record TransferRow(int Shard, string From, string To, string Kind, string State);

/// <summary><c>holdfast vectors shards|transfers|move|copy|drop|split</c>: the shards of a collection, asked of any node that serves the vectors face.</summary>
internal static class VectorsCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private static readonly Option<string> Server = new("--vectors") { Description = "Where the vectors face serves REST, a URL or host:port. Default: HOLDFAST_VECTORS, else 127.0.0.1:6333.", Recursive = true };

    internal static Command Create()
    {
        var collection = new Argument<string>("collection") { Description = "The collection." };
        var shard = new Argument<int>("shard") { Description = "The shard's number." };
        var from = new Option<string>("--from") { Description = "The peer that it leaves: its id.", Required = true };
        var to = new Option<string>("--to") { Description = "The peer that gets it: its id.", Required = true };
        var shards = new Command("shards", "Lists the shards with where their replicas are.") { collection };
        var transfers = new Command("transfers", "Lists what is on its way.") { collection };
        var move = new Command("move", "Moves a replica of a shard to another peer while it serves; returns when it is there.") { collection, shard, from, to };
        var copy = new Command("copy", "Gives a shard one replica more; returns when it is there.") { collection, shard, to };
        var drop = new Command("drop", "Takes a replica of a shard away; returns when the shard does without it.") { collection, shard, from };
        var split = new Command("split", "Cuts a shard in half while it serves; returns when the other half is served by a shard of its own.") { collection, shard };
        var vectors = new Command("vectors", "Shows, moves and splits the shards of the vectors face.") { shards, transfers, move, copy, drop, split };
        vectors.Options.Add(Server);
        Report.AddTo(vectors);
        shards.SetAction((parsed, stop) => RunAsync(parsed, link => ShardsAsync(parsed, link, parsed.GetValue(collection)!, stop)));
        transfers.SetAction((parsed, stop) => RunAsync(parsed, link => TransfersAsync(parsed, link, parsed.GetValue(collection)!, stop)));
        move.SetAction((parsed, stop) => RunAsync(parsed, link => ChangeAsync(
            parsed, link, parsed.GetValue(collection)!, $$$"""{"move_shard":{"shard_id":{{{Number(parsed.GetValue(shard))}}},"from_peer_id":{{{Peer(parsed.GetValue(from)!)}}},"to_peer_id":{{{Peer(parsed.GetValue(to)!)}}}}}""",
            $"shard {Number(parsed.GetValue(shard))} is on peer {parsed.GetValue(to)}", stop)));
        copy.SetAction((parsed, stop) => RunAsync(parsed, async link =>
        {
            var name = parsed.GetValue(collection)!;
            var source = (await RowsAsync(link, name, stop)).FirstOrDefault(row => row.Shard == parsed.GetValue(shard) && row.State == "Active")?.Peer ?? throw new ArgumentException($"collection {name} has no shard {Number(parsed.GetValue(shard))}");
            return await ChangeAsync(
                parsed, link, name, $$$"""{"replicate_shard":{"shard_id":{{{Number(parsed.GetValue(shard))}}},"from_peer_id":{{{source}}},"to_peer_id":{{{Peer(parsed.GetValue(to)!)}}}}}""",
                $"shard {Number(parsed.GetValue(shard))} is on peer {parsed.GetValue(to)} too", stop);
        }));
        drop.SetAction((parsed, stop) => RunAsync(parsed, link => ChangeAsync(
            parsed, link, parsed.GetValue(collection)!, $$$"""{"drop_replica":{"shard_id":{{{Number(parsed.GetValue(shard))}}},"peer_id":{{{Peer(parsed.GetValue(from)!)}}}}}""",
            $"shard {Number(parsed.GetValue(shard))} does without peer {parsed.GetValue(from)}", stop, row => row.Shard == parsed.GetValue(shard) && row.Peer == parsed.GetValue(from))));
        split.SetAction((parsed, stop) => RunAsync(parsed, link => ChangeAsync(
            parsed, link, parsed.GetValue(collection)!, $$$"""{"split_shard":{"shard_id":{{{Number(parsed.GetValue(shard))}}}}}""", $"shard {Number(parsed.GetValue(shard))} is two", stop)));
        return vectors;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<VectorLink, Task<int>> verb)
    {
        try
        {
            var said = parsed.GetValue(Server) ?? Environment.GetEnvironmentVariable("HOLDFAST_VECTORS") ?? "127.0.0.1:6333";
            if (!Uri.TryCreate(said.Contains("://", StringComparison.Ordinal) ? said : "http://" + said, UriKind.Absolute, out var url)) throw new ArgumentException($"{said} is no address: give host:port, or a URL");
            using var link = new VectorLink(url, Environment.GetEnvironmentVariable("HOLDFAST_VECTORS_KEY") ?? "");
            return await verb(link);
        }
        catch (VectorsRefusedException refused)
        {
            var code = refused.Status switch { 401 or 403 => ErrorCode.Forbidden, 404 => ErrorCode.NotFound, 503 => ErrorCode.Unavailable, _ => ErrorCode.Refused };
            return new Failure(code, refused.Message).Say(parsed);
        }
        catch (Exception exception) when (Failure.Of(exception) is { } failure)
        {
            return failure.Say(parsed);
        }
    }

    private static async Task<int> ShardsAsync(ParseResult parsed, VectorLink link, string collection, CancellationToken stop)
    {
        var rows = await RowsAsync(link, collection, stop);
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListShardRow, ["shard", "key", "peer", "state", "points"], row => [Number(row.Shard), row.Key, row.Peer, row.State, row.Points < 0 ? "" : row.Points.ToString(CultureInfo.InvariantCulture)]);
        return rows.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    /// <summary>The replicas, by shard; a replica elsewhere does not say how many points it has.</summary>
    private static async Task<IReadOnlyList<ShardRow>> RowsAsync(VectorLink link, string collection, CancellationToken stop)
    {
        var shown = await ShownAsync(link, collection, stop);
        var self = shown.GetProperty("peer_id").GetRawText();
        return
        [
            .. shown.GetProperty("local_shards").EnumerateArray().Select(shard => new ShardRow(shard.GetProperty("shard_id").GetInt32(), KeyOf(shard), self, shard.GetProperty("state").GetString()!, shard.GetProperty("points_count").GetInt64()))
                .Concat(shown.GetProperty("remote_shards").EnumerateArray().Select(shard => new ShardRow(shard.GetProperty("shard_id").GetInt32(), KeyOf(shard), shard.GetProperty("peer_id").GetRawText(), shard.GetProperty("state").GetString()!, -1)))
                .OrderBy(row => row.Shard).ThenBy(row => row.Peer, StringComparer.Ordinal),
        ];
    }

    private static string KeyOf(JsonElement shard) => shard.TryGetProperty("shard_key", out var key) && key.ValueKind != JsonValueKind.Null ? key.ToString() : "";

    private static async Task<int> TransfersAsync(ParseResult parsed, VectorLink link, string collection, CancellationToken stop)
    {
        var rows = (await ShownAsync(link, collection, stop)).GetProperty("shard_transfers").EnumerateArray().Select(transfer => new TransferRow(
            transfer.GetProperty("shard_id").GetInt32(), transfer.GetProperty("from").GetRawText(), transfer.GetProperty("to").GetRawText(),
            transfer.TryGetProperty("to_shard_id", out var target) ? $"split into shard {target}" : transfer.GetProperty("sync").GetBoolean() ? "copy" : "move", transfer.GetProperty("comment").GetString()!)).ToArray();
        Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListTransferRow, ["shard", "from", "to", "kind", "state"], row => [Number(row.Shard), row.From, row.To, row.Kind, row.State]);
        return ExitCode.Done;
    }

    /// <summary>Asks for a change and waits until nothing is on its way any more. Whoever does not want to wait ends this; the change goes on.</summary>
    private static async Task<int> ChangeAsync(ParseResult parsed, VectorLink link, string collection, string operation, string sentence, CancellationToken stop, Func<ShardRow, bool>? isGone = null)
    {
        await link.AskAsync("POST", $"/collections/{Uri.EscapeDataString(collection)}/cluster", operation, stop);
        using var timer = new PeriodicTimer(Look);
        while ((await ShownAsync(link, collection, stop)).GetProperty("shard_transfers").GetArrayLength() > 0) await timer.WaitForNextTickAsync(stop);
        while (isGone is not null && (await RowsAsync(link, collection, stop)).Any(isGone)) await timer.WaitForNextTickAsync(stop);
        Report.One(parsed, new Dictionary<string, string> { ["done"] = sentence }, ReportJson.Readable.DictionaryStringString, sentence);
        return ExitCode.Done;
    }

    private static Task<JsonElement> ShownAsync(VectorLink link, string collection, CancellationToken stop) => link.AskAsync("GET", $"/collections/{Uri.EscapeDataString(collection)}/cluster", null, stop);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Peer(string id) => ulong.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number.ToString(CultureInfo.InvariantCulture) : throw new ArgumentException($"{id} is no peer's id: holdfast vectors shards lists them");
}
