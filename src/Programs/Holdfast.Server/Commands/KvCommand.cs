using System.CommandLine;
using System.Globalization;
using Holdfast.Client;
using Holdfast.Coordination.Protocol;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast kv get|put|del|watch</c>: keys and values as text, one a line; exit code 4 when there is nothing, 3 when a write's outcome is unknown.</summary>
internal static class KvCommand
{
    internal static Command Create()
    {
        var key = new Argument<string>("key") { Description = "The key." };
        var value = new Argument<string>("value") { Description = "The value." };
        var prefix = new Option<bool>("--prefix") { Description = "All keys that begin with the key." };
        var get = new Command("get", "Prints values: linearizable, whichever node is asked.") { key, prefix };
        var put = new Command("put", "Writes a value; returns once a majority has it on disk.") { key, value };
        var del = new Command("del", "Deletes, and prints how many keys there were.") { key, prefix };
        var watch = new Command("watch", "Prints changes until interrupted.") { key, prefix };
        var kv = new Command("kv", "Reads and writes keys of a running cluster.") { get, put, del, watch };
        var endpoints = ClientOptions.AddTo(kv);

        get.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => GetAsync(parsed, client, parsed.GetValue(key)!, parsed.GetValue(prefix), cancel)));
        put.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => PutAsync(parsed, client, parsed.GetValue(key)!, parsed.GetValue(value)!, cancel)));
        del.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => DeleteAsync(parsed, client, parsed.GetValue(key)!, parsed.GetValue(prefix), cancel)));
        watch.SetAction((parsed, cancel) => endpoints.RunAsync(parsed, client => WatchAsync(parsed, client, parsed.GetValue(key)!, parsed.GetValue(prefix), cancel)));
        return kv;
    }

    private static async Task<int> GetAsync(ParseResult parsed, HoldfastClient client, string key, bool isPrefix, CancellationToken cancel)
    {
        var response = isPrefix ? await client.GetPrefixAsync(key, cancel) : await client.RangeAsync(new RangeRequest { Key = KeyText.Bytes(key) }, cancel);
        var rows = response.Kvs.Select(pair => new KeyRow(pair.Key.ToStringUtf8(), pair.Value.ToStringUtf8(), pair.CreateRevision, pair.ModRevision, pair.Version, pair.Lease)).ToList();
        if (isPrefix || Report.IsJson(parsed)) Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListKeyRow, ["key", "value"], row => [row.Key, row.Value]);
        else foreach (var row in rows) Console.WriteLine(row.Value);
        return rows.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> PutAsync(ParseResult parsed, HoldfastClient client, string key, string value, CancellationToken cancel) =>
        Report.Revision(parsed, (await client.PutAsync(key, value, cancel: cancel)).Header.Revision);

    private static async Task<int> DeleteAsync(ParseResult parsed, HoldfastClient client, string key, bool isPrefix, CancellationToken cancel)
    {
        var response = await client.DeleteRangeAsync(
            isPrefix ? new DeleteRangeRequest { Key = KeyText.StartOfPrefix(key), RangeEnd = KeyText.EndOfPrefix(key) } : new DeleteRangeRequest { Key = KeyText.Bytes(key) }, cancel);
        Report.One(parsed, new Dictionary<string, long> { ["deleted"] = response.Deleted }, ReportJson.Readable.DictionaryStringInt64, response.Deleted.ToString(CultureInfo.InvariantCulture));
        return response.Deleted > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> WatchAsync(ParseResult parsed, HoldfastClient client, string key, bool isPrefix, CancellationToken cancel)
    {
        try
        {
            await foreach (var response in isPrefix ? client.WatchPrefixAsync(key, 0, cancel) : client.WatchAsync(new WatchCreateRequest { Key = KeyText.Bytes(key) }, cancel))
            {
                foreach (var change in response.Events) Print(parsed, change);
                if (response.Canceled) return new Failure(ErrorCode.Refused, $"the server ended the watch: {response.CancelReason}").Say(parsed);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Interrupted: that is how a watch ends.
        }

        return ExitCode.Done;
    }

    private static void Print(ParseResult parsed, Event change)
    {
        var (isPut, key, value) = (change.Type == Event.Types.EventType.Put, change.Kv.Key.ToStringUtf8(), change.Kv.Value.ToStringUtf8());
        Report.One(parsed, new ChangeRow(isPut ? "put" : "del", key, isPut ? value : null, change.Kv.ModRevision), ReportJson.Lines.ChangeRow, $"{(isPut ? "put" : "del")}\t{key}\t{value}");
    }
}
